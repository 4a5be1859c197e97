"""An enterprise that registers identifiers, and its contact."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from stdnum.cn import uscc
from stdnum.exceptions import InvalidChecksum, InvalidComponent, InvalidFormat, InvalidLength, ValidationError

from idnode.model.industry import Industry


class EnterpriseState(StrEnum):
    """A retired enterprise keeps its records and registers nothing more."""

    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom the node's operator calls; all fields as in the enterprise object of snms-api.md."""

    name: str | None = None
    phone: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Enterprise:
    """Name, unified social credit code and place in GB/T 4754."""

    id: UUID
    name: str
    uscc: str
    industry: Industry
    contact: Contact
    website: str | None
    address: str | None
    state: EnterpriseState
    version: int
    created: datetime
    updated: datetime


def uscc_problem(text: str) -> str | None:
    """Why `text` is no unified social credit code (GB 32100-2015: 17 characters and a check character), or None."""
    try:
        uscc.validate(text)
    except InvalidLength:
        return f"has {len(text)} characters, a unified social credit code has 18"
    except InvalidChecksum:
        return f"its check character should be {uscc.calc_check_digit(text[:-1])}, not {text[-1]}"
    except (InvalidFormat, InvalidComponent, ValidationError):
        return "is not 8 digits followed by 10 of 0-9 and A-Z without I, O, S, V, Z"
    # The library also takes separators and lower case; the code as issued has neither.
    return None if uscc.compact(text) == text else "must be written without separators, in upper case"

"""Documents of transfers between enterprises."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from idnode.frontends.v1.schemas.fields import Document, Form, PageQuery, PrefixText, Text, broken
from idnode.frontends.v1.schemas.identifiers import IdentifierText
from idnode.model.errors import InvalidIdentifier, InvalidInput, Violation, shown
from idnode.model.identifier import Identifier, Prefix
from idnode.model.transfer import TRANSFER_IDENTIFIERS_MAX, Act, Kind, TransferState
from idnode.registry.transfers import TransferForm


class TransferIn(Form):
    """What to transfer, to which enterprise: a prefix, or identifiers that one enterprise holds."""

    prefix: PrefixText | None = None
    identifiers: Annotated[list[IdentifierText], Field(min_length=1, max_length=TRANSFER_IDENTIFIERS_MAX)] | None = None
    receiver: Annotated[UUID, Field(strict=False)]
    note: Text | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if (self.prefix is None) == (self.identifiers is None):
            raise broken("prefix-or-identifiers", "send either prefix or identifiers")
        return self

    def form(self) -> TransferForm:
        """As the registry wants it. Raises InvalidInput with every identifier that is none, or stands twice."""
        prefix = None if self.prefix is None else Prefix.parse(self.prefix)
        return TransferForm(prefix, _identifiers(self.identifiers or []), self.receiver, self.note)


class AnswerIn(Form):
    """Why."""

    note: Text | None = None


class StepOut(Document):
    """One entry of a transfer's history; `actor` is the id of a key, `role` what it acted as."""

    act: Act
    at: datetime
    actor: str
    role: str
    note: str | None


class TransferOut(Document):
    """A transfer; lists leave `identifiers` out and say their `count`."""

    id: UUID
    kind: Kind
    prefix: str | None
    count: int
    identifiers: list[str] | None = None
    giver: UUID
    receiver: UUID
    state: TransferState
    steps: list[StepOut]
    expires: datetime
    version: int
    created: datetime
    updated: datetime


class TransferQuery(PageQuery):
    """Filters of the list."""

    state: TransferState | None = None


class TransferPage(Document):
    """A page of transfers."""

    items: list[TransferOut]
    next: str | None


def _identifiers(texts: list[str]) -> tuple[Identifier, ...]:
    violations: list[Violation] = []
    parsed: dict[str, Identifier] = {}
    for place, text in enumerate(texts):
        try:
            identifier = Identifier.parse(text)
        except InvalidIdentifier as error:
            violations += [violation.under(f"/identifiers/{place}") for violation in error.violations]
            continue
        if identifier.folded in parsed:
            detail = "stands in the list already (letters compare without case)"
            violations.append(Violation(f"/identifiers/{place}", "given-twice", detail, shown(text)))
        parsed[identifier.folded] = identifier
    InvalidInput.refuse_any(violations)
    return tuple(parsed.values())

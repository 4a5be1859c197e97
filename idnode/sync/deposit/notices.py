"""What the platform says of a deposit, as a file `*.notice.json` beside it; pure.

{"deposit": "20261124T180000123Z", "resend": 0, "state": "confirmed"}
{"deposit": "20261124T180000123Z", "resend": 0, "state": "refused", "reason": "part002 cannot be decrypted"}
"""

from dataclasses import dataclass
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from idnode.storage.deposits import DepositState


@dataclass(frozen=True, slots=True)
class Notice:
    """A verdict on one sending of a deposit."""

    deposit: str
    resend: int
    state: Literal["confirmed", "refused"]
    reason: str | None = None

    @property
    def verdict(self) -> DepositState:
        """As a state of the deposit."""
        return DepositState(self.state)


_READER: TypeAdapter[Notice] = TypeAdapter(Notice)


def read_notice(document: bytes) -> Notice | None:
    """None for what is no notice: somebody else's file, or one that is half written."""
    try:
        return _READER.validate_json(document)
    except ValidationError:
        return None

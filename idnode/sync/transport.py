"""The one interface between the ledger and the outside: batches of records go up, verdicts and digests come back."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

from idnode.model.errors import IdnodeError
from idnode.model.reporting import Digest, Purpose, ReportedRecord, Verdict, VerdictPage


class TransportFailed(IdnodeError):
    """The top node could not be reached, or answered with a fault of its own: the same batch may succeed later."""

    code = "top-node-unreachable"


class TransportThrottled(IdnodeError):
    """The top node wants fewer requests; `seconds` from now it may be tried again."""

    code = "top-node-throttles"

    def __init__(self, detail: str, *, seconds: float) -> None:
        super().__init__(detail)
        self.seconds = seconds


class BatchRefused(IdnodeError):
    """The top node understood the request and refused it as a whole: sent again as it is, it will be refused again."""

    code = "top-node-refuses"


class Transport(Protocol):
    """A way to a top node. Every method ends in bounded time and raises the errors above, and no others."""

    async def deliver(self, purpose: Purpose, records: Sequence[ReportedRecord]) -> Sequence[Verdict]:
        """Send records of one report in their order. One verdict for each, in any order."""

    async def verdicts(self, cursor: str, *, wait_seconds: float) -> VerdictPage:
        """What was judged after `cursor` ("" is the beginning); waits up to `wait_seconds` when there is nothing."""

    async def digests(self, day: date) -> Sequence[Digest]:
        """What the top node holds of a day, by prefix; those of which it holds nothing are absent."""

    async def digest_lines(self, prefix: str, day: date) -> Mapping[str, str]:
        """By record id the SHA-256 of the data that the top node holds."""

    async def close(self) -> None:
        """Let go of connections."""

"""Applications for prefixes: the top node's answer becomes the state of the prefix here."""

from collections.abc import Sequence
from typing import Protocol

import structlog

from idnode.model.prefix_registration import PrefixState
from idnode.model.reporting import RecordState
from idnode.sync.judging import Judged, kept_text

STATES = {RecordState.ACCEPTED: PrefixState.ACTIVE, RecordState.REJECTED: PrefixState.REJECTED}
"""What becomes of the prefix. A record that was only received says nothing yet."""

log = structlog.get_logger("idnode.sync")


class Conclude(Protocol):
    """The write path of prefixes."""

    async def __call__(self, prefix: str, version: int, state: PrefixState, reason: str | None) -> bool:
        """Conclude the application for a prefix (folded) as it stood at `version`; False when it stands no more."""


class Applications:
    """Hears the verdicts on Report.APPLICATION before they are settled, each once or more often.

    A record's version is the prefix's at the time of the application. So an answer that was heard before, and one to an
    application that was replaced since, change nothing.
    """

    def __init__(self, conclude: Conclude) -> None:
        self._conclude = conclude

    async def judged(self, records: Sequence[Judged]) -> None:
        """Verdicts came. Raises Unavailable: then they are to come again."""
        for record in records:
            state = STATES.get(record.verdict.state)
            if state is None:
                continue
            reason = kept_text(record.verdict.reason) if state is PrefixState.REJECTED else None
            if await self._conclude(record.subject, record.version, state, reason):
                log.info("application_concluded", prefix=record.subject, state=state, reason=reason)

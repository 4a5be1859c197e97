"""When records may be sent that are due by the hour, day or month; pure, time is an argument."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from idnode.model.reporting import CADENCE, Cadence, Report
from idnode.sync.cadence import due

HELD_BACK = tuple(report for report in Report if CADENCE[report] is not Cadence.REAL_TIME)
"""Reports that wait for the end of a period."""
AT_ONCE = timedelta(seconds=1)
"""How long a record waits at most that came by another way than the collector, when nothing is held back."""


class Releases(Protocol):
    """Says which reports are to be released."""

    def due(self, at: datetime, *, has_taken: bool) -> Collection[Report]:
        """`at` is before the look at the change log that `has_taken` something from it."""

    def released(self, reports: Collection[Report], at: datetime) -> None:
        """It was done."""


class ByContract:
    """At the end of each report's period. `last` says when it was released last, if ever."""

    def __init__(self, last: Mapping[Report, datetime]) -> None:
        self._last = dict(last)

    def due(self, at: datetime, *, has_taken: bool) -> Collection[Report]:  # noqa: ARG002  # the period decides
        """Those whose period has ended since."""
        return [report for report in HELD_BACK if due(CADENCE[report], self._last.get(report), at)]

    def released(self, reports: Collection[Report], at: datetime) -> None:
        """Until the next end of their periods."""
        self._last |= dict.fromkeys(reports, at)


class AtOnce:
    """Whatever there is, as soon as it is there."""

    def __init__(self) -> None:
        self._last: datetime | None = None

    def due(self, at: datetime, *, has_taken: bool) -> Collection[Report]:
        """All, when something came, and every second; also when the clock was set back."""
        is_recent = self._last is not None and abs(at - self._last) < AT_ONCE
        return HELD_BACK if has_taken or not is_recent else ()

    def released(self, reports: Collection[Report], at: datetime) -> None:  # noqa: ARG002  # it was all of them
        """Until something comes."""
        self._last = at

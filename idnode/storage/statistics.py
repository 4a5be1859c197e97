"""What the daily statistics are made of besides usage: prefixes and identifiers that came, and which days were told."""

from dataclasses import dataclass
from datetime import date

from idnode.model.prefix_registration import PrefixState
from idnode.model.reporting import Report
from idnode.storage.database import Database
from idnode.storage.statements import statements

SQL = statements("statistics")

GRANTED = (PrefixState.ACTIVE, PrefixState.STOPPED, PrefixState.TO_DELETE)
"""States of a prefix that its enterprise was given, rather than one that it has applied for."""


@dataclass(frozen=True, slots=True)
class PrefixFigures:
    """An enterprise's prefix at the end of a day: was it granted that day, identifiers added that day and in total."""

    folded: str
    shown: str
    is_new: bool
    added: int
    total: int


class StatisticsStore:
    """Reads for the statistics."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def first_day(self) -> date | None:
        """The day (UTC+8) on which the node began; None before its first run."""
        async with self._database.session() as session:
            row = await session.row(SQL["find_first_day"])
        return None if row is None else row["day"]

    async def told(self, report: Report, subject: str, first: int, last: int) -> set[int]:
        """Which versions from `first` to `last` of a subject are in the ledger."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_told_versions"], report, subject, first, last)
        return {row["version"] for row in rows}

    async def prefixes(self, day: date) -> list[PrefixFigures]:
        """The enterprise prefixes that had been granted by the end of a day, by prefix."""
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_prefix_figures"], day, GRANTED)
        return [PrefixFigures(*row) for row in rows]

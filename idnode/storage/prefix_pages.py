"""Prefixes with their enterprises, in pages that are numbered: what SNMS lists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import orjson

from idnode.model.identifier import Prefix
from idnode.model.prefix_registration import Hosting, PrefixState
from idnode.storage.database import Database
from idnode.storage.statements import statements

SQL = statements("prefix_pages")


@dataclass(frozen=True, slots=True)
class PrefixFilters:
    """What prefix/page asks for; `among` are the prefixes that the asker may see, None for all."""

    among: Sequence[Prefix] | None
    organisation: str | None
    prefix: str | None
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class PrefixEntry:
    """A prefix as it is listed. `enterprise_number` is None for the node's own."""

    number: int
    prefix: Prefix
    state: PrefixState
    hosting: Hosting
    organisation: str | None
    enterprise_number: int | None
    created: datetime
    updated: datetime


@dataclass(frozen=True, slots=True)
class PrefixDetail:
    """A prefix with what is known of its enterprise; `profile` are its fields of T6."""

    entry: PrefixEntry
    website: str | None
    industry: str | None
    address: str | None
    profile: Mapping[str, object]


class PrefixPages:
    """Reads of the prefix table for people."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, prefix: Prefix) -> PrefixDetail | None:
        """One prefix."""
        async with self._database.session() as session:
            row = await session.row(SQL["find_prefix_entry"], prefix.folded)
        if row is None:
            return None
        profile = {} if row["profile"] is None else orjson.loads(row["profile"])
        return PrefixDetail(_entry(row), row["website"], row["industry"], row["address"], profile)

    async def page(self, filters: PrefixFilters, *, offset: int, limit: int) -> tuple[list[PrefixEntry], int]:
        """A page, newest first, and how many there are in all."""
        among = None if filters.among is None else [prefix.folded for prefix in filters.among]
        asked = (among, filters.organisation, filters.prefix, filters.since, filters.until)
        async with self._database.session() as session:
            rows = await session.rows(SQL["list_prefix_entries"], *asked, offset, limit)
            counted = rows[0] if rows else await session.row(SQL["count_prefix_entries"], *asked)
        return [_entry(row) for row in rows], 0 if counted is None else counted["total"]


def _entry(row: asyncpg.Record) -> PrefixEntry:
    return PrefixEntry(
        row["number"],
        Prefix(row["shown"], row["folded"]),
        PrefixState(row["state"]),
        Hosting(row["hosting"]),
        row["organisation"],
        row["enterprise_number"],
        row["created"],
        row["updated"],
    )

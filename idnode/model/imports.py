"""Imports: a file of rows that becomes identifiers, how it is to be read, and how far it has come."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from idnode.model.template import TemplateName

CHUNK_ROWS_MAX = 1_000
"""Rows that are written, and have their verdicts kept, in one transaction."""
LINE_BYTES_MAX = 1 << 20
"""Of one row as NDJSON; a longer line is refused without being read."""


class ImportFormat(StrEnum):
    """What the rows stand in."""

    NDJSON = "ndjson"
    CSV = "csv"
    XLSX = "xlsx"


class ImportMode(StrEnum):
    """What a row does whose identifier exists already: it is refused, or it replaces what stands."""

    REGISTER = "register"
    UPSERT = "upsert"


class ImportState(StrEnum):
    """Where an import is. Reading: rows of a file that is no plain NDJSON are brought into lines."""

    WAITING = "waiting"
    READING = "reading"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    DONE = "done"
    FAILED = "failed"


ENDED = frozenset({ImportState.CANCELLED, ImportState.DONE, ImportState.FAILED})
"""From these no import comes back."""


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """How a file is read. `encoding` None: UTF-8, or else GB18030. `prefix` and `template` are for rows without."""

    format: ImportFormat
    is_gzip: bool = False
    encoding: str | None = None
    mapping: Mapping[str, object] | None = None
    """Which column is what, for CSV and XLSX; None: by the names and titles of the template's items."""
    delimiter: str | None = None
    sheet: str | None = None
    has_header: bool = True
    prefix: str | None = None
    template: TemplateName | None = None
    bytes_max: int = 1 << 36
    """Of all rows, unpacked."""

    @property
    def is_plain(self) -> bool:
        """The file's own lines are the rows: nothing has to be made of it first."""
        return self.format is ImportFormat.NDJSON and not self.is_gzip and self.encoding in (None, "utf-8")


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """Rows by what became of them."""

    registered: int = 0
    replaced: int = 0
    patched: int = 0
    deleted: int = 0
    refused: int = 0

    @property
    def done(self) -> int:
        """Rows that have a verdict."""
        return self.registered + self.replaced + self.patched + self.deleted + self.refused


@dataclass(frozen=True, slots=True)
class ImportCursor:
    """What comes next: the chunk, the row that it begins with, and the byte in the file of lines."""

    chunk: int = 0
    row: int = 1
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Pace:
    """Since when, and from which row on, the rate is counted: the last beginning or resuming."""

    since: datetime
    rows: int


@dataclass(frozen=True, slots=True)
class Import:
    """One import. `owner` is the key that asked for it, `scope` its prefixes; `home` tells where the file lies.

    `sha256` and `size` are those of the file as it was sent; `version` moves with every chunk.
    """

    id: UUID
    owner: UUID
    actor: str
    scope: tuple[str, ...]
    name: str
    options: ReadingOptions
    mode: ImportMode
    is_dry_run: bool
    sha256: bytes
    size: int
    home: UUID
    state: ImportState
    created: datetime
    updated: datetime
    started: datetime | None = None
    ended: datetime | None = None
    rows_total: int | None = None
    """None until it is known: of plain NDJSON at the end."""
    bytes_total: int | None = None
    """Of the file of lines; None until that is there."""
    cursor: ImportCursor = field(default_factory=ImportCursor)
    counts: ImportCounts = field(default_factory=ImportCounts)
    pace: Pace | None = None
    failure: str | None = None
    version: int = 1

    @property
    def rows_per_second(self) -> float | None:
        """Since it was begun or resumed."""
        if self.pace is None or self.updated <= self.pace.since:
            return None
        return (self.counts.done - self.pace.rows) / (self.updated - self.pace.since).total_seconds()

    @property
    def seconds_left(self) -> float | None:
        """At this rate; rows that have not been counted are reckoned by their bytes."""
        rate, done, cursor = self.rows_per_second, self.counts.done, self.cursor
        if not rate or not cursor.offset or self.bytes_total is None or self.state is not ImportState.RUNNING:
            return None
        total = done * self.bytes_total / cursor.offset if self.rows_total is None else self.rows_total
        return max(total - done, 0) / rate

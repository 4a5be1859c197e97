"""Documents and parameters of imports."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from idnode.frontends.v1.routes import WriteQuery
from idnode.frontends.v1.schemas.fields import Document, Line, PageQuery, PrefixText
from idnode.model.imports import Import, ImportFormat, ImportMode, ImportState
from idnode.wire.instants import instant_text, optional_instant_text

MAPPING_CHARACTERS_MAX = 16_384


class ImportQuery(WriteQuery):
    """How the file is to be read, and what its rows are to do."""

    format: ImportFormat | None = None
    """ndjson, csv or xlsx; without it the Content-Type says, or the ending of `name`."""
    mapping: Annotated[str | None, Field(max_length=MAPPING_CHARACTERS_MAX)] = None
    """JSON: which column is what, for csv and xlsx."""
    encoding: Annotated[str | None, Field(min_length=1, max_length=16)] = None
    """utf-8 or gb18030; without it the file says."""
    delimiter: Annotated[str | None, Field(min_length=1, max_length=1)] = None
    """Of csv; without it the file says."""
    sheet: Line | None = None
    """Of xlsx; without it the first one."""
    header: bool = True
    """Whether the first row of a csv or xlsx file names the columns."""
    mode: ImportMode = ImportMode.REGISTER
    """register: a row whose identifier exists is refused. upsert: it replaces what stands."""
    prefix: PrefixText | None = None
    """Put before identifiers that have none."""
    template: Annotated[str | None, Field(max_length=300, examples=["88.118.8:roll-1"])] = None
    """PREFIX:VERSION, for rows that name none."""
    name: Annotated[Line, Field()] = "import"
    """What the file is called where it is shown."""
    again: bool = False
    """Import a file that was imported before."""


class ImportRowsOut(Document):
    """Rows: how many there are, as far as it is known, and what became of them."""

    total: int | None
    done: int
    registered: int
    replaced: int
    patched: int
    deleted: int
    refused: int


class ImportBytesOut(Document):
    """Bytes: of the file as it was sent, and how far its rows were read."""

    file: int
    total: int | None
    done: int


class ImportOut(Document):
    """An import. Rate and time left are those since it was begun or resumed; `failure` is why it failed."""

    id: UUID
    name: str
    state: ImportState
    format: ImportFormat
    mode: ImportMode
    dry_run: bool
    owner: UUID
    sha256: str
    rows: ImportRowsOut
    bytes: ImportBytesOut
    rows_per_second: float | None
    seconds_left: float | None
    created: datetime
    updated: datetime
    started: datetime | None
    ended: datetime | None
    failure: str | None
    note: str | None = None
    warning: str | None = None
    version: int


class ImportPage(Document):
    """A page of imports, the newest first."""

    items: list[ImportOut]
    next: str | None


class ImportsQuery(PageQuery):
    """Filters of the list."""

    state: ImportState | None = None
    """Only those in this state."""


def import_document(job: Import, *, warning: str | None = None) -> dict[str, object]:
    """As it is shown."""
    counts, rate, left = job.counts, job.rows_per_second, job.seconds_left
    document: dict[str, object] = {
        "id": str(job.id),
        "name": job.name,
        "state": job.state,
        "format": job.options.format,
        "mode": job.mode,
        "dry_run": job.is_dry_run,
        "owner": str(job.owner),
        "sha256": job.sha256.hex(),
        "rows": {
            "total": job.rows_total,
            "done": counts.done,
            "registered": counts.registered,
            "replaced": counts.replaced,
            "patched": counts.patched,
            "deleted": counts.deleted,
            "refused": counts.refused,
        },
        "bytes": {"file": job.size, "total": job.bytes_total, "done": job.cursor.offset},
        "rows_per_second": None if rate is None else round(rate, 1),
        "seconds_left": None if left is None else round(left, 1),
        "created": instant_text(job.created),
        "updated": instant_text(job.updated),
        "started": optional_instant_text(job.started),
        "ended": optional_instant_text(job.ended),
        "failure": job.failure,
        "version": job.version,
    }
    written = counts.done - counts.refused
    if job.state in (ImportState.CANCELLED, ImportState.FAILED) and written and not job.is_dry_run:
        document["note"] = f"{written} rows were committed before and stand"
    if warning is not None:
        document["warning"] = warning
    return document

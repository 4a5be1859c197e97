"""Streams the identifiers of a prefix: as one snapshot shows them, in bounded memory, a few at a time per process."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from idnode.model.errors import Unavailable
from idnode.model.identifier import Prefix
from idnode.model.record import State
from idnode.registry.exports.lines import CsvLines, columns_of, ndjson_lines
from idnode.storage.exports import ExportStore

EXPORTS_MAX = 2
"""At once in one process: each holds a connection and a snapshot."""
PIECE_ROWS = 100
"""The event loop serves others in between."""


class ExportFormat(StrEnum):
    """How an export is written."""

    NDJSON = "ndjson"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class ExportWish:
    """What is exported, and how; `columns` None: those of every record and the attributes of the first 1,000."""

    prefix: Prefix
    format: ExportFormat
    state: State | None = None
    columns: tuple[str, ...] | None = None


class _Lines(Protocol):
    """Writes records."""

    def __call__(self, records: Sequence[bytes], /) -> bytes: ...


class Exporter:
    """Gives out exports."""

    def __init__(self, store: ExportStore) -> None:
        self._store = store
        self._open = 0

    async def export(self, wish: ExportWish) -> AsyncGenerator[bytes, None]:
        """An export that has begun: its snapshot is taken. Raises Unavailable, also when too many are under way."""
        pieces = self._pieces(wish)
        # Its first piece is empty. What is refused is refused here, before anything was sent; and a generator that has
        # not begun would not notice that it is closed.
        await anext(pieces)
        return pieces

    async def _pieces(self, wish: ExportWish) -> AsyncGenerator[bytes, None]:
        with self._counted():
            async with self._store.snapshot(wish.prefix, state=wish.state) as snapshot:
                page = await snapshot.page()
                yield b""
                lines: _Lines = ndjson_lines
                if wish.format is ExportFormat.CSV:
                    table = CsvLines(wish.columns or columns_of(page))
                    lines = table.lines
                    yield table.header()
                while page:
                    for begin in range(0, len(page), PIECE_ROWS):
                        yield lines(page[begin : begin + PIECE_ROWS])
                        await asyncio.sleep(0)
                    page = await snapshot.page()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        if self._open >= EXPORTS_MAX:
            raise Unavailable(f"{self._open} exports are under way in this process, the limit is {EXPORTS_MAX}")
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

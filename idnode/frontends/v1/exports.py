"""Exports: the identifiers of a prefix as NDJSON or CSV, packed with gzip for whoever takes it."""

import zlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from idnode.frontends.v1.routes import EVERY_ROLE, Call, HeaderValues, Route, Streamed, only_streams
from idnode.frontends.v1.schemas.exports import ExportQuery
from idnode.frontends.v1.schemas.identifiers import RecordOut
from idnode.model.errors import InvalidInput, Violation, shown
from idnode.model.identifier import Prefix
from idnode.registry.exports.exporter import Exporter, ExportFormat, ExportWish

TOPIC = "imports"
MEDIA_TYPES = {ExportFormat.NDJSON: "application/x-ndjson", ExportFormat.CSV: "text/csv"}
_CONTENT_TYPES = {
    ExportFormat.NDJSON: "application/x-ndjson",
    ExportFormat.CSV: "text/csv; charset=utf-8; header=present",
}
_GZIP = 16 + zlib.MAX_WBITS
_FASTEST = 1


class ExportsApi:
    """The handler of the export route."""

    def __init__(self, exporter: Exporter) -> None:
        self._exporter = exporter

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        return (
            Route("GET", "/v1/exports", "export_identifiers", "Export the identifiers of a prefix", only_streams,
                  EVERY_ROLE, RecordOut, query=ExportQuery, topic=TOPIC, media_types=tuple(MEDIA_TYPES.values()),
                  stream=self.export),
        )  # fmt: skip

    async def export(self, call: Call, headers: HeaderValues) -> Streamed:
        """GET /v1/exports?prefix=."""
        wish = _wish(call.query_as(ExportQuery))
        call.reader.require_reach(wish.prefix)
        pieces = await self._exporter.export(wish)
        name = f'attachment; filename="{wish.prefix.text}.{wish.format}"'
        told = (("Content-Disposition", name), ("Vary", "Accept-Encoding"))
        if not takes_gzip(headers("Accept-Encoding")):
            return Streamed(_CONTENT_TYPES[wish.format], pieces, told)
        packed = _gzipped(pieces)
        # Begun, it ends the export when it is closed.
        await anext(packed)
        return Streamed(_CONTENT_TYPES[wish.format], packed, (*told, ("Content-Encoding", "gzip")))


def _wish(query: ExportQuery) -> ExportWish:
    columns = None if query.columns is None else tuple(name.strip() for name in query.columns.split(","))
    if columns is not None and query.format is not ExportFormat.CSV:
        detail = f"only CSV has columns, the format is {query.format}"
        raise InvalidInput.of([Violation("/columns", "csv", detail, shown(query.columns))])
    return ExportWish(Prefix.parse(query.prefix), query.format, query.state, columns)


def takes_gzip(values: Sequence[str]) -> bool:
    """Whether Accept-Encoding (RFC 9110 §12.5.3) names gzip, and not with a weight of 0."""
    for coding in ",".join(values).lower().split(","):
        name, _, weight = coding.partition(";")
        if name.strip() in ("gzip", "x-gzip"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


async def _gzipped(pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(pieces):
        packer = zlib.compressobj(_FASTEST, wbits=_GZIP)
        yield b""
        async for piece in pieces:
            if packed := packer.compress(piece):
                yield packed
        yield packer.flush()

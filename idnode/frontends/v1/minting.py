"""Minting: patterns, identifiers under their next suffixes, ranges for printing lines."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

import orjson

from idnode.frontends.v1.answers import (
    answer_bytes,
    answer_json,
    location_of,
    page_json,
    uuid_after,
    uuid_of,
)
from idnode.frontends.v1.content import content_of
from idnode.frontends.v1.routes import (
    EVERY_ROLE,
    WRITERS,
    Call,
    HeaderValues,
    Route,
    Streamed,
    WriteQuery,
    only_streams,
)
from idnode.frontends.v1.schemas.minting import (
    MintIn,
    MintOut,
    PatternIn,
    PatternOut,
    PatternPage,
    PatternQuery,
    RangeCloseIn,
    RangeIn,
    RangeOut,
    RangePage,
    RangeQuery,
    SuffixFormat,
    SuffixQuery,
)
from idnode.model.access import ApiKey
from idnode.model.errors import InvalidInput
from idnode.model.identifier import Identifier, Prefix
from idnode.model.mint import MintPattern, MintRange
from idnode.registry.commands import Content
from idnode.registry.mint_patterns import PatternRegistry
from idnode.registry.mint_ranges import RangeRegistry
from idnode.registry.minting import Minter
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.identifiers import StoredRecord
from idnode.wire.naming_json import pattern_document, range_document

TOPIC = "minting"
LINES_OF_PIECE = 200
_MEDIA_TYPES = {SuffixFormat.NDJSON: "application/x-ndjson", SuffixFormat.CSV: "text/csv"}
_CONTENT_TYPES = {
    SuffixFormat.NDJSON: "application/x-ndjson",
    SuffixFormat.CSV: "text/csv; charset=utf-8; header=present",
}


class MintingApi:
    """Handlers of the routes of patterns, minting and ranges."""

    def __init__(self, patterns: PatternRegistry, minter: Minter, ranges: RangeRegistry) -> None:
        self._patterns = patterns
        self._minter = minter
        self._ranges = ranges

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        pattern, reserved = "/v1/patterns/{id}", "/v1/ranges/{id}"
        return (
            Route("POST", "/v1/patterns", "define_pattern", "Define a pattern of suffixes", self.define,
                  WRITERS, PatternOut, 201, PatternIn, query=WriteQuery, topic=TOPIC),
            Route("GET", "/v1/patterns", "list_patterns", "List patterns; a scoped key sees those of its prefixes",
                  self.page, EVERY_ROLE, PatternPage, query=PatternQuery, topic=TOPIC),
            Route("GET", pattern, "read_pattern", "Read a pattern", self.read,
                  EVERY_ROLE, PatternOut, topic=TOPIC),
            Route("DELETE", pattern, "retire_pattern", "Retire: it mints nothing more", self.retire,
                  WRITERS, PatternOut, query=WriteQuery, topic=TOPIC),
            Route("POST", "/v1/mint/{id}", "mint", "Register under the next suffix of a pattern, or many at once",
                  self.mint, WRITERS, MintOut, 201, MintIn, query=WriteQuery, topic=TOPIC),
            Route("POST", "/v1/ranges", "reserve_range", "Reserve numbers for a printing line", self.reserve,
                  WRITERS, RangeOut, 201, RangeIn, query=WriteQuery, topic=TOPIC),
            Route("GET", "/v1/ranges", "list_ranges", "List ranges; a scoped key sees those of its prefixes",
                  self.ranges, EVERY_ROLE, RangePage, query=RangeQuery, topic=TOPIC),
            Route("GET", reserved, "read_range", "Read a range", self.read_range,
                  EVERY_ROLE, RangeOut, topic=TOPIC),
            Route("GET", "/v1/ranges/{id}/suffixes", "list_suffixes", "The identifiers of a range, in order",
                  only_streams, EVERY_ROLE, RangeOut, query=SuffixQuery, topic=TOPIC,
                  media_types=tuple(_MEDIA_TYPES.values()), stream=self.suffixes),
            Route("POST", "/v1/ranges/{id}/close", "close_range", "Close a range: how many numbers were used",
                  self.close, WRITERS, RangeOut, body=RangeCloseIn, query=WriteQuery, topic=TOPIC),
        )  # fmt: skip

    async def define(self, call: Call) -> KeptAnswer:
        """POST /v1/patterns."""
        return await self._patterns.define(call.body_as(PatternIn).form(), call.asked, _defined)

    async def page(self, call: Call) -> KeptAnswer:
        """GET /v1/patterns."""
        query = call.query_as(PatternQuery)
        found = await self._patterns.page(
            after=uuid_after(query.cursor),
            among=_among(call.reader, query.prefix),
            state=query.state,
            limit=query.limit,
        )
        documents = [pattern_document(each) for each in found]
        return page_json(documents, limit=query.limit, cursors=[str(each.id) for each in found])

    async def read(self, call: Call) -> KeptAnswer:
        """GET /v1/patterns/{id}."""
        return _shown(await self._patterns.find_for(call.reader, uuid_of(call.path["id"])))

    async def retire(self, call: Call) -> KeptAnswer:
        """DELETE /v1/patterns/{id}."""
        return await self._patterns.retire(uuid_of(call.path["id"]), call.asked, _shown)

    async def mint(self, call: Call) -> KeptAnswer:
        """POST /v1/mint/{id}."""
        id, body, now = uuid_of(call.path["id"]), call.body_as(MintIn), call.asked.trace.at
        if body.contents is not None:
            contents = [_content_at(row, body, call) for row in range(len(body.contents))]
            return await self._minter.mint_many(id, contents, call.asked, _minted, _row)
        content = content_of(body, now=now)
        if body.count is None:
            return await self._minter.mint(id, content, call.asked, _registered)
        return await self._minter.mint_many(id, [content] * body.count, call.asked, _minted, lambda _: "")

    async def reserve(self, call: Call) -> KeptAnswer:
        """POST /v1/ranges."""
        body = call.body_as(RangeIn)
        return await self._ranges.reserve(body.pattern, body.size, body.line, call.asked, _reserved)

    async def ranges(self, call: Call) -> KeptAnswer:
        """GET /v1/ranges."""
        query = call.query_as(RangeQuery)
        found = await self._ranges.page(
            after=uuid_after(query.cursor),
            among=_among(call.reader, query.prefix),
            pattern=query.pattern,
            state=query.state,
            limit=query.limit,
        )
        documents = [range_document(each) for each in found]
        return page_json(documents, limit=query.limit, cursors=[str(each.id) for each in found])

    async def read_range(self, call: Call) -> KeptAnswer:
        """GET /v1/ranges/{id}."""
        return _shown_range(await self._ranges.find_for(call.reader, uuid_of(call.path["id"])))

    async def suffixes(self, call: Call, _: HeaderValues) -> Streamed:
        """GET /v1/ranges/{id}/suffixes."""
        form = call.query_as(SuffixQuery).format
        reserved = await self._ranges.find_for(call.reader, uuid_of(call.path["id"]))
        name = f'attachment; filename="range-{reserved.id}.{form}"'
        return Streamed(_CONTENT_TYPES[form], _pieces(reserved, form), (("Content-Disposition", name),))

    async def close(self, call: Call) -> KeptAnswer:
        """POST /v1/ranges/{id}/close."""
        used = call.body_as(RangeCloseIn).used
        return await self._ranges.close(uuid_of(call.path["id"]), used, call.asked, _shown_range)


def _among(key: ApiKey, prefix: str | None) -> Sequence[Prefix] | None:
    """The prefixes to list: the one asked for, or all that the key reaches. Raises Forbidden."""
    if prefix is None:
        return key.prefixes or None
    asked = Prefix.parse(prefix)
    key.require_reach(asked)
    return [asked]


def _content_at(row: int, body: MintIn, call: Call) -> Content:
    try:
        return content_of((body.contents or [])[row], now=call.asked.trace.at)
    except InvalidInput as error:
        violations = [violation.under(_row(row)) for violation in error.violations]
        raise InvalidInput.of(violations, unlisted=error.unlisted) from None


def _row(row: int) -> str:
    return f"/contents/{row}"


async def _pieces(reserved: MintRange, form: SuffixFormat) -> AsyncGenerator[bytes, None]:
    """Some lines at a time; others are served in between."""
    if form is SuffixFormat.CSV:
        yield b"identifier\r\n"
    for begin in range(0, reserved.size, LINES_OF_PIECE):
        places = range(begin, min(begin + LINES_OF_PIECE, reserved.size))
        identifiers = [f"{reserved.pattern.prefix.text}/{reserved.suffix(place)}" for place in places]
        yield b"".join(map(_csv_line if form is SuffixFormat.CSV else _json_line, identifiers))
        await asyncio.sleep(0)


def _json_line(identifier: str) -> bytes:
    return orjson.dumps({"identifier": identifier}, option=orjson.OPT_APPEND_NEWLINE)


def _csv_line(identifier: str) -> bytes:
    # It begins with a prefix: no spreadsheet takes it for a formula. A pattern may hold a quote or a comma.
    quoted = identifier.replace('"', '""')
    return f'"{quoted}"\r\n'.encode()


def _defined(pattern: MintPattern) -> KeptAnswer:
    location = location_of("patterns", str(pattern.id))
    return answer_json(pattern_document(pattern), status=201, version=1, location=location)


def _shown(pattern: MintPattern) -> KeptAnswer:
    return answer_json(pattern_document(pattern), version=pattern.version)


def _registered(identifier: Identifier, stored: StoredRecord) -> KeptAnswer:
    location = location_of("identifiers", identifier.text)
    return answer_bytes(stored.document, status=201, version=stored.version, location=location)


def _minted(stored: Sequence[StoredRecord], minted: Sequence[Identifier]) -> KeptAnswer:
    items = [
        {"identifier": identifier.text, "version": record.version}
        for identifier, record in zip(minted, stored, strict=True)
    ]
    return answer_json({"items": items}, status=201)


def _reserved(reserved: MintRange) -> KeptAnswer:
    location = location_of("ranges", str(reserved.id))
    return answer_json(range_document(reserved), status=201, version=1, location=location)


def _shown_range(reserved: MintRange) -> KeptAnswer:
    return answer_json(range_document(reserved), version=reserved.version)

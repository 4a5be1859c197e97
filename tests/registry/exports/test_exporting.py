"""Exports of a real database: one snapshot, a bounded number at a time, connections that end."""

import csv
import io
import zlib
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import asyncpg
import orjson
import pytest
from harness import NodeUnderTest

from idnode.frontends.v1.exports import ExportsApi, takes_gzip
from idnode.frontends.v1.routes import Call
from idnode.frontends.v1.schemas.exports import ExportQuery
from idnode.model.access import ApiKey
from idnode.model.errors import Forbidden, InvalidInput, Unavailable
from idnode.model.identifier import Prefix
from idnode.model.imports import ImportFormat, ReadingOptions
from idnode.model.record import State
from idnode.registry.exports.exporter import EXPORTS_MAX, Exporter, ExportFormat, ExportWish
from idnode.registry.imports.reading import documents
from idnode.storage import exports
from idnode.storage.exports import ExportStore

PREFIX = Prefix.parse("88.118.8")
WISH = ExportWish(PREFIX, ExportFormat.NDJSON)


async def test_an_export_shows_one_moment_whatever_is_written_meanwhile(
    node: NodeUnderTest, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE_ROWS", 2)
    await node.prefix()
    await node.prefix("88.118.80", enterprise=await node.enterprise(uscc="91350100M000100Y43", name="示例二"))
    for name in ("88.118.8/a", "88.118.8/b", "88.118.8/c", "88.118.80/x"):
        await node.identifier(name)
    pieces = await Exporter(ExportStore(dsn)).export(WISH)

    await node.identifier("88.118.8/d")
    await node.call("DELETE", "/v1/identifiers/88.118.8/c")
    found = [orjson.loads(line) for line in (await _all(pieces)).splitlines()]

    assert [(each["identifier"], each["state"]) for each in found] == [
        ("88.118.8/a", "active"),
        ("88.118.8/b", "active"),
        ("88.118.8/c", "active"),
    ]
    later = await _all(await Exporter(ExportStore(dsn)).export(replace(WISH, state=State.DELETED)))
    assert orjson.loads(later)["identifier"] == "88.118.8/c"


async def test_exports_are_counted_and_their_connections_end_with_them(dsn: str) -> None:
    exporter = Exporter(ExportStore(dsn))
    begun = [await exporter.export(WISH) for _ in range(EXPORTS_MAX)]

    with pytest.raises(Unavailable, match="2 exports are under way in this process, the limit is 2"):
        await exporter.export(WISH)
    assert await _connections(dsn) == EXPORTS_MAX

    # One is left before a piece was taken, the other goes on.
    await begun[0].aclose()
    third = await exporter.export(WISH)
    assert await _all(begun[1]) == b""
    await third.aclose()
    while await _connections(dsn):
        pass


async def test_a_database_that_is_away_refuses_before_anything_is_sent_and_leaves_no_place_taken() -> None:
    exporter = Exporter(ExportStore("postgresql://nobody@127.0.0.1:1/none"))

    for _ in range(EXPORTS_MAX + 1):
        with pytest.raises(Unavailable, match="the database is away"):
            await exporter.export(WISH)


async def test_the_route_answers_to_keys_that_reach_the_prefix_packed_for_who_takes_it(
    node: NodeUnderTest, dsn: str, tmp_path: Path
) -> None:
    await node.prefix()
    values = [{"index": 1, "type": "URL", "data": {"format": "string", "value": "https://example.com"}}]
    document = {"identifier": "88.118.8/=A", "values": values}
    assert (await node.call("POST", "/v1/identifiers", document)).status == 201
    api = ExportsApi(Exporter(ExportStore(dsn)))
    admin = await _key(node, "")
    stranger = await _key(node, await node.key("reader", "88.118.9"))
    query = ExportQuery.model_validate({"prefix": "88.118.8", "format": "csv"})

    plain = await api.export(_call(admin, query), lambda _: ())
    packed = await api.export(_call(admin, query), lambda _: ("gzip, br",))

    table = await _all(plain.pieces)
    assert zlib.decompress(await _all(packed.pieces), wbits=31) == table
    assert dict(packed.headers)["Content-Encoding"] == "gzip"
    assert dict(plain.headers)["Content-Disposition"] == 'attachment; filename="88.118.8.csv"'
    [row] = csv.DictReader(io.StringIO(table.decode("utf-8-sig")))
    assert (row["identifier"], row["state"], row["version"]) == ("88.118.8/=A", "active", "1")

    with pytest.raises(Forbidden):
        await api.export(_call(stranger, query), lambda _: ())
    with pytest.raises(InvalidInput, match="only CSV has columns"):
        wrong = ExportQuery.model_validate({"prefix": "88.118.8", "columns": "state"})
        await api.export(_call(admin, wrong), lambda _: ())

    # What was exported can be read again.
    (tmp_path / "export.csv").write_bytes(table)
    [again] = documents(tmp_path / "export.csv", ReadingOptions(ImportFormat.CSV))
    assert again.document == {"identifier": "88.118.8/=A"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [((), False), (("gzip",), True), (("br, GZIP;q=0.5",), True), (("gzip;q=0",), False), (("*",), False)],
)
def test_gzip_is_sent_to_who_names_it(values: tuple[str, ...], expected: bool) -> None:
    assert takes_gzip(values) is expected


async def _all(pieces: AsyncGenerator[bytes, None]) -> bytes:
    return b"".join([piece async for piece in pieces])


async def _key(node: NodeUnderTest, secret: str) -> ApiKey:
    key = await node.node.authentication.key_of(f"Bearer {secret or node.admin_key}")
    assert key is not None
    return key


def _call(key: ApiKey, query: ExportQuery) -> Call:
    return Call(key, {}, query, None, None, None, "127.0.0.1")


async def _connections(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database()"
        return int(await connection.fetchval(sql, exports.APPLICATION_NAME))
    finally:
        await connection.close()

"""Imports over HTTP: handed in, worked off, told row by row, held up; what is refused at the door."""

import asyncio
import gzip
import hashlib
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import asyncpg
import orjson
from harness import NodeUnderTest
from importers import codes, import_all, importer_at, job, ndjson, row, run_dry, submitted, upload, verdicts
from raw_http import exchange, head

from idnode.storage.imports import Claims

FILE = ndjson(
    row("88.118/A"),
    b"no json",
    row("88.118/a"),
    b"",
    row("88.118/B", colour="red"),
    row("88.999/C"),
    row("88.118/D"),
)


async def test_a_file_becomes_identifiers_and_every_row_has_its_verdict(
    node: NodeUnderTest, dsn: str, tmp_path: Path
) -> None:
    answer = await upload(node, FILE, "?name=plates.ndjson")
    accepted = await answer.json()
    assert (answer.status, answer.headers["Location"]) == (202, f"/v1/imports/{accepted['id']}")
    assert (accepted["state"], accepted["bytes"]["file"]) == ("waiting", len(FILE))
    assert accepted["sha256"] == hashlib.sha256(FILE).hexdigest()

    await import_all(node, tmp_path, dsn)

    done = await job(node, accepted["id"])
    assert (done["name"], done["state"]) == ("plates.ndjson", "done")
    counts = {"registered": 2, "replaced": 0, "patched": 0, "deleted": 0, "refused": 4}
    assert done["rows"] == {"total": 6, "done": 6, **counts}
    assert done["bytes"] == {"file": len(FILE), "total": len(FILE), "done": len(FILE)}
    told = await verdicts(node, accepted["id"])
    assert [(each["row"], each["identifier"], each["code"]) for each in told] == [
        (1, "88.118/A", "registered"),
        (2, None, "malformed-input"),
        (3, "88.118/a", "already-registered"),
        (5, "88.118/B", "invalid-input"),
        (6, "88.999/C", "not-found"),
        (7, "88.118/D", "registered"),
    ]
    assert told[3]["errors"][0] | {"detail": ""} == {"pointer": "/colour", "rule": "unknown-member", "detail": ""}
    assert told[4]["errors"][0]["rule"] == "foreign-prefix"
    assert (await node.call("GET", "/v1/identifiers/88.118/D")).status == 200
    rejected = await node.call("GET", f"/v1/imports/{accepted['id']}/rejected")
    reasons = [orjson.loads(line)["reason"].partition(":")[0] for line in (await rejected.read()).splitlines()]
    assert reasons == ["malformed-input", "already-registered", "invalid-input", "not-found"]
    assert "attachment" in rejected.headers["Content-Disposition"]


async def test_a_mapped_csv_packed_and_in_gbk_is_mended_and_sent_again(
    node: NodeUnderTest, dsn: str, tmp_path: Path
) -> None:
    table = "卷号,网址\nR-1,https://example.com/1\n,https://example.com/2\n"
    values = [{"index": 1, "type": "URL", "column": "网址"}]
    mapping = {"identifier": {"prefix": "88.118", "column": "卷号"}, "values": values}
    query = f"?format=csv&mapping={quote(orjson.dumps(mapping).decode())}"
    sent = gzip.compress(table.encode("gbk"))
    answer = await upload(node, sent, query, Content_Encoding="gzip", Content_Type="text/csv")
    id = (await answer.json())["id"]
    await import_all(node, tmp_path, dsn)

    assert await codes(node, id) == [(1, "registered"), (2, "invalid-input")]
    rejected = await (await node.call("GET", f"/v1/imports/{id}/rejected")).text("utf-8-sig")
    assert rejected.splitlines()[0] == "卷号,网址,原因/reason"
    mended = await submitted(node, rejected.replace("\n,", "\nR-2,").encode(), query)
    await import_all(node, tmp_path, dsn)
    assert await codes(node, mended) == [(1, "registered")]
    assert (await node.call("GET", "/v1/identifiers/88.118/R-2")).status == 200


async def test_upsert_replaces_what_stands_and_rows_build_upon_earlier_ones(
    node: NodeUnderTest, dsn: str, tmp_path: Path
) -> None:
    await node.identifier("88.118/A")
    later = {"index": 2, "type": "URL", "data": "https://example.com/later"}
    upserting = ndjson(row("88.118/A"), row("88.118/B"), row("88.118/B", values=[later]))
    id = await submitted(node, upserting, "?mode=upsert")
    mixed = ndjson(
        row("88.118/C"),
        {"op": "patch", "identifier": "88.118/C", "values": [later]},
        {"op": "delete", "identifier": "88.118/C"},
        row("88.118/C", op="replace"),
    )
    other = await submitted(node, mixed)
    await import_all(node, tmp_path, dsn)

    assert await codes(node, id) == [(1, "replaced"), (2, "registered"), (3, "replaced")]
    assert await codes(node, other) == [(1, "registered"), (2, "patched"), (3, "deleted"), (4, "identifier-deleted")]
    stands = await (await node.call("GET", "/v1/identifiers/88.118/B")).json()
    assert (stands["version"], [value["index"] for value in stands["values"]]) == (2, [2])


async def test_a_dry_run_goes_the_whole_way_and_writes_no_identifier(
    node: NodeUnderTest, dsn: str, tmp_path: Path
) -> None:
    await node.identifier("88.118/A")
    content = ndjson(row("88.118/A"), row("88.118/B"))
    id = await submitted(node, content, "?dry_run=true")
    await import_all(node, tmp_path, dsn)

    assert await codes(node, id) == [(1, "already-registered"), (2, "registered")]
    assert (await node.call("GET", "/v1/identifiers/88.118/B")).status == 404
    # It does not count as an import of the file.
    assert (await upload(node, content)).status == 202


async def test_the_same_file_is_imported_once_unless_it_is_said(node: NodeUnderTest) -> None:
    first = await upload(node, FILE, Idempotency_Key="import-1")
    again = await upload(node, FILE, Idempotency_Key="import-1")
    other = await upload(node, FILE + FILE, Idempotency_Key="import-1")
    same = await upload(node, FILE)
    said = await upload(node, FILE, "?again=true")

    assert (first.status, again.status, await again.read()) == (202, 202, await first.read())
    assert (other.status, (await other.json())["type"]) == (422, "urn:idnode:problem:idempotency-key-reused")
    assert (same.status, (await same.json())["type"]) == (409, "urn:idnode:problem:imported-before")
    assert (await first.json())["id"] in (await same.json())["detail"]
    assert said.status == 202
    kept = [each["id"] for each in (await (await node.call("GET", "/v1/imports")).json())["items"]]
    assert kept == [(await said.json())["id"], (await first.json())["id"]]


async def test_what_cannot_be_an_import_is_refused_and_leaves_no_file(node: NodeUnderTest, tmp_path: Path) -> None:
    refusals = [
        await upload(node, FILE, Content_Type="application/json"),
        await upload(node, FILE, Content_Encoding="br"),
        await upload(node, FILE, "?mapping=%7B&format=csv"),
        await upload(node, FILE, "?mapping=%7B%7D&format=csv"),
        await upload(node, FILE, "?template=roll"),
        await upload(node, FILE, "?encoding=utf-7"),
        await upload(node, FILE, "?colour=red"),
    ]
    found = [(each.status, (await each.json())["errors"][0]) for each in refusals]

    assert [(status, error["pointer"], error["rule"]) for status, error in found] == [
        (415, "Content-Type", "format"),
        (415, "Content-Encoding", "gzip"),
        (400, "/mapping", "json"),
        (422, "/mapping/identifier", "required"),
        (422, "/template", "template"),
        (422, "/encoding", "encoding"),
        (422, "/colour", "unknown-member"),
    ]
    assert files(tmp_path) == []


async def test_a_file_that_is_too_large_or_does_not_arrive_leaves_nothing(node: NodeUnderTest, tmp_path: Path) -> None:
    answers = [
        await exchange(
            node,
            head(node, "POST /v1/imports HTTP/1.1", "Content-Type: application/x-ndjson", f"Content-Length: {size}"),
            b'{"identifier":"88.118/A"',
        )
        for size in (68_719_476_737, 1_000)
    ]

    too_large, too_slow = answers
    assert (too_large.status, too_large.problem["errors"][0]["limit"]) == (413, "68719476736 bytes")
    assert (too_slow.status, too_slow.problem["errors"][0]["limit"]) == (408, "1 seconds")
    assert files(tmp_path) == []


async def test_an_unreadable_file_fails_with_the_reason(node: NodeUnderTest, dsn: str, tmp_path: Path) -> None:
    packed = await submitted(node, b"this is no gzip", "?name=rows.ndjson.gz")
    table = await submitted(node, b"this is no workbook", "?format=xlsx&template=88.118:none")
    gone = await submitted(node, FILE)
    for path in files(tmp_path, gone):
        path.unlink()
    await import_all(node, tmp_path, dsn)

    found = [await job(node, id) for id in (packed, table, gone)]
    assert [each["state"] for each in found] == ["failed", "failed", "failed"]
    assert "gzip" in found[0]["failure"]
    assert found[1]["failure"]
    assert found[2]["failure"] == "its file is gone from the disk of the node"


async def test_an_import_is_held_up_goes_on_and_is_ended(node: NodeUnderTest, dsn: str, tmp_path: Path) -> None:
    rows = ndjson(*(row(f"88.118/S-{number}") for number in range(1_500)))
    id = await submitted(node, rows)
    steps = [await node.call("POST", f"/v1/imports/{id}/{name}") for name in ("pause", "pause", "resume", "resume")]
    assert [step.status for step in steps] == [200, 409, 200, 409]
    stale = await node.call("POST", f"/v1/imports/{id}/pause", If_Match='"1"')
    assert stale.status == 412

    assert (await node.call("POST", f"/v1/imports/{id}/pause")).status == 200
    await import_all(node, tmp_path, dsn)
    assert (await job(node, id))["rows"]["done"] == 0

    assert (await node.call("POST", f"/v1/imports/{id}/resume")).status == 200
    claims = await Claims.open(dsn)
    async with importer_at(tmp_path, node.node.database, dsn) as importer:
        await importer.round(claims, shift_seconds=0)
    claims.close()
    cancelled = await (await node.call("POST", f"/v1/imports/{id}/cancel")).json()
    await import_all(node, tmp_path, dsn)

    assert (cancelled["state"], cancelled["note"]) == ("cancelled", "1000 rows were committed before and stand")
    assert (await job(node, id))["rows"]["done"] == 1_000
    assert (await node.call("POST", f"/v1/imports/{id}/resume")).status == 409


async def test_progress_is_told_up_to_the_end(node: NodeUnderTest, dsn: str, tmp_path: Path) -> None:
    id = await submitted(node, FILE)
    stream = await node.client.get(f"/v1/imports/{id}/events", headers=node.admin)
    assert stream.headers["Content-Type"] == "text/event-stream"
    first = await stream.content.readuntil(b"\n\n")

    await import_all(node, tmp_path, dsn)
    rest = await stream.content.read()
    again = await node.client.get(f"/v1/imports/{id}/events", headers=node.admin | {"Last-Event-ID": "1"})

    assert first.startswith(b'event: progress\nid: 1\ndata: {"id":')
    assert rest.split(b"\n\n")[-2].startswith(b"event: done\n")
    assert b'"state":"done"' in rest
    assert (await again.read()).startswith(b"event: done\n")


async def test_only_the_owner_and_the_admin_see_an_import_and_its_scope_holds_row_by_row(
    node: NodeUnderTest, dsn: str, tmp_path: Path
) -> None:
    await node.prefix("88.118.8")
    own, other, foreign = (
        await node.key("enterprise", "88.118.8"),
        await node.key("enterprise", "88.118.8"),
        await node.key("enterprise", "88.118.9"),
    )
    content = ndjson(row("88.118.8/A"), row("88.118/A"))
    id = await submitted(node, content, key=own)
    await import_all(node, tmp_path, dsn)

    assert await codes(node, id) == [(1, "registered"), (2, "forbidden")]
    seen = {key: (await node.call("GET", f"/v1/imports/{id}", key=key)).status for key in (own, other, foreign, "")}
    assert seen == {own: 200, other: 200, foreign: 404, "": 200}
    lists = [await (await node.call("GET", "/v1/imports", key=key)).json() for key in (own, other, foreign)]
    assert [len(each["items"]) for each in lists] == [1, 1, 0]


async def test_a_key_that_is_revoked_meanwhile_writes_no_further_row(
    node: NodeUnderTest, dsn: str, tmp_path: Path
) -> None:
    await node.prefix("88.118.8")
    made = await (await node.call("POST", "/v1/keys", {"name": "short", "role": "admin"})).json()
    id = await submitted(node, ndjson(row("88.118/A"), row("88.118/B")), key=made["key"])
    assert (await node.call("DELETE", f"/v1/keys/{made['id']}")).status == 200

    await import_all(node, tmp_path, dsn)

    assert await codes(node, id) == [(1, "not-authenticated"), (2, "not-authenticated")]
    assert (await node.call("GET", "/v1/identifiers/88.118/A")).status == 404


async def test_processes_share_an_import_and_one_goes_on_where_another_ended(
    node: NodeUnderTest, dsn: str, tmp_path: Path
) -> None:
    rows = [row(f"88.118/P-{number}") for number in range(3_500)]
    rows[2_900] = row("88.118/P-3")
    id = await submitted(node, ndjson(*rows))
    lost, one, two = [await Claims.open(dsn) for _ in range(3)]
    database = node.node.database
    async with importer_at(tmp_path, database, dsn) as first, importer_at(tmp_path, database, dsn) as second:
        await first.round(one, shift_seconds=0)
        # Another process has taken the second chunk, and ends while this one waits for it with the third.
        assert await lost.take(UUID(id), 1) is not None
        waiting = asyncio.create_task(first.round(one, shift_seconds=0))
        await until_locked_out(dsn)
        lost.close()
        assert await waiting
        assert (await job(node, id))["rows"]["done"] == 1_000
        await asyncio.gather(run_dry(first, one), run_dry(second, two))
    one.close()
    two.close()

    told = await codes(node, id)
    assert [number for number, _ in told] == list(range(1, 3_501))
    assert [each for each in told if each[1] != "registered"] == [(2_901, "already-registered")]
    assert (await job(node, id))["state"] == "done"


def files(home: Path, id: str = "") -> list[Path]:
    """What lies on the disk of an import, or of all."""
    return list(home.glob(f"imports/{id}*.*"))


async def until_locked_out(dsn: str) -> None:
    """Wait until somebody waits for an advisory lock."""
    connection = await asyncpg.connect(dsn)
    async with asyncio.timeout(60):
        while not await connection.fetchval(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        ):
            pass
    await connection.close()

"""Minting over HTTP: patterns, one and many, gapless and not, two workers at once, ranges."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient
from conftest import ThroughFront
from harness import NodeUnderTest
from route_requests import made

from idnode.app import compose
from idnode.app_answering import answering
from idnode.app_node import running
from idnode.config import Settings
from idnode.lifecycle import listening_socket
from idnode.registry.rules.moments import node_day
from idnode.storage.database import Database

VALUES = [{"index": 1, "type": "URL", "data": "https://example.com/"}]
CONTENT = {"values": VALUES}


async def pattern(node: NodeUnderTest, text: str, **more: Any) -> str:
    """The id of a new pattern of 88.118.8."""
    form = {"prefix": "88.118.8", "name": text, "pattern": text, **more}
    return str((await made(node, "/v1/patterns", form))["id"])


async def minted(node: NodeUnderTest, id: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    """Status and what was minted: the suffix of one, the suffixes of many, or the problem."""
    response = await node.call("POST", f"/v1/mint/{id}", body or CONTENT, **headers)
    document = await response.json()
    if response.status != 201:
        return response.status, document
    if "items" in document:
        return 201, [item["identifier"].removeprefix("88.118.8/") for item in document["items"]]
    return 201, document["identifier"].removeprefix("88.118.8/")


async def _refusal(response: ClientResponse) -> tuple[int, str | None, str | None]:
    """Status, and pointer and rule of the first violation."""
    first = (await response.json()).get("errors", [{}])[0]
    return response.status, first.get("pointer"), first.get("rule")


@asynccontextmanager
async def second_worker(node: NodeUnderTest, database: Database, dsn: str) -> AsyncIterator[NodeUnderTest]:
    """Another worker on the same database."""
    settings = Settings(native_port=0, seed="none", body_seconds=1, drain_seconds=1)
    composed = compose(settings, database, dsn)
    async with running(composed):
        with listening_socket("127.0.0.1", 0) as listener:
            async with answering(composed, settings, listener):
                port = listener.getsockname()[1]
                async with TestClient(ThroughFront(composed.application, front_port=port)) as client:
                    yield NodeUnderTest(composed, client, node.admin_key, port, 0)


async def test_a_pattern_reads_back_is_listed_and_retired(node: NodeUnderTest) -> None:
    await node.prefix()
    form = {"prefix": "88.118.8", "name": "rolls", "pattern": "JX{yyyy}{MM}-{seq:8}{check}", "restart": "monthly"}

    defined = await node.call("POST", "/v1/patterns", form)
    document = await defined.json()
    path = f"/v1/patterns/{document['id']}"
    listed = [
        await (await node.call("GET", f"/v1/patterns{query}")).json()
        for query in ("?prefix=88.118.8", "?state=retired")
    ]
    twice = await node.call("POST", "/v1/patterns", form)
    retired = [await node.call("DELETE", path) for _ in range(2)]
    mint = await node.call("POST", f"/v1/mint/{document['id']}", CONTENT)

    assert (defined.status, defined.headers["Location"], defined.headers["ETag"]) == (201, path, '"1"')
    assert {name: document[name] for name in (*form, "gapless", "first", "state", "version")} == {
        **form,
        "gapless": False,
        "first": 1,
        "state": "active",
        "version": 1,
    }
    assert [page["items"] for page in listed] == [[document], []]
    assert (twice.status, [each.status for each in retired], mint.status) == (409, [200, 409], 409)
    assert (await (await node.call("GET", path)).json())["state"] == "retired"
    assert "is retired; it gives no more numbers" in (await mint.json())["detail"]


async def test_wrong_patterns_and_what_cannot_be_minted_are_refused_with_their_place(node: NodeUnderTest) -> None:
    await node.prefix()
    wrong: list[dict[str, Any]] = [
        {"pattern": "JX{foo}{seq:2}"},
        {"pattern": "x" * 250 + "{seq:2}"},
        {"restart": "daily"},
        {"restart": "weekly"},
        {"first": 100},
        {"first": -1},
        {"prefix": "88.118.9"},
    ]

    responses = [
        await node.call("POST", "/v1/patterns", {"prefix": "88.118.8", "name": "a", "pattern": "{seq:2}", **changed})
        for changed in wrong
    ]

    assert [await _refusal(response) for response in responses] == [
        (422, "/pattern", "field"),
        (422, "/pattern", "max-bytes"),
        (422, "/restart", "date-field"),
        (422, "/restart", "option"),
        (422, "/first", "maximum"),
        (422, "/first", "minimum"),
        (404, None, None),
    ]

    id = await pattern(node, "{seq:4}", gapless=True)
    unmintable: list[Any] = [
        {**CONTENT, "count": 2001},
        {**CONTENT, "count": 0},
        {"contents": [CONTENT] * 2001},
        {"contents": []},
        {"contents": [CONTENT], "count": 1},
        {"count": 2},
        {"contents": [CONTENT, {"values": [{**VALUES[0], "index": 0}]}]},
    ]

    responses = [await node.call("POST", f"/v1/mint/{id}", body) for body in unmintable]

    assert [await _refusal(response) for response in responses] == [
        (422, "/count", "maximum"),
        (422, "/count", "minimum"),
        (422, "/contents", "max-items"),
        (422, "/contents", "min-items"),
        (422, "", "contents-alone"),
        (422, "/values", "min-values"),
        (422, "/contents/1/values/0/index", "range"),
    ]
    assert await minted(node, id) == (201, "0001")


async def test_minting_registers_under_the_next_suffix_and_passes_over_what_exists(node: NodeUnderTest) -> None:
    await node.prefix()
    await node.identifier("88.118.8/A02")
    await node.call("POST", "/v1/reserve/88.118.8/a03")
    id = await pattern(node, "A{seq:2}")

    tried = await node.call("POST", f"/v1/mint/{id}?dry_run=true", CONTENT)
    first = await node.call("POST", f"/v1/mint/{id}", CONTENT)
    read = await node.call("GET", "/v1/identifiers/88.118.8/A01")

    assert (tried.status, (await tried.json())["identifier"]) == (200, "88.118.8/A01")
    assert (first.status, first.headers["Location"]) == (201, "/v1/identifiers/88.118.8/A01")
    assert await first.json() == await read.json()
    assert await minted(node, id) == (201, "A04")
    reserved = await (await node.call("GET", "/v1/identifiers/88.118.8/A03")).json()
    assert (reserved["state"], reserved["version"]) == ("reserved", 1)

    by_day = await pattern(node, "{yyyy}{MM}{dd}-{seq:2}", restart="daily")
    document = await (await node.call("POST", f"/v1/mint/{by_day}", CONTENT)).json()
    day = node_day(datetime.fromisoformat(document["created"]))

    assert document["identifier"] == f"88.118.8/{day:%Y%m%d}-01"


async def test_many_are_minted_at_once_all_or_none_random_ones_too(node: NodeUnderTest) -> None:
    await node.prefix()
    await node.identifier("88.118.8/M3")
    id = await pattern(node, "M{seq:1}")
    other = {"values": [{"index": 2, "type": "TEXT", "data": "another"}]}

    assert await minted(node, id, {**CONTENT, "count": 3}) == (201, ["M1", "M2", "M4"])
    status, problem = await minted(node, id, {"contents": [CONTENT, {"values": []}, other]})
    assert (status, [error["pointer"] for error in problem["errors"]]) == (422, ["/contents/1/values"])
    assert await minted(node, id, {"contents": [other, CONTENT]}) == (201, ["M8", "M9"])
    assert (await (await node.call("GET", "/v1/identifiers/88.118.8/M8")).json())["values"][0]["type"] == "TEXT"

    id = await pattern(node, "R{random:12}")

    status, suffixes = await minted(node, id, {**CONTENT, "count": 5})

    assert (status, len(set(suffixes)), {len(suffix) for suffix in suffixes}) == (201, 5, {13})

    gapless = await pattern(node, "{seq:3}", gapless=True)
    refused = [await node.call("POST", "/v1/ranges", {"pattern": each, "size": 5}) for each in (id, gapless)]

    assert [each.status for each in refused] == [409, 409]
    assert [
        "has random characters" in (await refused[0].json())["detail"],
        "is gapless" in (await refused[1].json())["detail"],
    ] == [True, True]


async def test_a_gapless_pattern_has_no_gap_and_a_repeated_request_mints_nothing_more(node: NodeUnderTest) -> None:
    await node.prefix()
    await node.identifier("88.118.8/G04")
    id = await pattern(node, "G{seq:2}", gapless=True, first=2)

    assert await minted(node, id) == (201, "G02")
    assert (await minted(node, id, {"values": []}))[0] == 422
    assert (await minted(node, id, {"contents": [CONTENT, {"values": []}]}))[0] == 422
    assert (await node.call("POST", f"/v1/mint/{id}?dry_run=true", {**CONTENT, "count": 5})).status == 200
    assert await minted(node, id, {**CONTENT, "count": 2}) == (201, ["G03", "G05"])
    status, problem = await minted(node, id, {**CONTENT, "count": 95})
    assert (status, problem["type"]) == (409, "urn:idnode:problem:sequence-exhausted")
    assert (problem["errors"][0]["value"], problem["errors"][0]["limit"]) == ("G{seq:2}", "99")
    assert await minted(node, id) == (201, "G06")

    ids = [await pattern(node, "P{seq:2}"), await pattern(node, "Q{seq:2}", gapless=True)]

    found = []
    for id in ids:
        for body in (CONTENT, {**CONTENT, "count": 2}):
            key = f"{id}-{len(body)}"
            found += [await minted(node, id, body, Idempotency_Key=key) for _ in range(2)]

    assert [suffix for _, suffix in found] == [
        "P01", "P01", ["P02", "P03"], ["P02", "P03"], "Q01", "Q01", ["Q02", "Q03"], ["Q02", "Q03"],
    ]  # fmt: skip


async def test_two_workers_at_once_never_mint_the_same_and_gapless_leaves_no_gap(
    node: NodeUnderTest, database: Database, dsn: str
) -> None:
    await node.prefix()
    loose, gapless = await pattern(node, "L{seq:4}"), await pattern(node, "G{seq:4}", gapless=True)
    async with second_worker(node, database, dsn) as second:
        workers = (node, second)
        wrong: dict[str, Any] = {"values": []}
        done = await asyncio.gather(
            *(minted(workers[n % 2], loose) for n in range(40)),
            *(minted(workers[n % 2], gapless, wrong if n % 5 == 0 else CONTENT) for n in range(40)),
            *(minted(workers[n % 2], gapless, {**CONTENT, "count": 4}) for n in range(4)),
        )

    assert [status for status, _ in done].count(422) == 8
    assert len({suffix for _, suffix in done[:40]}) == 40
    some = [
        each for status, found in done[40:] if status == 201 for each in ([found] if isinstance(found, str) else found)
    ]
    assert sorted(some) == [f"G{number:04}" for number in range(1, 49)]


async def test_a_range_is_nobody_elses_says_its_identifiers_and_closed_what_was_used(node: NodeUnderTest) -> None:
    await node.prefix()
    id = await pattern(node, 'Z,"{seq:3}')

    reserved = await node.call("POST", "/v1/ranges", {"pattern": id, "size": 300, "line": "printer 4"})
    document = await reserved.json()
    path = f"/v1/ranges/{document['id']}"
    lines = (await (await node.call("GET", f"{path}/suffixes")).text()).splitlines()
    table = await node.call("GET", f"{path}/suffixes?format=csv")
    too_large = await node.call("POST", "/v1/ranges", {"pattern": id, "size": 700})
    second = await (await node.call("POST", "/v1/ranges", {"pattern": id, "size": 2})).json()

    assert (reserved.status, reserved.headers["Location"]) == (201, path)
    assert (document["first"], document["last"], document["state"], document["line"]) == (
        'Z,"001', 'Z,"300', "open", "printer 4",
    )  # fmt: skip
    assert (len(lines), lines[0], lines[299]) == (
        300,
        '{"identifier":"88.118.8/Z,\\"001"}',
        '{"identifier":"88.118.8/Z,\\"300"}',
    )
    assert (await table.text()).splitlines()[:2] == ["identifier", '"88.118.8/Z,""001"']
    assert table.headers["Content-Type"].startswith("text/csv")
    assert (too_large.status, (await too_large.json())["type"]) == (409, "urn:idnode:problem:sequence-exhausted")
    assert (second["first"], second["last"]) == ('Z,"301', 'Z,"302')
    assert await minted(node, id) == (201, 'Z,"303')

    id = await pattern(node, "{seq:3}")
    path = f"/v1/ranges/{(await made(node, '/v1/ranges', {'pattern': id, 'size': 10}))['id']}"

    too_many = await node.call("POST", f"{path}/close", {"used": 11})
    closed = await node.call("POST", f"{path}/close", {"used": 7})
    again = await node.call("POST", f"{path}/close", {"used": 7})
    open_ones = await (await node.call("GET", f"/v1/ranges?pattern={id}&state=open")).json()

    assert (too_many.status, closed.status, again.status) == (422, 200, 409)
    assert ((await closed.json())["state"], (await closed.json())["used"]) == ("closed", 7)
    assert (await (await node.call("GET", path)).json())["used"] == 7
    assert open_ones["items"] == []
    assert await minted(node, id) == (201, "011")


async def test_a_foreign_key_neither_reads_nor_mints(node: NodeUnderTest) -> None:
    await node.prefix()
    foreign = await node.key("enterprise", "88.118.9")
    id = await pattern(node, "{seq:3}")
    range_id = (await made(node, "/v1/ranges", {"pattern": id, "size": 1}))["id"]

    found = [
        (await node.call(method, path, body, key=foreign)).status
        for method, path, body in (
            ("POST", "/v1/patterns", {"prefix": "88.118.8", "name": "b", "pattern": "{seq:2}"}),
            ("GET", f"/v1/patterns/{id}", None),
            ("DELETE", f"/v1/patterns/{id}", None),
            ("GET", "/v1/patterns?prefix=88.118.8", None),
            ("POST", f"/v1/mint/{id}", CONTENT),
            ("POST", f"/v1/mint/{id}", {**CONTENT, "count": 2}),
            ("POST", "/v1/ranges", {"pattern": id, "size": 1}),
            ("GET", f"/v1/ranges/{range_id}", None),
            ("GET", f"/v1/ranges/{range_id}/suffixes", None),
            ("POST", f"/v1/ranges/{range_id}/close", {"used": 0}),
        )
    ]

    assert found == [403] * 10
    assert (await (await node.call("GET", "/v1/patterns", key=foreign)).json())["items"] == []
    assert await minted(node, id) == (201, "002")

"""Applications for prefixes: an enterprise applies, the node reviews, the top node answers; reasons are shown."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from conftest import serve_node
from harness import NodeUnderTest
from route_requests import made, uscc
from test_sync_api import REPORTING

from idnode.lifecycle import new_id, now
from idnode.model.access import ApiKey, Role
from idnode.model.change import Trace
from idnode.model.identifier import Prefix
from idnode.model.prefix_registration import PrefixState
from idnode.model.reporting import RecordState, Report, Verdict
from idnode.registry.commands import Asked
from idnode.registry.directory_writes import DirectoryWriter
from idnode.registry.enterprises import EnterpriseRegistry
from idnode.registry.metrics import RegistryCounters
from idnode.registry.prefixes import PrefixRegistry
from idnode.storage.database import Database
from idnode.storage.enterprises import EnterpriseStore
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.prefixes import PrefixStore
from idnode.sync.applications import Applications
from idnode.sync.judging import Judged

APPLIED = "88.118.9"
PATH = f"/v1/prefixes/{APPLIED}"
SILENT = KeptAnswer(200, "", None, None, b"")


@pytest.fixture
async def reporting(database: Database, dsn: str) -> AsyncIterator[NodeUnderTest]:
    async for served in serve_node(REPORTING, database, dsn):
        yield served


def applications(database: Database) -> Applications:
    """The hook of a relay, over the registry's write path."""
    writer = DirectoryWriter(database, RegistryCounters(), committed=lambda _: None, now=now, new_id=new_id)
    enterprises = EnterpriseRegistry(EnterpriseStore(database), writer)
    registry = PrefixRegistry(PrefixStore(database), enterprises, writer, own=Prefix.parse("88.118"))
    key = ApiKey(UUID(int=0), "top-node", Role.ADMIN, (), "", now(), None, None, None, None, 1)

    async def conclude(prefix: str, version: int, state: PrefixState, reason: str | None) -> bool:
        asked = Asked(key, Trace("top-node", "verdict", now()))
        return await registry.conclude(Prefix.parse(prefix), version, state, reason, asked, lambda _: SILENT)

    return Applications(conclude)


def verdict(version: int, state: RecordState, reason: str | None = None) -> Judged:
    id = f"88.118:prefix-application:{APPLIED}:{version}"
    return Judged(7, Report.APPLICATION, APPLIED, version, None, Verdict(id, state, reason=reason))


async def applied(node: NodeUnderTest) -> str:
    """The key of an enterprise that has a prefix and has applied for another one."""
    enterprise = await node.enterprise()
    await node.prefix("88.118.8", enterprise=enterprise)
    key = await node.key("enterprise", "88.118.8")
    response = await node.call(
        "POST", "/v1/prefixes", {"prefix": APPLIED, "enterprise": enterprise, "state": "waiting"}, key=key
    )
    assert response.status == 201, await response.text()
    return key


async def stands(node: NodeUnderTest, key: str | None = "") -> tuple[Any, Any, Any]:
    document = await (await node.call("GET", PATH, key=key)).json()
    return document["state"], document["review_note"], document["version"]


async def test_an_enterprise_applies_in_its_own_name_and_sees_how_it_stands(node: NodeUnderTest) -> None:
    key = await applied(node)

    await node.call("PATCH", PATH, {"state": "rejected", "review_note": "营业执照过期"})

    assert await stands(node, key) == ("rejected", "营业执照过期", 2)


async def test_an_enterprise_neither_gives_itself_a_prefix_nor_applies_for_others(node: NodeUnderTest) -> None:
    enterprise = await node.enterprise()
    await node.prefix("88.118.8", enterprise=enterprise)
    other = await node.enterprise(uscc=uscc(1))
    key = await node.key("enterprise", "88.118.8")

    given = await node.call("POST", "/v1/prefixes", {"prefix": APPLIED, "enterprise": enterprise}, key=key)
    for_another = await node.call(
        "POST", "/v1/prefixes", {"prefix": APPLIED, "enterprise": other, "state": "waiting"}, key=key
    )

    assert (given.status, (await given.json())["detail"]) == (
        403,
        "role enterprise may apply for a prefix (state waiting), not give one out; it takes admin",
    )
    assert (for_another.status, (await for_another.json())["detail"]) == (
        403,
        f"enterprise {other} holds none of this key's prefixes",
    )


async def test_a_note_goes_with_the_rejection_it_explains(node: NodeUnderTest) -> None:
    await applied(node)

    misplaced = await node.call("PATCH", PATH, {"state": "in_review", "review_note": "好"})
    await node.call("PATCH", PATH, {"state": "rejected", "review_note": "缺少材料"})
    rejected = await stands(node)
    await node.call("PATCH", PATH, {"state": "waiting"})

    assert (misplaced.status, (await misplaced.json())["errors"][0]["rule"]) == (422, "review-note")
    assert rejected == ("rejected", "缺少材料", 2)
    assert await stands(node) == ("waiting", None, 3)


async def test_the_yes_of_the_top_node_makes_the_prefix_active_once(node: NodeUnderTest, database: Database) -> None:
    await applied(node)
    await node.call("PATCH", PATH, {"state": "in_review"})
    hook = applications(database)

    await hook.judged([verdict(2, RecordState.SENT)])
    received = await stands(node)
    await hook.judged([verdict(2, RecordState.ACCEPTED)])
    await hook.judged([verdict(2, RecordState.ACCEPTED)])
    history = await database_changes(database)

    assert received == ("in_review", None, 2)
    assert await stands(node) == ("active", None, 3)
    assert history == [("register", False), ("in_review", False), ("active", True)]


async def test_the_no_of_the_top_node_rejects_the_prefix_with_its_reason(
    node: NodeUnderTest, database: Database
) -> None:
    await applied(node)
    await node.call("PATCH", PATH, {"state": "in_review"})

    await applications(database).judged([verdict(2, RecordState.REJECTED, "前缀已被占用")])

    assert await stands(node) == ("rejected", "前缀已被占用", 3)


async def test_a_late_answer_to_an_application_that_was_made_anew_changes_nothing(
    node: NodeUnderTest, database: Database
) -> None:
    await applied(node)
    for state in ("in_review", "rejected", "waiting", "in_review"):
        await node.call("PATCH", PATH, {"state": state})

    await applications(database).judged([verdict(2, RecordState.REJECTED, "旧的"), verdict(2, RecordState.ACCEPTED)])

    assert await stands(node) == ("in_review", None, 5)


async def test_with_a_top_node_a_reviewer_asks_it_and_does_not_decide_alone(reporting: NodeUnderTest) -> None:
    await made(
        reporting, "/v1/prefixes", {"prefix": APPLIED, "enterprise": await reporting.enterprise(), "state": "waiting"}
    )
    reviewer = await reporting.key("reviewer")

    statuses = [
        (await reporting.call("PATCH", PATH, {"state": state}, key=key)).status
        for state, key in (("active", reviewer), ("in_review", reviewer), ("active", reviewer), ("active", ""))
    ]

    assert statuses == [403, 200, 403, 200]


async def database_changes(database: Database) -> list[tuple[str, bool]]:
    """Operation, and whether the top node made it, of each change of the prefix."""
    async with database.session() as session:
        sql = "SELECT operation, actor FROM change WHERE subject = 'prefix' AND name = $1 ORDER BY version"
        return [(row["operation"], row["actor"] == "top-node") for row in await session.rows(sql, APPLIED)]

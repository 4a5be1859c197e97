"""What the top node hears of the life of an identifier: its activation as an add, and never its reservation."""

from typing import Any

from harness import NodeUnderTest

from idnode.lifecycle import now
from idnode.model.reporting import Report
from idnode.storage.database import Database
from idnode.storage.ledger import Claimed, Ledger
from idnode.sync.report.master_data import MasterData

URL: dict[str, Any] = {"index": 1, "type": "URL", "data": {"format": "string", "value": "https://example.com/"}}
CONTENT = {"values": [URL]}
ADD, DELETE, MODIFY = 1, 2, 3


async def told(ledger: Ledger) -> list[tuple[str, object]]:
    """Identifiers and operations of T9, as they go up; nothing is settled, so that each call tells everything."""
    while await ledger.collect():
        pass
    await ledger.release([Report.T9], now())
    return [_row(claimed) for claimed in await ledger.claim([Report.T9], 1_000)]


def _row(claimed: Claimed) -> tuple[str, object]:
    return claimed.subject, MasterData().row(claimed.operation, claimed.old, claimed.new)["operation"]


async def test_a_reservation_is_never_told_its_activation_is_an_add(
    node: NodeUnderTest, database: Database, dsn: str
) -> None:
    await node.prefix()
    ledger = await Ledger.elected(dsn, relay="test")
    assert ledger is not None
    for name in ("POST", "PUT", "BACK"):
        assert (await node.call("POST", f"/v1/reserve/88.118.8/{name}")).status == 201
    assert (await node.call("DELETE", "/v1/identifiers/88.118.8/BACK")).status == 200

    reserved = await told(ledger)
    posted = await node.call("POST", "/v1/identifiers", {"identifier": "88.118.8/POST", **CONTENT})
    put = await node.call("PUT", "/v1/identifiers/88.118.8/PUT", CONTENT)
    again = await node.call("POST", "/v1/identifiers", {"identifier": "88.118.8/BACK", **CONTENT})
    await node.call("PUT", "/v1/identifiers/88.118.8/PUT", {"values": [URL, {**URL, "index": 2}]})
    await node.call("DELETE", "/v1/identifiers/88.118.8/POST?successor=88.118.8/PUT")
    deleted = await told(ledger)
    await node.call("POST", "/v1/restore/88.118.8/POST")
    restored = await told(ledger)
    await ledger.close()
    async with database.session() as session:
        counted = await session.row("SELECT sum(added) AS added, sum(removed) AS removed FROM identifier_count")

    assert (posted.status, put.status, again.status) == (201, 200, 201)
    assert reserved == []
    assert deleted == [
        ("88.118.8/POST", ADD),
        ("88.118.8/PUT", ADD),
        ("88.118.8/BACK", ADD),
        ("88.118.8/PUT", MODIFY),
        ("88.118.8/POST", DELETE),
    ]
    assert restored[5:] == [("88.118.8/POST", ADD)]
    assert counted is not None
    assert (counted["added"], counted["removed"]) == (4, 1)

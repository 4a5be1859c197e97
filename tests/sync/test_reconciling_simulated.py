"""Reconciliation with a simulated top node over HTTP: real records, real drift, a ledger that puts it right."""

import time

import pytest
from harness import NodeUnderTest

from idnode.lifecycle import now
from idnode.model.beijing import BEIJING
from idnode.model.reporting import Purpose, RecordState, Report, ReportedRecord, record_id
from idnode.simulator.planting import Wanted
from idnode.simulator.running import Arrangement, simulated
from idnode.simulator.settings import Awkwardness
from idnode.storage.database import Database
from idnode.storage.enterprises import EnterpriseStore
from idnode.storage.ledger import Ledger, Settlement
from idnode.storage.organisations import OrganisationStore
from idnode.storage.reconciliation import PrefixDrift, Reconciliation, ReconciliationStore
from idnode.sync.reconciling import Reconciler
from idnode.sync.report.rendering import Rendering
from idnode.sync.transport import Transport
from idnode.sync.transports import make_transport
from idnode.wire.instants import instant_text

IDENTIFIERS = 40
NODE = "88.118"


async def registered(node: NodeUnderTest) -> None:
    """Identifiers of two prefixes, some of them changed since."""
    enterprise = await node.enterprise()
    for prefix in ("88.118.8", "88.118.9"):
        await node.prefix(prefix, enterprise=enterprise)
    for number in range(IDENTIFIERS):
        identifier = await node.identifier(f"88.118.{8 + number % 2}/JX-{number}")
        if number < 10:
            changed = [
                {"index": 1, "type": "URL", "data": {"format": "string", "value": f"https://example.com/{number}"}}
            ]
            await node.call("PATCH", f"/v1/identifiers/{identifier}", {"values": changed})


async def report(ledger: Ledger, rendering: Rendering, transport: Transport) -> None:
    """What a relay does until nothing is pending."""
    while await ledger.collect():
        pass
    await ledger.release([Report.T9], now())
    while claimed := await ledger.claim([Report.T9], 1_000):
        data = await rendering.data_of(claimed)
        records = [
            ReportedRecord(
                record_id(NODE, each.report, each.subject, each.version),
                each.report,
                each.subject,
                each.version,
                instant_text(each.occurred),
                said,
            )
            for each, said in zip(claimed, data, strict=True)
        ]
        receipts = {verdict.id: verdict for verdict in await transport.deliver(Purpose.REPORT, records)}
        settlements = [
            Settlement(each.number, RecordState.ACCEPTED, receipts[record.id].receipt)
            for each, record in zip(claimed, records, strict=True)
            if receipts[record.id].state is RecordState.ACCEPTED
        ]
        assert await ledger.settle(settlements) == len(claimed)


async def reconciled(store: ReconciliationStore, reconciler: Reconciler, *, repair: bool) -> Reconciliation:
    """Today, compared."""
    asked = await store.ask(now().astimezone(BEIJING).date(), repair=repair, by="test", at=now())
    found = await store.find(asked.number)
    while found is None or found.ended is None:
        assert await reconciler.step()
        found = await store.find(asked.number)
    return found


def sums(drift: tuple[PrefixDrift, ...]) -> tuple[int, ...]:
    """Missing, extra, changed, repaired over all prefixes."""
    columns = [(each.missing, each.extra, each.changed, each.repaired) for each in drift]
    return tuple(map(sum, zip(*columns, strict=True)))


@pytest.mark.parametrize(("dropped", "changed", "extra"), [(5, 4, 3), (50, 0, 20)])
async def test_all_planted_drift_is_found_and_all_of_it_repaired(
    node: NodeUnderTest, database: Database, dsn: str, dropped: int, changed: int, extra: int
) -> None:
    await registered(node)
    rendering = Rendering(OrganisationStore(database), EnterpriseStore(database))
    store, ledger = ReconciliationStore(database), await Ledger.elected(dsn, relay="test")
    assert ledger is not None
    async with simulated(Arrangement(Awkwardness()), clock=time.time) as simulator:
        transport = make_transport("json", node=NODE, url=f"http://127.0.0.1:{simulator.port}")
        reconciler = Reconciler(
            store, dsn, rendering, transport, node=NODE, has_digests=True, is_repairing=True, now=now
        )
        await report(ledger, rendering, transport)
        agreed = await reconciled(store, reconciler, repair=True)
        simulator.top_node.plant(Wanted(drop=dropped, change=changed, extra=extra))
        drifted = await reconciled(store, reconciler, repair=True)
        await report(ledger, rendering, transport)
        repaired = await reconciled(store, reconciler, repair=False)
        summary = simulator.top_node.summary()
        await transport.close()
    await ledger.close()

    assert (agreed.drift, agreed.failure, agreed.records) == ((), None, 50)
    assert sums(drifted.drift) == (dropped, extra, changed, dropped + extra + changed)
    assert (repaired.drift, repaired.failure, repaired.records) == ((), None, 50)
    assert summary["order_violations"] == 0

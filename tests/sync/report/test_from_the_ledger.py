"""What the ledger hands out can be told: a node with demo data, from its change log to the data of every table."""

from datetime import timedelta

from harness import NodeUnderTest
from reported import OPERATOR, ROUTE

from idnode.lifecycle import now
from idnode.model.identifier import Prefix
from idnode.model.organisation import Operator
from idnode.model.reporting import Report
from idnode.storage.applications import ApplicationStore
from idnode.storage.database import Database
from idnode.storage.enterprises import EnterpriseStore
from idnode.storage.ledger import Ledger
from idnode.storage.organisations import OrganisationStore
from idnode.storage.statistics import StatisticsStore
from idnode.storage.sync_records import SyncRecords
from idnode.storage.usage import UsageStore
from idnode.sync.report.rendering import Rendering
from idnode.sync.report.statistics import Statistics
from idnode.wire.top_node.tables import check_data


async def test_everything_that_a_node_owes_fits_its_table(node: NodeUnderTest, database: Database, dsn: str) -> None:
    await node.node.first_run.seed(today=now().date(), products_each=2)
    organisations = OrganisationStore(database)
    await describe(database, organisations)
    ledger = await Ledger.elected(dsn, relay="test")
    assert ledger is not None
    while await ledger.collect():
        pass
    tomorrow = now() + timedelta(days=1, minutes=10)
    await statistics(database).catch_up(tomorrow)
    await ledger.release(list(Report), tomorrow)
    rendering = Rendering(organisations, EnterpriseStore(database))

    told = {}
    for report in Report:
        claimed = await ledger.claim([report], 1_000)
        data = await rendering.data_of(claimed)
        told[report.value] = (len(data), [fault for each in data for fault in check_data(report, each)])
    await ledger.close()

    assert {report: count for report, (count, _) in told.items() if count} == {
        "T3": 1,
        "T4": 4,
        "T6": 5,
        "T7": 4,
        "T8": 4,
        "T9": 8,
        "monitoring": 5,
    }
    assert [faults for _, faults in told.values() if faults] == []


async def describe(database: Database, organisations: OrganisationStore) -> None:
    """The node's addresses, without which no hosted prefix can be told."""
    operator = Operator(OPERATOR, (ROUTE,), 1, now())
    async with database.transaction() as session:
        await organisations.write_operator(session, operator)


def statistics(database: Database) -> Statistics:
    return Statistics(
        StatisticsStore(database),
        UsageStore(database),
        ApplicationStore(database),
        SyncRecords(database),
        own=Prefix.parse("88.118"),
    )

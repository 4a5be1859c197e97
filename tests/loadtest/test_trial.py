"""The trial of the sync notices what it is there to notice."""

from pathlib import Path

import orjson
import pytest
from harness import NodeUnderTest

from idnode.model.reporting import RecordState, Report
from idnode.storage.database import Database
from idnode.storage.ledger import Ledger, Settlement
from idnode.storage.sync_records import SyncRecords
from loadtest.own_node import Target
from loadtest.trial.comparing import Comparison, compare
from loadtest.trial.writing import LIFE, NotWritten, Written, write_changes

SUBJECT = "88.118.8/TRIAL-000000"
EVERY_VERSION = range(1, len(LIFE) + 1)


def target_of(node: NodeUnderTest, key: str) -> Target:
    return Target(str(node.client.make_url("")).rstrip("/"), key)


@pytest.fixture
async def dsn_of_changes(node: NodeUnderTest, database: Database, dsn: str) -> str:
    """A database with one whole life, every record of which the ledger holds as accepted."""
    await write_changes(target_of(node, node.admin_key), "88.118.8", len(LIFE), Written())
    ledger = await Ledger.elected(dsn, relay="test")
    assert ledger is not None
    while await ledger.collect():
        pass
    await SyncRecords(database).release_now([Report.T9])
    claimed = await ledger.claim([Report.T9], 100)
    await ledger.settle([Settlement(each.number, RecordState.ACCEPTED, "R", None) for each in claimed])
    await ledger.close()
    return dsn


async def compared(dsn: str, folder: Path, *effects: tuple[str, int]) -> Comparison:
    """With a journal in which these versions had these effects, in this order."""
    lines = [
        {"report": "T9", effect: [[f"88.118:T9:{SUBJECT}:{version}", SUBJECT, version]]} for effect, version in effects
    ]
    journal = folder / "journal.ndjson"
    journal.write_bytes(b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines))
    return await compare(dsn, journal, node="88.118")


async def test_what_arrived_once_and_in_order_is_clean_and_may_have_come_again(
    dsn_of_changes: str, tmp_path: Path
) -> None:
    came = [("accepted", version) for version in EVERY_VERSION]

    comparison = await compared(dsn_of_changes, tmp_path, *came, ("repeated", 3))

    assert comparison.is_clean
    assert (comparison.committed, comparison.arrived, comparison.accepted_in_ledger) == (8, 8, 8)
    assert comparison.came_again == 1


@pytest.mark.parametrize(
    ("name", "effects"),
    [
        ("missing", [("accepted", version) for version in EVERY_VERSION if version != 4]),
        ("doubled", [("accepted", version) for version in (*EVERY_VERSION, 8)]),
        ("never_committed", [("accepted", version) for version in (*EVERY_VERSION, 9)]),
        ("out_of_order", [("accepted", version) for version in (1, 2, 3, 4, 5, 6, 8, 7)]),
        ("told_differently", [*(("accepted", version) for version in EVERY_VERSION), ("conflict", 2)]),
    ],
)
async def test_what_went_wrong_is_counted(
    dsn_of_changes: str, tmp_path: Path, name: str, effects: list[tuple[str, int]]
) -> None:
    comparison = await compared(dsn_of_changes, tmp_path, *effects)

    assert getattr(comparison, name) == 1
    assert not comparison.is_clean


async def test_what_the_ledger_does_not_know_as_accepted_is_not_clean(
    dsn_of_changes: str, database: Database, tmp_path: Path
) -> None:
    async with database.session() as session:
        await session.run("UPDATE sync_record SET state = 'sent' WHERE report = 'T9' AND version = 8")

    comparison = await compared(dsn_of_changes, tmp_path, *(("accepted", version) for version in EVERY_VERSION))

    assert (comparison.accepted_in_ledger, comparison.not_accepted_in_ledger) == (7, 1)
    assert not comparison.is_clean


async def test_a_change_that_the_node_refuses_ends_the_trial(node: NodeUnderTest) -> None:
    with pytest.raises(NotWritten, match="401"):
        await write_changes(target_of(node, "idn_nobody"), "88.118.8", 8, Written())

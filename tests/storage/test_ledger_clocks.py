"""What the ledger does by clocks: releases, and the recall of what nobody has judged in time."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from idnode.model.reporting import RecordState, Report
from idnode.storage.database import Database
from idnode.storage.ledger import Ledger, NewRecord, Settlement
from idnode.storage.sync_records import SyncRecords

AT = datetime(2026, 11, 24, 4, tzinfo=UTC)


@pytest.fixture
async def ledger(dsn: str) -> AsyncIterator[Ledger]:
    leading = await Ledger.elected(dsn, relay="one")
    assert leading is not None
    yield leading
    await leading.close()


async def test_a_release_by_a_clock_that_was_wrong_is_set_right_and_one_a_little_ahead_stands(ledger: Ledger) -> None:
    await ledger.release([Report.T9], AT + timedelta(days=365))
    await ledger.release([Report.T8], AT + timedelta(minutes=5))
    await ledger.release([Report.T8, Report.T9], AT)

    assert await ledger.releases() == {Report.T8: AT + timedelta(minutes=5), Report.T9: AT}


async def test_one_look_for_what_is_overdue_goes_through_so_many_and_the_next_goes_on_there(
    ledger: Ledger, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idnode.storage.ledger.OVERDUE_RECORDS_MAX", 2)
    await SyncRecords(database).add([NewRecord(Report.EVENT, name, 1, "report", AT, b"{}") for name in "ABCDE"])
    sent = await ledger.claim([Report.EVENT], 5)
    await ledger.settle([Settlement(claimed.number, RecordState.SENT) for claimed in sent])
    earlier, later = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=1)

    recalled = [await ledger.overdue(earlier), *[await ledger.overdue(later) for _ in range(4)]]

    # The first look goes past two that are not overdue yet, the third comes to the end.
    assert recalled == [0, 2, 1, 2, 0]

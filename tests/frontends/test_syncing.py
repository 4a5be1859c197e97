"""What the relay shows in /metrics: the ledger as it was read last, and what was counted."""

from datetime import UTC, datetime, timedelta

from prometheus_client.samples import Sample

from idnode.frontends.ops.syncing import LedgerFigures, SyncingCollector
from idnode.model.reporting import RecordState, Report
from idnode.storage.database import Database
from idnode.storage.ledger import NewRecord
from idnode.storage.reconciliation import PrefixDrift, ReconciliationStore
from idnode.storage.sync_records import SyncRecords
from idnode.sync.breaker import BreakerState
from idnode.sync.metrics import RelayCounters

AT = datetime(2026, 11, 24, 4, tzinfo=UTC)


async def deposited() -> datetime | None:
    return AT - timedelta(hours=5)


async def never_deposited() -> datetime | None:
    return None


def samples_of(collector: SyncingCollector) -> dict[tuple[str, ...], float]:
    """By name and the values of the labels."""
    samples: list[Sample] = [sample for metric in collector.collect() for sample in metric.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


async def test_the_backlog_and_its_age_are_those_of_the_ledger(database: Database) -> None:
    records, store = SyncRecords(database), ReconciliationStore(database)
    hour_ago = AT - timedelta(hours=1)
    await records.add([NewRecord(Report.EVENT, f"88.118.{number}", 1, "add", hour_ago, b"{}") for number in range(3)])
    await records.add([NewRecord(Report.T9, "88.118.8/A", 1, "register", hour_ago, None)])
    figures = LedgerFigures(records, store, deposited)

    await figures.read()
    shown = samples_of(SyncingCollector(RelayCounters(), figures, now=lambda: AT))

    assert shown["idnode_sync_open_records", "event", "pending"] == 3
    assert shown["idnode_sync_open_records", "T9", "pending"] == 0
    assert shown["idnode_sync_open_records", "T9", "waiting"] == 1
    assert shown["idnode_sync_oldest_pending_age_seconds", "event"] == 3_600
    assert shown["idnode_sync_oldest_pending_age_seconds", "T9"] == 0
    assert shown["idnode_sync_deposit_age_seconds",] == 18_000


async def test_drift_is_counted_over_all_comparisons(database: Database) -> None:
    store = ReconciliationStore(database)
    asked = await store.ask(AT.date(), repair=True, by="test", at=AT)
    await store.add_drift(asked.number, PrefixDrift("88.118.8", missing=1, extra=2, changed=3, repaired=4))
    await store.add_drift(asked.number, PrefixDrift("88.118.9", missing=10, extra=0, changed=0, repaired=0))
    figures = LedgerFigures(SyncRecords(database), store, never_deposited)

    await figures.read()
    shown = samples_of(SyncingCollector(RelayCounters(), figures, now=lambda: AT))

    drift = [shown["idnode_sync_drift", kind] for kind in ("missing", "extra", "changed")]
    assert (drift, shown["idnode_sync_drift_repaired",]) == ([11, 2, 3], 4)
    assert ("idnode_sync_deposit_age_seconds",) not in shown


async def test_what_the_relay_counted_is_shown_by_report(database: Database) -> None:
    counters = RelayCounters(batches=7, failures=2, breaker=BreakerState.OPEN, is_leading=True)
    counters.count_settled(Report.T9, RecordState.ACCEPTED, 1_000)
    counters.count_lags(Report.EVENT, [3, 900])
    figures = LedgerFigures(SyncRecords(database), ReconciliationStore(database), never_deposited)

    shown = samples_of(SyncingCollector(counters, figures, now=lambda: AT))

    assert shown["idnode_sync_records_total", "T9", "accepted"] == 1_000
    assert (shown["idnode_sync_batches_total",], shown["idnode_sync_failures_total",]) == (7, 2)
    assert [shown["idnode_sync_breaker", state] for state in ("closed", "open", "half-open")] == [0, 1, 0]
    assert (shown["idnode_sync_leading",], shown["idnode_sync_paused",]) == (1, 0)
    assert shown["idnode_sync_lag_seconds_sum", "event"] == 0.903
    assert shown["idnode_sync_lag_seconds_bucket", "event", "0.004"] == 1
    assert shown["idnode_sync_lag_seconds_bucket", "event", "0.512"] == 1
    assert shown["idnode_sync_lag_seconds_bucket", "event", "1.024"] == 2
    assert shown["idnode_sync_lag_seconds_count", "event"] == 2

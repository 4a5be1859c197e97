"""The sync as JSON: from what the ledger says to what /v1/sync shows; pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from idnode.model.identifier import Prefix
from idnode.model.reporting import CADENCE, Cadence, SyncRecord, record_id
from idnode.storage.ledger import LedgerState
from idnode.storage.reconciliation import Reconciliation
from idnode.storage.sync_records import ReportSummary
from idnode.sync.cadence import period_end
from idnode.wire.instants import instant_text, optional_instant_text

COUNTS = ("pending", "waiting", "sent", "rejected", "dead")
RELAY_SILENT = timedelta(seconds=10)
"""A relay that was not heard of for so long does not run; another one would have taken over."""


def sync_document(
    summary: Sequence[ReportSummary], state: LedgerState, *, is_configured: bool, is_real_time: bool, now: datetime
) -> dict[str, object]:
    """Sums, the relay, and every report."""
    ages = [age for each in summary if (age := _age_seconds(each.oldest_pending, now)) is not None]
    return {
        "configured": is_configured,
        **{name: sum(getattr(each, name) for each in summary) for name in COUNTS},
        "lag_seconds": max(ages, default=0.0),
        "relay": _relay_document(state, now),
        "reports": [_report_document(each, is_real_time=is_real_time, now=now) for each in summary],
    }


def record_document(record: SyncRecord, own: Prefix) -> dict[str, object]:
    """A record of the ledger."""
    return {
        "number": record.number,
        "id": record_id(own.text, record.report, record.subject, record.version),
        "report": record.report,
        "subject": record.subject,
        "subject_version": record.version,
        "operation": record.operation,
        "occurred": instant_text(record.occurred),
        "state": record.state,
        "attempts": record.attempts,
        "receipt": record.receipt,
        "reason": record.reason,
        "updated": instant_text(record.updated),
    }


def reconciliation_document(found: Reconciliation) -> dict[str, object]:
    """A comparison and what differed, by prefix."""
    return {
        "number": found.number,
        "day": found.day.isoformat(),
        "repair": found.repair,
        "asked_by": found.asked_by,
        "asked": instant_text(found.asked),
        "begun": optional_instant_text(found.begun),
        "ended": optional_instant_text(found.ended),
        "prefixes": found.prefixes,
        "records": found.records,
        "failure": found.failure,
        "drift": [
            {
                "prefix": each.prefix,
                "missing": each.missing,
                "extra": each.extra,
                "changed": each.changed,
                "repaired": each.repaired,
            }
            for each in found.drift
        ],
    }


def _relay_document(state: LedgerState, now: datetime) -> dict[str, object]:
    return {
        "name": state.relay,
        "since": optional_instant_text(state.relay_since),
        "seen": optional_instant_text(state.relay_seen),
        "is_running": state.relay_seen is not None and now - state.relay_seen < RELAY_SILENT,
        "breaker": state.breaker,
        "paused": optional_instant_text(state.paused_at),
        "paused_by": state.paused_by,
        "last_error": state.last_error,
        "last_error_at": optional_instant_text(state.last_error_at),
    }


def _report_document(each: ReportSummary, *, is_real_time: bool, now: datetime) -> dict[str, object]:
    cadence = Cadence.REAL_TIME if is_real_time else CADENCE[each.report]
    next_release = None if cadence is Cadence.REAL_TIME else period_end(cadence, now)
    return {
        "report": each.report,
        "cadence": cadence,
        **{name: getattr(each, name) for name in COUNTS},
        "oldest_pending": optional_instant_text(each.oldest_pending),
        "oldest_pending_seconds": _age_seconds(each.oldest_pending, now),
        "last_accepted": optional_instant_text(each.last_accepted),
        "released": optional_instant_text(each.released_at),
        "next_release": optional_instant_text(next_release),
    }


def _age_seconds(moment: datetime | None, now: datetime) -> float | None:
    # Clocks of two hosts may differ.
    return None if moment is None else max(round((now - moment).total_seconds(), 3), 0.0)

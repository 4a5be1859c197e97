"""The monthly report as a JSON document."""

from idnode.storage.monitoring import NODE
from idnode.storage.monitoring_events import Emergency
from idnode.sync.monitoring.monthly import MonthlyReport, MonthSla, ReportedStop
from idnode.wire.instants import instant_text, optional_instant_text


def monthly_document(report: MonthlyReport) -> dict[str, object]:
    """Moments are in UTC; a value of which there is none is null."""
    return {
        "node": report.node,
        "month": str(report.month),
        "made": instant_text(report.made),
        "due": report.due.isoformat(),
        "is_complete": report.is_complete,
        "sla": _share(report.sla),
        "past": [_share(each) for each in report.past],
        "average_percent": report.average_percent,
        "registration_rtt_ms": report.registration_rtt_ms,
        "resolution_rtt_ms": report.resolution_rtt_ms,
        "approvals": report.approvals,
        "approvals_resolvable": report.approvals_reached,
        "approval_to_resolvable_hours": report.approval_hours,
        "operation_hours": report.operation_hours,
        "maintenance_stops": [_stop(each) for each in report.stops],
        "emergencies": [_emergency(each) for each in report.emergencies],
    }


def _share(sla: MonthSla) -> dict[str, object]:
    return {
        "month": str(sla.month),
        "percent": sla.percent,
        "rounds": sla.rounds,
        "rounds_up": sla.up,
        "rounds_missed": sla.missed,
        "rounds_in_announced_stops": sla.announced,
    }


def _stop(stop: ReportedStop) -> dict[str, object]:
    return {
        "begins": instant_text(stop.begins),
        "ends": instant_text(stop.ends),
        "is_planned": stop.is_planned,
        "is_excused": stop.is_excused,
        "reason": stop.reason,
    }


def _emergency(emergency: Emergency) -> dict[str, object]:
    event = emergency.event
    return {
        "event": str(event.id),
        "prefix": None if event.subject == NODE else event.subject,
        "kind": event.kind,
        "at": instant_text(event.at),
        "recovered": optional_instant_text(emergency.recovered),
        "cause": event.reason,
        "remedy": event.remedy,
    }

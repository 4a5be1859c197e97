"""Status, events and stops as JSON."""

from idnode.storage.monitoring import NODE, ProbeRound
from idnode.storage.monitoring_events import Event, Stop
from idnode.sync.monitoring.status import EnterpriseStatus, NodeStatus
from idnode.wire.instants import instant_text, optional_instant_text


def event_document(event: Event) -> dict[str, object]:
    """An event, for those with a key."""
    return {
        "id": str(event.id),
        "state": "abnormal" if event.closes is None else "recovered",
        "closes": None if event.closes is None else str(event.closes),
        "prefix": _prefix(event.subject),
        "source": event.source,
        "kind": event.kind,
        "at": instant_text(event.at),
        "reason": event.reason,
        "remedy": event.remedy,
        "is_open": event.is_open,
        "version": event.version,
    }


def stop_document(stop: Stop) -> dict[str, object]:
    """A maintenance stop."""
    return {
        "id": str(stop.id),
        "begins": instant_text(stop.begins),
        "ends": instant_text(stop.ends),
        "reason": stop.reason,
        "announced": instant_text(stop.announced),
        "is_announced": stop.is_announced,
    }


def status_document(status: NodeStatus, following: str | None) -> dict[str, object]:
    """For everyone: no addresses, no reasons."""
    return {
        "resolution": status.resolution,
        "registration": status.registration,
        "last_round": None if status.last_round is None else _round(status.last_round),
        "events": [_open_event(event) for event in status.events],
        "enterprises": [_enterprise(each) for each in status.enterprises],
        "next": following,
    }


def _round(last: ProbeRound) -> dict[str, object]:
    return {
        "at": instant_text(last.at),
        "every_seconds": last.every_seconds,
        "points": last.points,
        "resolution_points_up": last.resolution_points_up,
        "registration_points_up": last.registration_points_up,
    }


def _open_event(event: Event) -> dict[str, object]:
    return {"id": str(event.id), "prefix": _prefix(event.subject), "kind": event.kind, "at": instant_text(event.at)}


def _enterprise(status: EnterpriseStatus) -> dict[str, object]:
    seen = status.seen
    return {
        "prefix": seen.prefix,
        "hosting": seen.hosting,
        "resolution": status.resolution,
        "at": optional_instant_text(seen.at),
    }


def _prefix(subject: str) -> str | None:
    return None if subject == NODE else subject

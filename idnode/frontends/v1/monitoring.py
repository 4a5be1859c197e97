"""Monitoring: the state for everyone, events, maintenance stops, and the monthly report."""

import asyncio
from collections.abc import Callable, Mapping

import orjson

from idnode.frontends.v1.answers import (
    answer_json,
    cursor_key,
    cursor_text,
    location_of,
    page_json,
    uuid_after,
    uuid_of,
)
from idnode.frontends.v1.monitoring_documents import event_document, status_document, stop_document
from idnode.frontends.v1.routes import ADMIN, Call, Route, WriteQuery
from idnode.frontends.v1.schemas.fields import PageQuery
from idnode.frontends.v1.schemas.monitoring import (
    EventIn,
    EventOut,
    EventPage,
    EventPatch,
    EventQuery,
    RecoveryIn,
    ReportOut,
    ReportQuery,
    StatusOut,
    StopIn,
    StopOut,
    StopPage,
)
from idnode.model.access import ApiKey, Role
from idnode.model.errors import Forbidden, NotFound, shown
from idnode.model.identifier import Prefix
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.monitoring_events import Event, EventStore, Stop
from idnode.sync.monitoring.desk import Errand, EventForm, MonitoringDesk
from idnode.sync.monitoring.monthly import MonthlyReport
from idnode.sync.monitoring.monthly_docx import monthly_docx
from idnode.sync.monitoring.monthly_json import monthly_document
from idnode.sync.monitoring.monthly_markdown import monthly_markdown
from idnode.sync.monitoring.months import Month
from idnode.sync.monitoring.reports import MonthlyReports
from idnode.sync.monitoring.status import MonitoringStatus

TOPIC = "monitoring"
READERS = frozenset({Role.ADMIN, Role.READER})
MARKDOWN_TYPE = "text/markdown; charset=utf-8"
WORD_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

_FORMS: Mapping[str, tuple[str, Callable[[MonthlyReport], bytes]]] = {
    "json": ("application/json", lambda report: orjson.dumps(monthly_document(report))),
    "md": (MARKDOWN_TYPE, monthly_markdown),
    "docx": (WORD_TYPE, monthly_docx),
}


class MonitoringApi:
    """Handlers of the monitoring routes."""

    def __init__(
        self, status: MonitoringStatus, desk: MonitoringDesk, events: EventStore, reports: MonthlyReports
    ) -> None:
        self._status = status
        self._desk = desk
        self._events = events
        self._reports = reports

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        one = "/v1/monitoring/events/{id}"
        return (
            Route("GET", "/v1/monitoring/status", "read_monitoring_status",
                  "The state of resolution and registration as the node's own probes see it", self.status,
                  None, StatusOut, query=PageQuery, topic=TOPIC),
            Route("GET", "/v1/monitoring/events", "list_events", "List abnormal and recovered events", self.page,
                  READERS, EventPage, query=EventQuery, topic=TOPIC),
            Route("POST", "/v1/monitoring/events", "open_event", "Report an abnormal event", self.open,
                  ADMIN, EventOut, 201, EventIn, query=WriteQuery, topic=TOPIC),
            Route("GET", one, "read_event", "Read an event", self.read,
                  READERS, EventOut, topic=TOPIC),
            Route("PATCH", one, "revise_event", "Say what was done about it", self.revise,
                  ADMIN, EventOut, body=EventPatch, query=WriteQuery, topic=TOPIC),
            Route("POST", "/v1/monitoring/events/{id}/recovery", "close_event", "Report that an event is over",
                  self.close, ADMIN, EventOut, 201, RecoveryIn, is_body_optional=True, query=WriteQuery, topic=TOPIC),
            Route("GET", "/v1/monitoring/maintenance", "list_stops", "List maintenance stops", self.stops,
                  READERS, StopPage, query=PageQuery, topic=TOPIC),
            Route("POST", "/v1/monitoring/maintenance", "announce_stop", "Announce a maintenance stop", self.announce,
                  ADMIN, StopOut, 201, StopIn, query=WriteQuery, topic=TOPIC),
            Route("GET", "/v1/monitoring/reports/{month}", "read_monthly_report",
                  "The monthly report as JSON, Markdown or Word", self.report,
                  READERS, ReportOut, query=ReportQuery, topic=TOPIC, media_types=(MARKDOWN_TYPE, WORD_TYPE)),
        )  # fmt: skip

    async def status(self, call: Call) -> KeptAnswer:
        """GET /v1/monitoring/status."""
        query = call.query_as(PageQuery)
        found = await self._status.read(after=cursor_key(query.cursor), limit=query.limit)
        is_full = len(found.enterprises) == query.limit
        following = cursor_text(found.enterprises[-1].seen.folded) if is_full else None
        return answer_json(status_document(found, following))

    async def page(self, call: Call) -> KeptAnswer:
        """GET /v1/monitoring/events."""
        _require_whole_node(call.reader)
        query = call.query_as(EventQuery)
        found = await self._events.page(before=uuid_after(query.cursor), is_open=query.open, limit=query.limit)
        return page_json(list(map(event_document, found)), limit=query.limit, cursors=[str(each.id) for each in found])

    async def open(self, call: Call) -> KeptAnswer:
        """POST /v1/monitoring/events."""
        body = call.body_as(EventIn)
        prefix = None if body.prefix is None else Prefix.parse(body.prefix)
        form = EventForm(prefix, body.kind, body.at, body.reason)
        return await self._desk.open(form, _errand(call), _made)

    async def read(self, call: Call) -> KeptAnswer:
        """GET /v1/monitoring/events/{id}."""
        _require_whole_node(call.reader)
        return _shown(await self._desk.find(uuid_of(call.path["id"])))

    async def revise(self, call: Call) -> KeptAnswer:
        """PATCH /v1/monitoring/events/{id}."""
        event = await self._meant(call)
        return await self._desk.set_remedy(event, call.body_as(EventPatch).remedy, _errand(call), _shown)

    async def close(self, call: Call) -> KeptAnswer:
        """POST /v1/monitoring/events/{id}/recovery."""
        event, body = await self._meant(call), call.body_as(RecoveryIn)
        return await self._desk.close(event, body.at, body.reason, _errand(call), _made)

    async def stops(self, call: Call) -> KeptAnswer:
        """GET /v1/monitoring/maintenance."""
        _require_whole_node(call.reader)
        query = call.query_as(PageQuery)
        found = await self._events.stops(before=uuid_after(query.cursor), limit=query.limit)
        return page_json(list(map(stop_document, found)), limit=query.limit, cursors=[str(each.id) for each in found])

    async def announce(self, call: Call) -> KeptAnswer:
        """POST /v1/monitoring/maintenance."""
        body = call.body_as(StopIn)
        return await self._desk.announce(body.begins, body.ends, body.reason, _errand(call), _announced)

    async def report(self, call: Call) -> KeptAnswer:
        """GET /v1/monitoring/reports/{month}."""
        _require_whole_node(call.reader)
        content_type, rendered = _FORMS[call.query_as(ReportQuery).format]
        report = await self._reports.of(_month_of(call.path["month"]))
        # A Word document is a tenth of a second of computing: not in the way of those who wait for answers.
        return KeptAnswer(200, content_type, None, None, await asyncio.to_thread(rendered, report))

    async def _meant(self, call: Call) -> Event:
        event = await self._desk.find(uuid_of(call.path["id"]))
        call.asked.require_version(event.version)
        return event


def _errand(call: Call) -> Errand:
    asked = call.asked
    return Errand(str(asked.key.id), asked.trace.at, asked.dry_run, asked.claim)


def _require_whole_node(key: ApiKey) -> None:
    if key.prefixes:
        raise Forbidden("this tells of the whole node; it takes a key without a scope")


def _month_of(text: str) -> Month:
    month = Month.parse(text)
    if month is None:
        raise NotFound(f"'{shown(text)}' is no month (2026-10)")
    return month


def _made(event: Event) -> KeptAnswer:
    location = location_of("monitoring", "events", str(event.id))
    return answer_json(event_document(event), status=201, version=event.version, location=location)


def _shown(event: Event) -> KeptAnswer:
    return answer_json(event_document(event), version=event.version)


def _announced(stop: Stop) -> KeptAnswer:
    return answer_json(stop_document(stop), status=201)

"""The sync over HTTP: how the reports stand, the ledger's records, pause and resume, sending again, reconciliation."""

from collections.abc import Callable
from datetime import date, datetime

from idnode.frontends.v1.answers import answer_json, cursor_key, foreign_cursor, page_json
from idnode.frontends.v1.routes import ADMIN, Call, Route
from idnode.frontends.v1.schemas.sync import (
    ReconcileIn,
    ReconciliationOut,
    ReconciliationPage,
    ReconciliationQuery,
    ReplayIn,
    RetryIn,
    SentAgainOut,
    SyncOut,
    SyncRecordOut,
    SyncRecordPage,
    SyncRecordQuery,
)
from idnode.frontends.v1.sync_documents import (
    reconciliation_document,
    record_document,
    sync_document,
)
from idnode.model.access import ApiKey, Role
from idnode.model.beijing import BEIJING
from idnode.model.errors import Conflict, Forbidden, InvalidInput, NotFound, Violation, shown
from idnode.model.identifier import Prefix
from idnode.model.reporting import RecordState, Report
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.reconciliation import NUMBER_MAX, ReconciliationStore
from idnode.storage.sync_records import RecordFilters, SyncRecords

TOPIC = "sync"
WATCHERS = frozenset({Role.ADMIN, Role.REVIEWER, Role.READER})
NUMBER_DIGITS_MAX = 19
FIRST_DAY = date(1970, 1, 1)


class SyncApi:
    """Handlers of the sync routes. `own` is the node's prefix, with which the names of its records begin.

    With `is_real_time` nothing is held back until the end of its period.
    """

    def __init__(
        self,
        records: SyncRecords,
        reconciliations: ReconciliationStore,
        *,
        own: Prefix,
        is_configured: bool,
        is_real_time: bool,
        now: Callable[[], datetime],
    ) -> None:
        self._records = records
        self._reconciliations = reconciliations
        self._own = own
        self._is_configured = is_configured
        self._is_real_time = is_real_time
        self._now = now

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        one = "/v1/sync/records/{number}"
        return (
            Route("GET", "/v1/sync", "read_sync", "How every report stands, and the relay", self.read,
                  WATCHERS, SyncOut, topic=TOPIC),
            Route("POST", "/v1/sync/run", "run_sync", "Release everything now, before the end of its period", self.run,
                  ADMIN, SyncOut, topic=TOPIC),
            Route("POST", "/v1/sync/pause", "pause_sync", "Send nothing any more; what happens is still collected",
                  self.pause, ADMIN, SyncOut, topic=TOPIC),
            Route("POST", "/v1/sync/resume", "resume_sync", "Go on sending", self.resume,
                  ADMIN, SyncOut, topic=TOPIC),
            Route("GET", "/v1/sync/records", "list_sync_records", "List records of the ledger", self.page,
                  WATCHERS, SyncRecordPage, query=SyncRecordQuery, topic=TOPIC),
            Route("GET", one, "read_sync_record", "Read a record of the ledger", self.read_record,
                  WATCHERS, SyncRecordOut, topic=TOPIC),
            Route("POST", f"{one}/retry", "retry_sync_record", "Send a rejected or dead record again",
                  self.retry_record, ADMIN, SentAgainOut, topic=TOPIC),
            Route("POST", "/v1/sync/retry", "retry_sync_records", "Send rejected and dead records again", self.retry,
                  ADMIN, SentAgainOut, body=RetryIn, is_body_optional=True, topic=TOPIC),
            Route("POST", "/v1/sync/replay", "replay_sync", "Send accepted records again", self.replay,
                  ADMIN, SentAgainOut, body=ReplayIn, topic=TOPIC),
            Route("POST", "/v1/sync/reconcile", "reconcile_sync", "Have a day compared with the top node, soon",
                  self.reconcile, ADMIN, ReconciliationOut, 202, ReconcileIn, topic=TOPIC),
            Route("GET", "/v1/sync/reconciliations", "list_reconciliations", "What comparisons found, newest first",
                  self.reconciliations, WATCHERS, ReconciliationPage, query=ReconciliationQuery, topic=TOPIC),
            Route("GET", "/v1/sync/reconciliations/{number}", "read_reconciliation", "What a comparison found",
                  self.read_reconciliation, WATCHERS, ReconciliationOut, topic=TOPIC),
        )  # fmt: skip

    async def read(self, call: Call) -> KeptAnswer:
        """GET /v1/sync."""
        _require_whole_node(call.reader)
        return await self._stands()

    async def run(self, call: Call) -> KeptAnswer:  # noqa: ARG002  # nothing is said but that it is to be
        """POST /v1/sync/run."""
        self._require_configured()
        await self._records.release_now(list(Report))
        return await self._stands()

    async def pause(self, call: Call) -> KeptAnswer:
        """POST /v1/sync/pause."""
        await self._records.pause(str(call.reader.id))
        return await self._stands()

    async def resume(self, call: Call) -> KeptAnswer:
        """POST /v1/sync/resume."""
        await self._records.resume(str(call.reader.id))
        return await self._stands()

    async def page(self, call: Call) -> KeptAnswer:
        """GET /v1/sync/records."""
        _require_whole_node(call.reader)
        query = call.query_as(SyncRecordQuery)
        filters = RecordFilters(query.report, query.state, query.subject, None, query.since, query.until)
        found = await self._records.page(filters, after_number=_number_after(query.cursor), limit=query.limit)
        documents = [record_document(each, self._own) for each in found]
        return page_json(documents, limit=query.limit, cursors=[str(each.number) for each in found])

    async def read_record(self, call: Call) -> KeptAnswer:
        """GET /v1/sync/records/{number}."""
        _require_whole_node(call.reader)
        number = _number_of(call.path["number"])
        record = await self._records.find(number)
        if record is None:
            raise NotFound(f"the ledger has no record {number}")
        return answer_json(record_document(record, self._own))

    async def retry_record(self, call: Call) -> KeptAnswer:
        """POST /v1/sync/records/{number}/retry."""
        number = _number_of(call.path["number"])
        record = await self._records.find(number)
        if record is None:
            raise NotFound(f"the ledger has no record {number}")
        if record.state not in (RecordState.REJECTED, RecordState.DEAD):
            raise Conflict(f"record {number} is {record.state}; what is rejected or dead can be sent again")
        return _sent_again(*await self._records.retry(RecordFilters(number=number)))

    async def retry(self, call: Call) -> KeptAnswer:
        """POST /v1/sync/retry."""
        body = call.body_as(RetryIn)
        state = None if body.state is None else RecordState(body.state)
        return _sent_again(*await self._records.retry(RecordFilters(body.report, state, body.subject)))

    async def replay(self, call: Call) -> KeptAnswer:
        """POST /v1/sync/replay."""
        body = call.body_as(ReplayIn)
        return _sent_again(await self._records.replay(body.since, body.report), 0)

    async def reconcile(self, call: Call) -> KeptAnswer:
        """POST /v1/sync/reconcile."""
        self._require_configured()
        body, now = call.body_as(ReconcileIn), self._now()
        today = now.astimezone(BEIJING).date()
        if not FIRST_DAY <= body.day <= today:
            detail = f"is no day between {FIRST_DAY} and today in Beijing"
            raise InvalidInput.of([Violation("/day", "range", detail, str(body.day), str(today))])
        asked = await self._reconciliations.ask(body.day, repair=body.repair, by=str(call.reader.id), at=now)
        return answer_json(reconciliation_document(asked), status=202)

    async def reconciliations(self, call: Call) -> KeptAnswer:
        """GET /v1/sync/reconciliations."""
        _require_whole_node(call.reader)
        query = call.query_as(ReconciliationQuery)
        below = NUMBER_MAX if query.cursor is None else _number_after(query.cursor)
        found = await self._reconciliations.page(below=below, day=query.day, limit=query.limit)
        documents = [reconciliation_document(each) for each in found]
        return page_json(documents, limit=query.limit, cursors=[str(each.number) for each in found])

    async def read_reconciliation(self, call: Call) -> KeptAnswer:
        """GET /v1/sync/reconciliations/{number}."""
        _require_whole_node(call.reader)
        number = _number_of(call.path["number"])
        found = await self._reconciliations.find(number)
        if found is None:
            raise NotFound(f"there is no reconciliation {number}")
        return answer_json(reconciliation_document(found))

    async def _stands(self) -> KeptAnswer:
        summary, state = await self._records.summary(), await self._records.state()
        document = sync_document(
            summary, state, is_configured=self._is_configured, is_real_time=self._is_real_time, now=self._now()
        )
        return answer_json(document)

    def _require_configured(self) -> None:
        if not self._is_configured:
            raise Conflict("this node reports to no top node: IDNODE_SYNC_TRANSPORT is none")


def _require_whole_node(key: ApiKey) -> None:
    """The ledger tells of every prefix. Raises Forbidden for a key that reaches some of them only."""
    if key.prefixes:
        scope = ", ".join(prefix.text for prefix in key.prefixes)
        raise Forbidden(f"the ledger tells of every prefix, and this key's scope is {scope}")


def _sent_again(pending: int, superseded: int) -> KeptAnswer:
    return answer_json({"pending": pending, "superseded": superseded})


def _number_of(text: str) -> int:
    """A number in a path. Raises NotFound: what is no number names nothing."""
    if not (text.isascii() and text.isdecimal()) or len(text) > NUMBER_DIGITS_MAX or int(text) > NUMBER_MAX:
        raise NotFound(f"'{shown(text)}' is no number of the ledger")
    return int(text)


def _number_after(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        return _number_of(cursor_key(cursor))
    except NotFound:
        raise foreign_cursor(cursor) from None

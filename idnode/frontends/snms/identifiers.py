"""Identifiers: read, register, replace, delete, one by one and in batches."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from idnode.frontends.snms.boundary import Reads, SnmsCall, SnmsRoute
from idnode.frontends.snms.documents import (
    HANDLE_CHARACTERS_MAX,
    SnmsRow,
    content_of,
    detail_of,
    identifier_of,
    row_of,
)
from idnode.frontends.snms.envelope import SUCCESS, SnmsRefusal, Status, message_of, ok
from idnode.frontends.v1.routes import WRITERS
from idnode.model.errors import (
    AlreadyRegistered,
    Deleted,
    Elsewhere,
    Forbidden,
    IdnodeError,
    NotFound,
    NotResponsible,
    shown,
)
from idnode.model.identifier import Identifier, Prefix
from idnode.model.record import Operation
from idnode.model.template import Template, TemplateName
from idnode.registry.batches import (
    BATCH_ROWS_MAX,
    ROWS_BETWEEN_PAUSES,
    BatchWriter,
    DuplicateInBatch,
    Registration,
    Row,
    Verdict,
)
from idnode.registry.commands import Asked, Content, Revision
from idnode.registry.planning import RecordPlanner
from idnode.registry.service import RegistryService
from idnode.resolver.service import ResolverService
from idnode.resolver.views import public_document, require_owned, require_public
from idnode.storage.database import Session
from idnode.storage.directory import Directory
from idnode.storage.idempotency import KeptAnswer, KeptClaim, keep_answers
from idnode.storage.identifiers import StoredRecord

BATCH_BYTES_MAX = 1 << 24
EXISTS = "标识已存在"
NOT_FOUND = "没有找到标识"
NOT_THERE = "标识不存在"
TWICE = "标识在同一批次中重复"

_ABSENT = (NotFound, Deleted, NotResponsible, Elsewhere)


class IdentifiersApi:
    """Handlers of the identifier routes: parse, call, render. `own` is the node's prefix."""

    def __init__(
        self,
        registry: RegistryService,
        batches: BatchWriter,
        planner: RecordPlanner,
        resolver: ResolverService,
        directory: Directory,
        *,
        own: Prefix,
    ) -> None:
        self._registry = registry
        self._batches = batches
        self._planner = planner
        self._resolver = resolver
        self._templates = TemplatesOfRows(directory, own)

    def routes(self) -> tuple[SnmsRoute, ...]:
        """The rows of the route table."""
        one, json = "/identityv2/data", Reads.JSON
        return (
            SnmsRoute("GET", f"{one}/detail", "snms_detail", self.detail),
            SnmsRoute("POST", one, "snms_create", self.create, WRITERS, json, is_write=True),
            SnmsRoute("PUT", one, "snms_update", self.update, WRITERS, json, is_write=True),
            SnmsRoute("DELETE", one, "snms_delete", self.delete, WRITERS, json, is_write=True),
            SnmsRoute("POST", f"{one}/batchCreate", "snms_batch_create", self.batch_create,
                      WRITERS, json, is_write=True, body_bytes_max=BATCH_BYTES_MAX),
            SnmsRoute("PUT", f"{one}/batchUpdate", "snms_batch_update", self.batch_update,
                      WRITERS, json, is_write=True, body_bytes_max=BATCH_BYTES_MAX),
            SnmsRoute("DELETE", f"{one}/batchDelete", "snms_batch_delete", self.batch_delete,
                      WRITERS, json, is_write=True, body_bytes_max=BATCH_BYTES_MAX),
        )  # fmt: skip

    async def detail(self, call: SnmsCall) -> KeptAnswer:
        """GET /identityv2/data/detail. Of others one sees what the public sees."""
        identifier = identifier_of(call.parameter("handle", characters_max=HANDLE_CHARACTERS_MAX))
        try:
            return ok(detail_of(_seen(*await self._resolver.resolve_for(identifier, call.key))))
        except _ABSENT:
            raise SnmsRefusal(NOT_FOUND) from None

    async def create(self, call: SnmsCall) -> KeptAnswer:
        """POST /identityv2/data. A tombstone keeps its name: it is taken, too."""
        row = row_of(call.body)
        await self._planner.require_writable(row.identifier.prefix, call.asked)
        content = content_of(row, await self._templates.of(row, call.asked), _second(call.asked))
        try:
            return await self._registry.register(row.identifier, content, call.asked, _done)
        except AlreadyRegistered:
            raise SnmsRefusal(EXISTS) from None

    async def update(self, call: SnmsCall) -> KeptAnswer:
        """PUT /identityv2/data: what is sent is what stands."""
        row = row_of(call.body)
        content = content_of(row, await self._templates.of(row, call.asked), _second(call.asked))
        try:
            return await self._registry.revise(Revision(row.identifier, Operation.REPLACE, content), call.asked, _done)
        except _ABSENT:
            raise SnmsRefusal(NOT_FOUND) from None

    async def delete(self, call: SnmsCall) -> KeptAnswer:
        """DELETE /identityv2/data."""
        identifier = identifier_of(call.members().get("handle"))
        try:
            return await self._registry.revise(Revision(identifier, Operation.DELETE), call.asked, _done)
        except _ABSENT:
            raise SnmsRefusal(NOT_FOUND) from None

    async def batch_create(self, call: SnmsCall) -> KeptAnswer:
        """POST /identityv2/data/batchCreate."""
        documents = _documents(call.body)
        rows = await self._rows(documents, call.asked, _registration)
        return await self._write(documents, rows, call.asked, _why_not_created)

    async def batch_update(self, call: SnmsCall) -> KeptAnswer:
        """PUT /identityv2/data/batchUpdate."""
        documents = _documents(call.body)
        rows = await self._rows(documents, call.asked, _replacement)
        return await self._write(documents, rows, call.asked, _why_not_updated)

    async def batch_delete(self, call: SnmsCall) -> KeptAnswer:
        """DELETE /identityv2/data/batchDelete."""
        handles = _documents(call.body)
        rows = [_deletion(handle) for handle in handles]
        return await self._write(handles, rows, call.asked, _why_not_deleted, has_code_first=True)

    async def _rows(
        self, documents: Sequence[object], asked: Asked, build: Callable[[SnmsRow, Content], Row]
    ) -> list[Row]:
        """What each document asks for, or its refusal. Of all that use one template it is looked up once."""
        templates: dict[tuple[str, str], Template] = {}
        second = _second(asked)
        rows: list[Row] = []
        for number, document in enumerate(documents):
            if number % ROWS_BETWEEN_PAUSES == 0:
                await asyncio.sleep(0)
            try:
                row = row_of(document)
                name = (row.identifier.prefix.folded, row.template_version)
                template = templates.get(name)
                if template is None:
                    template = templates[name] = await self._templates.of(row, asked)
                rows.append(build(row, content_of(row, template, second)))
            except (SnmsRefusal, Forbidden) as refusal:
                rows.append(refusal)
        return rows

    async def _write(
        self,
        documents: Sequence[object],
        rows: Sequence[Row],
        asked: Asked,
        why_not: Callable[[IdnodeError], str],
        *,
        has_code_first: bool = False,
    ) -> KeptAnswer:
        """All that can be written in one transaction, and with it the answer for whoever asks again."""
        answer = ok([])

        async def along(session: Session, verdicts: list[Verdict]) -> None:
            nonlocal answer
            answer = ok(_told(documents, verdicts, why_not, has_code_first=has_code_first))
            if asked.claim is not None:
                await keep_answers(session, [KeptClaim(asked.claim, answer, asked.trace.at)])

        await self._batches.write(rows, asked, is_atomic=False, along=along)
        return answer


class TemplatesOfRows:
    """Which template a row means: its version under the handle's prefix, or else under the node's own."""

    def __init__(self, directory: Directory, own: Prefix) -> None:
        self._directory = directory
        self._own = own

    async def of(self, row: SnmsRow, asked: Asked) -> Template:
        """Raises SnmsRefusal when there is none. Templates of prefixes out of the asker's reach do not count."""
        prefix, version = row.identifier.prefix, row.template_version
        if asked.key.reaches(prefix):
            template = await self._directory.template(TemplateName(prefix, version))
            if template is not None:
                return template
        template = await self._directory.template(TemplateName(self._own, version))
        if template is None:
            raise SnmsRefusal(f"模板不存在: {prefix.text} {shown(version)}")
        return template


def _documents(body: object) -> list[object]:
    if not isinstance(body, list):
        raise SnmsRefusal(f"请求体必须是JSON数组，收到 {shown(body)}")
    if len(body) > BATCH_ROWS_MAX:
        raise SnmsRefusal(f"单次最多{BATCH_ROWS_MAX}条，收到{len(body)}条")
    return body


def _registration(row: SnmsRow, content: Content) -> Row:
    return Registration(row.identifier, content)


def _replacement(row: SnmsRow, content: Content) -> Row:
    return Revision(row.identifier, Operation.REPLACE, content)


def _deletion(handle: object) -> Row:
    try:
        return Revision(identifier_of(handle), Operation.DELETE)
    except SnmsRefusal as refusal:
        return refusal


def _told(
    documents: Sequence[object],
    verdicts: Sequence[Verdict],
    why_not: Callable[[IdnodeError], str],
    *,
    has_code_first: bool,
) -> list[dict[str, object]]:
    """One {handle, msg, code} for each row, or {handle, code, msg} as batchDelete has it."""
    told: list[dict[str, object]] = []
    for document, (_, refusal) in zip(documents, verdicts, strict=True):
        handle = document.get("handle") if isinstance(document, dict) else document
        shown_handle = handle if isinstance(handle, str) else ""
        code, message = (1, SUCCESS) if refusal is None else (int(Status.REFUSED), why_not(refusal))
        if has_code_first:
            told.append({"handle": shown_handle, "code": code, "msg": message})
        else:
            told.append({"handle": shown_handle, "msg": message, "code": code})
    return told


def _why_not_created(refusal: IdnodeError) -> str:
    return EXISTS if isinstance(refusal, AlreadyRegistered | DuplicateInBatch) else message_of(refusal)


def _why_not_updated(refusal: IdnodeError) -> str:
    if isinstance(refusal, DuplicateInBatch):
        return TWICE
    return NOT_FOUND if isinstance(refusal, _ABSENT) else message_of(refusal)


def _why_not_deleted(refusal: IdnodeError) -> str:
    # What an earlier row has deleted is not there any more.
    return NOT_THERE if isinstance(refusal, (*_ABSENT, DuplicateInBatch)) else message_of(refusal)


def _seen(stored: StoredRecord, is_owned: bool) -> bytes:
    """What the asker may see of a record. Raises NotFound, Suspended, Deleted."""
    return require_owned(stored).document if is_owned else public_document(require_public(stored))


def _second(asked: Asked) -> datetime:
    return asked.trace.at.replace(microsecond=0)


def _done(_: Identifier, __: StoredRecord) -> KeptAnswer:
    return ok(True)

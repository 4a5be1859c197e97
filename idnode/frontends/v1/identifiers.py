"""Identifiers: register, read, replace, patch, change state, list, history, batch resolution."""

from time import perf_counter_ns

import orjson

from idnode.frontends.counting import Counting
from idnode.frontends.problems import problem_document
from idnode.frontends.v1.answers import (
    answer_bytes,
    answer_json,
    cursor_key,
    cursor_text,
    foreign_cursor,
    location_of,
    page_json,
)
from idnode.frontends.v1.content import content_of, patch_of, registration_of
from idnode.frontends.v1.routes import EVERY_ROLE, WRITERS, Call, Route, WriteQuery
from idnode.frontends.v1.schemas.fields import PageQuery
from idnode.frontends.v1.schemas.identifiers import (
    ChangePage,
    ContentIn,
    IdentifierIn,
    IdentifierPatch,
    IdentifierQuery,
    RecordOut,
    RecordPage,
    RecordQuery,
    ResolveIn,
    ResolveOut,
)
from idnode.model.access import ApiKey
from idnode.model.change import Change, Subject
from idnode.model.errors import Deleted, Forbidden, IdnodeError, InvalidIdentifier, NotFound, Suspended
from idnode.model.identifier import Identifier, Prefix
from idnode.model.limits import VALUE_INDEX_MAX
from idnode.model.record import Operation, State
from idnode.registry.commands import Content, Patch, Revision
from idnode.registry.service import RegistryService
from idnode.resolver.service import Resolution, ResolverService
from idnode.resolver.views import public_document, require_owned, require_public
from idnode.storage.changes import ChangeStore
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.identifiers import IdentifierStore, StoredRecord
from idnode.wire.instants import instant_text

TOPIC = "identifiers"


class IdentifiersApi:
    """Handlers of the identifier routes: parse, call, render."""

    def __init__(
        self,
        registry: RegistryService,
        resolver: ResolverService,
        identifiers: IdentifierStore,
        changes: ChangeStore,
        counting: Counting,
    ) -> None:
        self._registry = registry
        self._resolver = resolver
        self._identifiers = identifiers
        self._changes = changes
        self._counting = counting

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        one = "/v1/identifiers/{identifier}"
        return (
            Route("POST", "/v1/identifiers", "register_identifier", "Register an identifier", self.register,
                  WRITERS, RecordOut, 201, IdentifierIn, query=WriteQuery, topic=TOPIC),
            Route("GET", "/v1/identifiers", "list_identifiers", "List the identifiers of a prefix", self.page,
                  EVERY_ROLE, RecordPage, query=IdentifierQuery, topic=TOPIC),
            Route("GET", one, "read_identifier", "Read a record, now or as it was at a time", self.read,
                  None, RecordOut, query=RecordQuery, topic=TOPIC),
            Route("PUT", one, "replace_identifier", "Replace the content of a record", self.replace,
                  WRITERS, RecordOut, body=ContentIn, query=WriteQuery, topic=TOPIC),
            Route("PATCH", one, "patch_identifier", "Change some values and attributes", self.patch,
                  WRITERS, RecordOut, body=IdentifierPatch, query=WriteQuery, topic=TOPIC),
            Route("POST", "/v1/suspend/{identifier}", "suspend_identifier", "Withhold a record from the public",
                  self.suspend, WRITERS, RecordOut, query=WriteQuery, topic=TOPIC),
            Route("GET", "/v1/history/{identifier}", "read_history", "Every change, newest first", self.history,
                  EVERY_ROLE, ChangePage, query=PageQuery, topic=TOPIC),
            Route("POST", "/v1/resolve", "resolve", "Resolve up to 1,000 identifiers at once", self.resolve,
                  None, ResolveOut, body=ResolveIn, topic=TOPIC),
        )  # fmt: skip

    async def register(self, call: Call) -> KeptAnswer:
        """POST /v1/identifiers."""
        now = call.asked.trace.at
        identifier, content = registration_of(call.body_as(IdentifierIn), now=now)
        return await self._registry.register(identifier, content, call.asked, _registered)

    async def page(self, call: Call) -> KeptAnswer:
        """GET /v1/identifiers?prefix=."""
        query = call.query_as(IdentifierQuery)
        prefix = Prefix.parse(query.prefix)
        call.reader.require_reach(prefix)
        after = cursor_key(query.cursor)
        records = await self._identifiers.page(prefix, after=after, state=query.state, limit=query.limit)
        items = []
        for record in records:
            # A name that was given back is shown to who asks for such names, and no part of what there is.
            if record.state is State.RELEASED and query.state is not State.RELEASED:
                continue
            owned = await self._resolver.is_owned(prefix, record, call.reader)
            if owned or record.state is State.ACTIVE:
                items.append(orjson.Fragment(record.document if owned else public_document(record)))
        following = cursor_text(records[-1].folded) if len(records) == query.limit else None
        return answer_json({"items": items, "next": following})

    async def read(self, call: Call) -> KeptAnswer:
        """GET /v1/identifiers/{identifier}."""
        identifier = call.path_as("identifier", Identifier.parse)
        at = call.query_as(RecordQuery).at
        if at is not None:
            await self._require_owner(identifier, call.reader)
            change = await self._changes.find_as_of(Subject.IDENTIFIER, identifier.folded, at)
            if change is None or change.new is None:
                raise NotFound(f"{identifier.text} was not registered at that time")
            return answer_bytes(change.new, version=change.version)
        if call.key is None:
            stored = await self._resolver.resolve(identifier)
            return answer_bytes(_seen(stored, owned=False), version=stored.version)
        stored, owned = await self._resolver.resolve_for(identifier, call.key)
        return answer_bytes(_seen(stored, owned=owned), version=stored.version)

    async def replace(self, call: Call) -> KeptAnswer:
        """PUT /v1/identifiers/{identifier}."""
        content = content_of(call.body_as(ContentIn), now=call.asked.trace.at)
        return await self._revise(call, Operation.REPLACE, content)

    async def patch(self, call: Call) -> KeptAnswer:
        """PATCH /v1/identifiers/{identifier}."""
        patch = patch_of(call.body_as(IdentifierPatch), now=call.asked.trace.at)
        return await self._revise(call, Operation.PATCH, patch)

    async def suspend(self, call: Call) -> KeptAnswer:
        """POST /v1/suspend/{identifier}."""
        return await self._revise(call, Operation.SUSPEND)

    async def history(self, call: Call) -> KeptAnswer:
        """GET /v1/history/{identifier}."""
        identifier = call.path_as("identifier", Identifier.parse)
        await self._require_owner(identifier, call.reader)
        query = call.query_as(PageQuery)
        below = _version_below(query.cursor)
        changes = await self._changes.page(
            Subject.IDENTIFIER, identifier.folded, below_version=below, limit=query.limit
        )
        if not changes and query.cursor is None:
            raise NotFound(f"{identifier.text} was never registered")
        items = [_change_document(change) for change in changes]
        return page_json(items, limit=query.limit, cursors=[str(change.version) for change in changes])

    async def resolve(self, call: Call) -> KeptAnswer:
        """POST /v1/resolve."""
        texts = call.body_as(ResolveIn).identifiers
        parsed = [_parsed(text) for text in texts]
        good = [identifier for identifier in parsed if isinstance(identifier, Identifier)]
        begun = perf_counter_ns()
        resolutions = await self._resolver.resolve_many(good, call.key)
        self._counting.resolved(call.client, resolutions, perf_counter_ns() - begun)
        following = iter(resolutions)
        results = [
            _result(text, next(following)) if isinstance(each, Identifier) else _unresolved(text, each)
            for text, each in zip(texts, parsed, strict=True)
        ]
        return answer_json({"results": results})

    async def _revise(self, call: Call, operation: Operation, body: Content | Patch | None = None) -> KeptAnswer:
        identifier = call.path_as("identifier", Identifier.parse)
        revision = Revision(identifier, operation, body)
        return await self._registry.revise(revision, call.asked, revised_answer)

    async def _require_owner(self, identifier: Identifier, key: ApiKey) -> None:
        """What a record was is its owner's to read. Raises Forbidden."""
        stored = await self._identifiers.find(identifier.folded)
        if stored is None or not await self._resolver.is_owned(identifier.prefix, stored, key):
            key.require_reach(identifier.prefix)
            if stored is not None:
                raise Forbidden("the identifier was transferred to another enterprise; its history is that one's")


def revised_answer(_: Identifier, stored: StoredRecord) -> KeptAnswer:
    """The record that stands after a change."""
    return answer_bytes(stored.document, version=stored.version)


def _registered(identifier: Identifier, stored: StoredRecord) -> KeptAnswer:
    body, warnings = stored.document, identifier.warnings()
    if warnings:
        body = body[:-1] + b',"warnings":' + orjson.dumps(warnings) + b"}"
    location = location_of("identifiers", identifier.text)
    return answer_bytes(body, status=201, version=stored.version, location=location)


def _seen(stored: StoredRecord, *, owned: bool) -> bytes:
    return require_owned(stored).document if owned else public_document(require_public(stored))


def _parsed(text: str) -> Identifier | InvalidIdentifier:
    try:
        return Identifier.parse(text)
    except InvalidIdentifier as error:
        return error


def _result(text: str, resolution: Resolution) -> dict[str, object]:
    if resolution.record is None:
        return _unresolved(text, resolution.problem or NotFound(f"{text} is not registered"))
    try:
        document = _seen(resolution.record, owned=resolution.is_owned)
    except (Suspended, Deleted) as refusal:
        return _unresolved(text, refusal)
    return {"identifier": text, "found": True, "record": orjson.Fragment(document)}


def _unresolved(text: str, problem: IdnodeError) -> dict[str, object]:
    return {"identifier": text, "found": False, "problem": problem_document(problem)}


def _version_below(cursor: str | None) -> int:
    if cursor is None:
        return VALUE_INDEX_MAX
    key = cursor_key(cursor)
    if not (key.isascii() and key.isdigit() and len(key) <= 9):
        raise foreign_cursor(cursor)
    return int(key)


def _change_document(change: Change) -> dict[str, object]:
    trace = change.trace
    return {
        "version": change.version,
        "operation": change.operation,
        "at": instant_text(trace.at),
        "actor": trace.actor,
        "request_id": trace.request_id,
        "old": None if change.old is None else orjson.Fragment(change.old),
        "new": None if change.new is None else orjson.Fragment(change.new),
    }

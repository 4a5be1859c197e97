"""Imports: take a file in as a job, tell how far it is, what became of each row, and hold it up."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from uuid import UUID

import orjson

from idnode.frontends.refusals import BodyTooLarge, MediaRefused
from idnode.frontends.v1.answers import answer_json, location_of, page_json, uuid_after, uuid_of
from idnode.frontends.v1.conditions import single
from idnode.frontends.v1.routes import (
    WRITERS,
    Call,
    HeaderValues,
    Pieces,
    Received,
    Route,
    Streamed,
    WriteQuery,
    only_streams,
)
from idnode.frontends.v1.schemas.imports import ImportOut, ImportPage, ImportQuery, ImportsQuery, import_document
from idnode.model.errors import InvalidInput, MalformedInput, Violation, shown
from idnode.model.identifier import Prefix
from idnode.model.imports import ENDED, Import, ImportFormat, ReadingOptions
from idnode.model.template import TemplateName
from idnode.registry.imports.formats.encoding import encoding_named
from idnode.registry.imports.formats.mapping import mapping_of
from idnode.registry.imports.service import ImportForm, ImportRegistry
from idnode.registry.imports.spool import Receiving
from idnode.storage.idempotency import KeptAnswer

TOPIC = "imports"
NDJSON = "application/x-ndjson"
CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
EVENTS = "text/event-stream"
MEDIA_TYPES: Mapping[str, ImportFormat] = {
    NDJSON: ImportFormat.NDJSON,
    "application/jsonl": ImportFormat.NDJSON,
    CSV: ImportFormat.CSV,
    XLSX: ImportFormat.XLSX,
}
GZIPPED = ("application/gzip", "application/x-gzip")
UNTOLD = ("application/octet-stream", *GZIPPED, None)
"""What says nothing of the format."""
FORMAT_TYPES = {ImportFormat.NDJSON: NDJSON, ImportFormat.CSV: "text/csv; charset=utf-8", ImportFormat.XLSX: XLSX}
EVENT_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0
"""A proxy that hears nothing for longer may end the connection."""
NOBODY = "this host runs no import processes (IDNODE_IMPORT_PROCESSES is 0): it waits for one on the same home"


class Upload:
    """The file of an import as the dispatcher holds it."""

    def __init__(self, id: UUID, receiving: Receiving, form: ImportForm) -> None:
        self.id = id
        self.receiving = receiving
        self.form = form

    @property
    def sha256(self) -> bytes:
        """Of the file."""
        return self.receiving.sha256

    async def give_up(self) -> None:
        """Remove it, unless there is an import of it."""
        await self.receiving.give_up()


class ImportsApi:
    """Handlers: parse, call, render. `bytes_max` is for a file and for its rows; `monotonic` gives seconds."""

    def __init__(
        self, imports: ImportRegistry, *, bytes_max: int, has_processes: bool, monotonic: Callable[[], float]
    ) -> None:
        self._imports = imports
        self._bytes_max = bytes_max
        self._warning = None if has_processes else NOBODY
        self._monotonic = monotonic

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        one = "/v1/imports/{id}"
        return (
            Route("POST", "/v1/imports", "submit_import", "Import a file of any size, in the background", self.submit,
                  WRITERS, ImportOut, 202, query=ImportQuery, topic=TOPIC, receive=self.receive,
                  body_media_types=(NDJSON, CSV, XLSX)),
            Route("GET", "/v1/imports", "list_imports", "List imports, the newest first", self.page,
                  WRITERS, ImportPage, query=ImportsQuery, topic=TOPIC),
            Route("GET", one, "read_import", "How far an import is", self.read, WRITERS, ImportOut, topic=TOPIC),
            *(
                Route("POST", f"{one}/{name}", f"{name}_import", summary, getattr(self, name),
                      WRITERS, ImportOut, query=WriteQuery, topic=TOPIC)
                for name, summary in (
                    ("pause", "Hold an import up after the rows that are being written"),
                    ("resume", "Let a paused import go on"),
                    ("cancel", "End an import; what was committed stands"),
                )
            ),
            Route("GET", f"{one}/events", "follow_import", "Progress as server-sent events, up to the end",
                  only_streams, WRITERS, ImportOut, topic=TOPIC, media_types=(EVENTS,), stream=self.events),
            Route("GET", f"{one}/verdicts", "read_verdicts", "What became of every row, a line each",
                  only_streams, WRITERS, ImportOut, topic=TOPIC, media_types=(NDJSON,), stream=self.verdicts),
            Route("GET", f"{one}/rejected", "read_rejected", "The rejected rows with the reason, to be mended",
                  only_streams, WRITERS, ImportOut, topic=TOPIC, media_types=(NDJSON, CSV, XLSX), stream=self.rejected),
        )  # fmt: skip

    async def receive(self, query: object, headers: HeaderValues, pieces: Pieces) -> Received:
        """The body of POST /v1/imports onto the disk. Raises MediaRefused, BodyTooLarge, InvalidInput, StorageFull."""
        if not isinstance(query, ImportQuery):
            raise TypeError("the route's query is ImportQuery")
        form = _form(query, headers, self._bytes_max)
        self._require_size(int(single("Content-Length", headers("Content-Length")) or 0))
        id, receiving = self._imports.receive()
        upload = Upload(id, receiving, form)
        try:
            async for piece in pieces:
                await receiving.write(piece)
                self._require_size(receiving.size)
            await receiving.finish()
        except BaseException:
            await upload.give_up()
            raise
        return upload

    async def submit(self, call: Call) -> KeptAnswer:
        """POST /v1/imports."""
        upload = call.received
        if not isinstance(upload, Upload):
            raise TypeError("the route receives an upload")
        return await self._imports.submit(upload.id, upload.receiving, upload.form, call.asked, self._accepted)

    async def page(self, call: Call) -> KeptAnswer:
        """GET /v1/imports."""
        query = call.query_as(ImportsQuery)
        found = await self._imports.page(
            call.reader, before=uuid_after(query.cursor), state=query.state, limit=query.limit
        )
        documents = [import_document(job) for job in found]
        return page_json(documents, limit=query.limit, cursors=[str(job.id) for job in found])

    async def read(self, call: Call) -> KeptAnswer:
        """GET /v1/imports/{id}."""
        return self._shown(await self._imports.find(uuid_of(call.path["id"]), call.reader))

    async def pause(self, call: Call) -> KeptAnswer:
        """POST /v1/imports/{id}/pause."""
        return await self._step("pause", call)

    async def resume(self, call: Call) -> KeptAnswer:
        """POST /v1/imports/{id}/resume."""
        return await self._step("resume", call)

    async def cancel(self, call: Call) -> KeptAnswer:
        """POST /v1/imports/{id}/cancel."""
        return await self._step("cancel", call)

    async def events(self, call: Call, headers: HeaderValues) -> Streamed:
        """GET /v1/imports/{id}/events."""
        job = await self._imports.find(uuid_of(call.path["id"]), call.reader)
        seen = single("Last-Event-ID", headers("Last-Event-ID"))
        return Streamed(EVENTS, self._events(job, call, seen), (("Cache-Control", "no-store"),))

    async def verdicts(self, call: Call, _: HeaderValues) -> Streamed:
        """GET /v1/imports/{id}/verdicts."""
        job = await self._imports.find(uuid_of(call.path["id"]), call.reader)
        return Streamed(NDJSON, self._imports.verdict_lines(job, only_refused=False))

    async def rejected(self, call: Call, _: HeaderValues) -> Streamed:
        """GET /v1/imports/{id}/rejected."""
        job = await self._imports.find(uuid_of(call.path["id"]), call.reader)
        self._imports.require_file(job)
        name = f'attachment; filename="rejected-{job.id}.{job.options.format}"'
        return Streamed(FORMAT_TYPES[job.options.format], self._imports.rejected(job), (("Content-Disposition", name),))

    async def _step(self, name: str, call: Call) -> KeptAnswer:
        return await self._imports.step(uuid_of(call.path["id"]), name, call.asked, self._shown)

    async def _events(self, job: Import, call: Call, seen: str | None) -> AsyncGenerator[bytes, None]:
        """One event a second at most, and only when there is something new; a comment when there is not for long."""
        said_at = self._monotonic()
        while job.state not in ENDED:
            if str(job.version) != seen:
                yield self._event("progress", job)
                seen, said_at = str(job.version), self._monotonic()
            elif self._monotonic() - said_at >= HEARTBEAT_SECONDS:
                yield b": still there\n\n"
                said_at = self._monotonic()
            await asyncio.sleep(EVENT_SECONDS)
            job = await self._imports.find(job.id, call.reader)
        yield self._event("done", job)

    def _event(self, name: str, job: Import) -> bytes:
        told = answer_json(self._document(job)).body
        return f"event: {name}\nid: {job.version}\ndata: ".encode() + told + b"\n\n"

    def _require_size(self, size: int) -> None:
        if size > self._bytes_max:
            limit = f"{self._bytes_max} bytes"
            detail = f"the file has {size} bytes or more, the limit is {limit} (IDNODE_IMPORT_BYTES)"
            raise BodyTooLarge(detail, violations=(Violation("", "max-bytes", detail, f"{size} bytes", limit),))

    def _document(self, job: Import) -> dict[str, object]:
        return import_document(job, warning=None if job.state in ENDED else self._warning)

    def _accepted(self, job: Import) -> KeptAnswer:
        location = location_of("imports", str(job.id))
        return answer_json(self._document(job), status=202, version=job.version, location=location)

    def _shown(self, job: Import) -> KeptAnswer:
        return answer_json(self._document(job), version=job.version)


def _form(query: ImportQuery, headers: HeaderValues, bytes_max: int) -> ImportForm:
    media_type = _media_type(headers)
    name = query.name.lower()
    is_gzip = _is_gzip(headers, media_type, name)
    options = ReadingOptions(
        format=_format(query, media_type, name.removesuffix(".gz")),
        is_gzip=is_gzip,
        encoding=None if query.encoding is None else encoding_named(query.encoding).value,
        mapping=None if query.mapping is None else _mapping(query.mapping),
        delimiter=query.delimiter,
        sheet=query.sheet,
        has_header=query.header,
        prefix=query.prefix,
        template=None if query.template is None else _template(query.template),
        bytes_max=bytes_max,
    )
    return ImportForm(query.name, options, query.mode, query.dry_run, query.again)


def _media_type(headers: HeaderValues) -> str | None:
    sent = single("Content-Type", headers("Content-Type"))
    return None if sent is None else sent.partition(";")[0].strip().lower()


def _is_gzip(headers: HeaderValues, media_type: str | None, name: str) -> bool:
    coding = (single("Content-Encoding", headers("Content-Encoding")) or "identity").strip().lower()
    if coding not in ("identity", "gzip", "x-gzip"):
        detail = f"the file is {shown(coding)}; send it as it is, or with Content-Encoding: gzip"
        raise MediaRefused(detail, violations=(Violation("Content-Encoding", "gzip", detail, shown(coding), "gzip"),))
    return coding != "identity" or media_type in GZIPPED or name.endswith(".gz")


def _format(query: ImportQuery, media_type: str | None, name: str) -> ImportFormat:
    if query.format is not None:
        return query.format
    found = MEDIA_TYPES.get(media_type or "")
    if found is None and media_type in UNTOLD:
        found = next((each for each in ImportFormat if name.endswith(f".{each}")), None)
    if found is None:
        limit = ", ".join(MEDIA_TYPES)
        detail = (
            f"what the file is cannot be told from Content-Type {shown(media_type)}: send one of {limit}, or format="
        )
        raise MediaRefused(detail, violations=(Violation("Content-Type", "format", detail, shown(media_type), limit),))
    return found


def _mapping(text: str) -> Mapping[str, object]:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        detail = f"the mapping is no JSON: {error}"
        raise MalformedInput(detail, violations=(Violation("/mapping", "json", detail, shown(text)),)) from None
    if not isinstance(document, dict):
        detail = 'the mapping is an object such as {"identifier": "column"}'
        raise InvalidInput.of([Violation("/mapping", "object", detail, shown(text))])
    try:
        mapping_of(document)
    except InvalidInput as error:
        raise InvalidInput.of([violation.under("/mapping") for violation in error.violations]) from None
    return document


def _template(text: str) -> TemplateName:
    prefix, colon, version = text.partition(":")
    if not colon or not version:
        detail = "names a template as PREFIX:VERSION"
        raise InvalidInput.of([Violation("/template", "template", detail, shown(text))])
    try:
        return TemplateName(Prefix.parse(prefix), version)
    except InvalidInput as error:
        raise InvalidInput.of([violation.under("/template") for violation in error.violations]) from None

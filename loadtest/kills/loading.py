"""Registers one by one, and imports file after file, until told to end; remembers what was acknowledged."""

import asyncio
from dataclasses import dataclass, field

import aiohttp
import orjson

CLIENTS = 8
ANSWER_SECONDS_MAX = 60.0
RETRY_SECONDS = 0.1
IMPORT_SECONDS_MAX = 600.0
VALUES = [{"index": 1, "type": "URL", "data": "https://example.com/"}]
ENDED = ("done", "failed", "cancelled")


@dataclass(slots=True)
class Loaded:
    """Identifiers that were acknowledged singly, and the rows of imports that were accepted."""

    singles: set[str] = field(default_factory=set)
    imports: dict[str, list[str]] = field(default_factory=dict)
    verdicts: dict[str, list[str]] = field(default_factory=dict)
    """By import: the identifiers that its verdicts call registered."""
    failures: list[str] = field(default_factory=list)


class Load:
    """Clients of one node. A request that is not answered is sent again under its Idempotency-Key until it is."""

    def __init__(self, url: str, key: str, prefix: str, *, rows: int) -> None:
        self.loaded = Loaded()
        self.has_to_end = asyncio.Event()
        self._url = url
        self._key = key
        self._prefix = prefix
        self._rows = rows

    async def run(self) -> None:
        """Until `has_to_end`, and until every import that was accepted has ended."""
        headers = {"Authorization": f"Bearer {self._key}"}
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS_MAX)
        async with (
            aiohttp.ClientSession(self._url, headers=headers, timeout=timeout) as session,
            asyncio.TaskGroup() as tasks,
        ):
            for client in range(CLIENTS):
                tasks.create_task(self._register(session, client))
            tasks.create_task(self._import(session))

    async def _register(self, session: aiohttp.ClientSession, client: int) -> None:
        number = 0
        while not self.has_to_end.is_set():
            identifier = f"{self._prefix}/SINGLE-{client}-{number}"
            body = orjson.dumps({"identifier": identifier, "values": VALUES})
            await self._until_answered(session, "/v1/identifiers", body, "application/json", identifier)
            self.loaded.singles.add(identifier)
            number += 1

    async def _import(self, session: aiohttp.ClientSession) -> None:
        number = 0
        while not self.has_to_end.is_set():
            names = [f"{self._prefix}/IMPORT-{number}-{row}" for row in range(self._rows)]
            body = b"".join(orjson.dumps({"identifier": name, "values": VALUES}) + b"\n" for name in names)
            media_type = "application/x-ndjson"
            accepted = await self._until_answered(session, "/v1/imports", body, media_type, f"import-{number}")
            id = str(accepted["id"])
            self.loaded.imports[id] = names
            await self._until_ended(session, id)
            number += 1

    async def _until_ended(self, session: aiohttp.ClientSession, id: str) -> None:
        async with asyncio.timeout(IMPORT_SECONDS_MAX):
            while (state := await self._state(session, id)) not in ENDED:  # noqa: ASYNC110  # the node sets no event
                await asyncio.sleep(RETRY_SECONDS)
        if state != "done":
            self.loaded.failures.append(f"import {id} is {state}")
        lines = orjson.loads(
            b"[%b]" % b",".join((await self._bytes(session, f"/v1/imports/{id}/verdicts")).splitlines())
        )
        self.loaded.verdicts[id] = [line["identifier"] for line in lines if line["code"] == "registered"]

    async def _until_answered(
        self, session: aiohttp.ClientSession, path: str, body: bytes, media_type: str, key: str
    ) -> dict[str, object]:
        headers = {"Content-Type": media_type, "Idempotency-Key": key}
        while True:
            try:
                async with session.post(path, data=body, headers=headers) as response:
                    document: dict[str, object] = orjson.loads(await response.read())
                    if response.status in (201, 202):
                        return document
                    if response.status != 503:
                        self.loaded.failures.append(f"{key}: {response.status} {document.get('detail')}")
                        return document
            except (aiohttp.ClientError, TimeoutError, OSError):
                pass
            await asyncio.sleep(RETRY_SECONDS)

    async def _state(self, session: aiohttp.ClientSession, id: str) -> str:
        return str(orjson.loads(await self._bytes(session, f"/v1/imports/{id}"))["state"])

    async def _bytes(self, session: aiohttp.ClientSession, path: str) -> bytes:
        while True:
            try:
                async with session.get(path) as response:
                    body = await response.read()
                    if response.status == 200:
                        return body
            except (aiohttp.ClientError, TimeoutError, OSError):
                pass
            await asyncio.sleep(RETRY_SECONDS)

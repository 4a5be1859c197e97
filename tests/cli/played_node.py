"""A played node: a real HTTP server on this machine that gives scripted answers and remembers what was asked."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType

import orjson
from aiohttp import web
from typer.testing import CliRunner

from idnode.cli.application import application

KEY = "idn_played"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived."""

    method: str
    target: str
    body: bytes
    key: str | None
    idempotency_key: str | None

    @property
    def document(self) -> object:
        """The body as JSON."""
        document: object = orjson.loads(self.body)
        return document


@dataclass(frozen=True, slots=True)
class Said:
    """One answer."""

    status: int
    document: object
    headers: dict[str, str] = field(default_factory=dict)


Act = Callable[[Asked], Said]


class PlayedNode:
    """Answers `METHOD /path`; what is not scripted is answered as the node answers an unknown route."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self._acts: dict[str, Act] = {}

    def plays(self, request: str, act: Act) -> None:
        """Answer `request` (as in "GET /v1/keys") by what `act` says."""
        self._acts[request] = act

    def says(self, request: str, *answers: Said) -> None:
        """Answer `request` with these in turn, the last one for ever."""
        remaining = list(answers)
        self.plays(request, lambda _asked: remaining.pop(0) if len(remaining) > 1 else remaining[0])

    async def handle(self, request: web.Request) -> web.Response:
        """Any request."""
        asked = Asked(
            method=request.method,
            target=request.raw_path,
            body=await request.read(),
            key=request.headers.get("Authorization"),
            idempotency_key=request.headers.get("Idempotency-Key"),
        )
        self.asked.append(asked)
        act = self._acts.get(f"{asked.method} {asked.target.partition('?')[0]}")
        said = problem(404, "no-such-route", f"there is nothing at {asked.target}") if act is None else act(asked)
        body = said.document if isinstance(said.document, bytes) else orjson.dumps(said.document)
        return web.Response(status=said.status, body=body, content_type="application/json", headers=said.headers)


@contextmanager
def played_node() -> Iterator[PlayedNode]:
    """A played node that listens, in a thread of its own, for the length of a block."""
    node = PlayedNode()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    runner = asyncio.run_coroutine_threadsafe(_started(node), loop).result(10)
    try:
        yield node
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _started(node: PlayedNode) -> web.AppRunner:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", node.handle)
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    node.url = f"http://{host}:{port}"
    return runner


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended and what it said."""

    exit: int
    out: str
    error: str

    @property
    def document(self) -> object:
        """Standard output as one JSON document."""
        document: object = orjson.loads(self.out)
        return document

    @property
    def lines(self) -> list[object]:
        """Standard output as NDJSON."""
        return [orjson.loads(line) for line in self.out.splitlines()]


def idnode(
    *arguments: str,
    node: PlayedNode | None = None,
    stdin: bytes | None = None,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Ended:
    """Run a command, against `node` if there is one, with `variables` for its settings."""
    environment: dict[str, str | None] = dict.fromkeys(name for name in os.environ if name.startswith("IDNODE_"))
    if node is not None:
        environment |= {"IDNODE_URL": node.url, "IDNODE_KEY": KEY}
    result = CliRunner().invoke(application, list(arguments), input=stdin, env=environment | dict(variables))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ended(result.exit_code, result.stdout, result.stderr)


def problem(status: int, code: str, detail: str, *errors: dict[str, str]) -> Said:
    """A problem document as the node writes it."""
    document: dict[str, object] = {
        "type": f"urn:idnode:problem:{code}",
        "title": "A title",
        "status": status,
        "detail": detail,
    }
    return Said(status, document | ({"errors": list(errors)} if errors else {}))


def record(identifier: str, **members: object) -> dict[str, object]:
    """A record as the node shows it."""
    document: dict[str, object] = {
        "identifier": identifier,
        "prefix": identifier.partition("/")[0],
        "version": 1,
        "state": "active",
        "template": None,
        "attributes": {},
        "created": "2026-01-15T09:30:00.000Z",
        "updated": "2026-01-15T09:30:00.000Z",
        "values": [],
    }
    return document | members


def template(version: str = "rolls-1.0", **members: object) -> dict[str, object]:
    """A template as the node shows it: a width, layers, a boolean."""
    document: dict[str, object] = {
        "prefix": "88.118.8",
        "version": version,
        "title": "Rolls",
        "description": None,
        "industry": "C1713",
        "carrier": "other",
        "items": [
            item(2000, "width", "number", unit="cm", minimum=1),
            item(2001, "layers", "integer", required=True),
            item(2002, "is_dyed", "boolean"),
            item(2003, "lot", "string", enabled=False),
        ],
        "checks": [],
        "state": "active",
        "revision": 1,
        "created": "2026-01-15T09:30:00.000Z",
        "updated": "2026-01-15T09:30:00.000Z",
    }
    return document | members


def item(index: int, name: str, kind: str, **members: object) -> dict[str, object]:
    """An item of a template."""
    named: dict[str, object] = {"index": index, "name": name, "title": name, "type": kind}
    return named | {"required": False, "enabled": True} | members

"""A real PostgreSQL for the whole run, a fresh database for each test, and a whole node to call over HTTP."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path

import asyncpg
import pytest
import structlog
import uvloop
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.typedefs import StrOrURL
from aiohttp.web import Application
from harness import NodeUnderTest
from yarl import URL

from idnode.app import compose
from idnode.app_answering import answering
from idnode.app_node import running
from idnode.config import Settings
from idnode.lifecycle import listening_socket, now
from idnode.storage.database import Database
from idnode.storage.embedded import EmbeddedPostgres
from idnode.storage.migrate import migrate


class ThroughFront(TestServer):
    """An application on a port of its own; its client calls the front on another one."""

    def __init__(self, application: Application, *, front_port: int) -> None:
        super().__init__(application)
        self._front_port = front_port

    def make_url(self, path: StrOrURL) -> URL:
        """A path as the client calls it."""
        return URL(f"http://127.0.0.1:{self._front_port}").join(URL(path))


TEMPLATE_DATABASE = "migrated"
_numbers = count(1)


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Tests run on the loop that the node runs on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """A test that sets up logging leaves none of it to the next."""
    library = logging.getLogger()
    handlers, level = library.handlers, library.level
    yield
    library.handlers, library.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """The server, with a migrated database to copy."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("idnode"), durable=False)
    asyncio.run(_prepare(server))
    yield server
    asyncio.run(server.stop())


@pytest.fixture
async def empty_dsn(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """A fresh database without a schema."""
    async for dsn in _fresh_database(postgres, "template1"):
        yield dsn


@pytest.fixture
async def dsn(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """A fresh, migrated database."""
    async for fresh in _fresh_database(postgres, TEMPLATE_DATABASE):
        yield fresh


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    """A pool on a fresh, migrated database."""
    opened = await Database.open(dsn, connections_max=6)
    yield opened
    await opened.close()


@pytest.fixture
async def node(database: Database, dsn: str, tmp_path: Path) -> AsyncIterator[NodeUnderTest]:
    """A node without demo data: own prefix 88.118, shipped templates, one admin key."""
    settings = Settings(home=tmp_path, seed="none", body_seconds=1, drain_seconds=1)
    async for served in serve_node(settings, database, dsn):
        yield served


async def serve_node(settings: Settings, database: Database, dsn: str) -> AsyncIterator[NodeUnderTest]:
    """A node served by both ways: the client's requests go through the front, `aiohttp_port` leads past it."""
    composed = compose(settings, database, dsn)
    stopping = asyncio.Event()

    async def run() -> None:
        async with running(composed):
            await stopping.wait()

    background = asyncio.create_task(run())
    await composed.first_run.ensure_node()
    secrets: list[str] = []
    await composed.first_run.ensure_admin_key(secrets.append)
    with listening_socket("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        async with answering(composed, settings, listener):
            server = ThroughFront(composed.application, front_port=port)
            await server.start_server(auto_decompress=False)
            async with TestClient(server) as client:
                yield NodeUnderTest(composed, client, secrets[0], port, server.port or 0)
    stopping.set()
    await background


async def _prepare(server: EmbeddedPostgres) -> None:
    dsn = await server.start()
    connection = await asyncpg.connect(dsn)
    await connection.execute(f"CREATE DATABASE {TEMPLATE_DATABASE}")
    await connection.close()
    database = await Database.open(_dsn_of(dsn, TEMPLATE_DATABASE), connections_max=2)
    await migrate(database, today=now().date())
    await database.close()


async def _fresh_database(server: EmbeddedPostgres, template: str) -> AsyncIterator[str]:
    name = f"test_{next(_numbers)}"
    connection = await asyncpg.connect(server.dsn)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield _dsn_of(server.dsn, name)
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


def _dsn_of(dsn: str, database: str) -> str:
    return dsn.replace("/idnode?", f"/{database}?", 1)

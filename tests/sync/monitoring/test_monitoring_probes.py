"""Real probes: against a node, and against servers that hang, refuse, fail or say something else."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from harness import NodeUnderTest

from idnode.lifecycle import listening_socket, new_id, new_secret, now
from idnode.model.identifier import Prefix
from idnode.registry.directory_writes import DirectoryWriter
from idnode.registry.keys import KeyRegistry
from idnode.registry.metrics import RegistryCounters
from idnode.registry.process_key import ProcessKey
from idnode.storage.database import Database
from idnode.storage.keys import KeyStore
from idnode.storage.monitoring import NODE, SITE, HostedIdentifier, ProbeKind, Site
from idnode.storage.monitoring_events import EventKind
from idnode.sync.monitoring.judging import Fault, Probed
from idnode.sync.monitoring.probes import Prober, probing_session

OWN = Prefix.parse("88.118")


class Known:
    """A secret that is there, and whether it was refused."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self.discarded = 0

    async def secret(self) -> str:
        return self._secret

    def discard(self) -> None:
        self.discarded += 1


@asynccontextmanager
async def prober(
    *points: str, credential: Known | ProcessKey | None = None, seconds_max: float = 5.0
) -> AsyncIterator[Prober]:
    async with probing_session() as session:
        yield Prober(
            session,
            points,
            credential or Known("idn_known"),
            own="88.118",
            nanoseconds=time.perf_counter_ns,
            seconds_max=seconds_max,
        )


def faults(probed: list[Probed]) -> dict[ProbeKind, Fault | None]:
    return {each.kind: each.fault for each in probed}


def process_key(database: Database) -> ProcessKey:
    writer = DirectoryWriter(database, RegistryCounters(), committed=lambda _: None, now=now, new_id=new_id)
    return ProcessKey(KeyRegistry(KeyStore(database), writer, new_secret=new_secret), name="probe", prefix=OWN, now=now)


async def test_a_node_is_resolved_and_registered_with_a_key_that_ends_with_the_process(
    node: NodeUnderTest, database: Database
) -> None:
    url = f"http://127.0.0.1:{node.port}"
    key = process_key(database)

    async with prober(url, f"{url}/", credential=key) as probes:
        first = await probes.probe([], None)
        second = await probes.probe([], None)
    listed = (await (await node.call("GET", "/v1/keys")).json())["items"]
    await key.close()
    keys = (await (await node.call("GET", "/v1/keys")).json())["items"]

    assert [(each.point, each.kind, each.subject, each.fault) for each in first] == [
        (url, ProbeKind.REGISTRATION, NODE, None),
        (url, ProbeKind.RESOLUTION, NODE, None),
        (url, ProbeKind.REGISTRATION, NODE, None),
        (url, ProbeKind.RESOLUTION, NODE, None),
    ]
    assert {each.fault for each in second} == {None}
    assert all(0 < each.latency_us < 5_000_000 for each in (*first, *second))
    assert (await (await node.call("GET", "/v1/identifiers/88.118/probe-2")).json())["version"] == 2
    assert [(each["name"], each["role"], each["prefixes"], each["revoked"]) for each in listed[1:]] == [
        ("probe", "enterprise", ["88.118"], None)
    ]
    assert keys[1]["revoked"] is not None


async def test_a_key_that_was_revoked_is_replaced(node: NodeUnderTest, database: Database) -> None:
    key = process_key(database)
    async with prober(f"http://127.0.0.1:{node.port}", credential=key) as probes:
        await probes.probe([], None)
        made = (await (await node.call("GET", "/v1/keys")).json())["items"][1]["id"]
        assert (await node.call("DELETE", f"/v1/keys/{made}")).status == 200
        refused = faults(await probes.probe([], None))
        after = faults(await probes.probe([], None))

    assert refused == {ProbeKind.REGISTRATION: Fault(EventKind.OTHER, "HTTP 401"), ProbeKind.RESOLUTION: None}
    assert after == {ProbeKind.REGISTRATION: None, ProbeKind.RESOLUTION: None}


async def test_an_enterprise_is_probed_by_its_identifier_or_by_the_ports_of_its_site(node: NodeUnderTest) -> None:
    await node.prefix()
    await node.identifier()
    with listening_socket("127.0.0.1", 0) as open_port, listening_socket("127.0.0.1", 0) as closed:
        port, closed_port = open_port.getsockname()[1], closed.getsockname()[1]
        closed.close()
        sites = [Site("88.118.9", "127.0.0.1", (port,)), Site("88.118.10", "127.0.0.1", (port, closed_port))]
        async with prober(f"http://127.0.0.1:{node.port}", credential=Known(node.admin_key)) as probes:
            found = await probes.probe(sites, HostedIdentifier("88.118.8", "88.118.8/JX-1"))

    assert [(each.subject, each.point == SITE, each.fault) for each in found[2:]] == [
        ("88.118.9", True, None),
        ("88.118.10", True, Fault(EventKind.NETWORK, "connection refused")),
        ("88.118.8", False, None),
    ]


async def test_where_nothing_listens_the_network_is_at_fault() -> None:
    with listening_socket("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]

    async with prober(f"http://127.0.0.1:{port}") as probes:
        found = faults(await probes.probe([], None))

    assert found == dict.fromkeys(ProbeKind, Fault(EventKind.NETWORK, "connection refused"))


async def test_a_server_that_takes_connections_and_never_answers_is_at_fault_itself() -> None:
    with listening_socket("127.0.0.1", 0) as listener:
        async with prober(f"http://127.0.0.1:{listener.getsockname()[1]}", seconds_max=0.1) as probes:
            found = faults(await probes.probe([], None))

    assert found == dict.fromkeys(ProbeKind, Fault(EventKind.SYSTEM, "no answer in time"))


async def test_a_server_that_hangs_up_is_a_lost_connection() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server, prober(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as probes:
        found = faults(await probes.probe([], None))

    assert {fault.kind for fault in found.values() if fault is not None} == {EventKind.NETWORK}
    assert len(found) == 2


@asynccontextmanager
async def answering(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


async def test_a_server_that_fails_is_at_fault_itself_and_one_that_says_something_else_is_not() -> None:
    answers = iter([web.Response(status=500), web.Response(status=503), web.Response(), web.Response(text="no JSON")])

    async def answer(_: web.Request) -> web.Response:
        return next(answers)

    async with answering(answer) as url, prober(url) as probes:
        failing = faults(await probes.probe([], None))
        foreign = faults(await probes.probe([], None))

    assert failing == {
        ProbeKind.REGISTRATION: Fault(EventKind.SYSTEM, "HTTP 500"),
        ProbeKind.RESOLUTION: Fault(EventKind.SYSTEM, "HTTP 503"),
    }
    assert foreign == {
        ProbeKind.REGISTRATION: None,
        ProbeKind.RESOLUTION: Fault(EventKind.OTHER, "no answer of the Handle interface"),
    }


async def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(1 << 16))

    async with answering(answer) as url, prober(url) as probes:
        found = faults(await probes.probe([], None))

    assert found == dict.fromkeys(ProbeKind, Fault(EventKind.NETWORK, "connection lost"))


async def test_a_redirect_is_not_followed_with_the_key() -> None:
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    async with answering(answer) as url, prober(url) as probes:
        found = faults(await probes.probe([], None))

    assert found == dict.fromkeys(ProbeKind, Fault(EventKind.OTHER, "HTTP 302"))
    assert seen == ["/v1/identifiers/88.118/probe-1", "/api/handles/88.118/probe-1"]

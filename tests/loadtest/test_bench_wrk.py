import asyncio
import os
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from loadtest.bench import CannotMeasure
from loadtest.bench.processes import GENERATOR_CORE
from loadtest.bench.programs import path_of
from loadtest.bench.servers import Server
from loadtest.bench.wrk import Load, read_report, run

LOAD = Load("read", 64, {}, answer_bytes=100)
GOOD = (
    '{"requests":1000,"bytes":100000,"microseconds":2000000,"p50_microseconds":250,"p99_microseconds":1500,'
    '"refused":0,"connect":0,"read":0,"write":0,"timeout":0}'
)

needs_wrk = pytest.mark.skipif(
    path_of("wrk") is None or GENERATOR_CORE not in os.sched_getaffinity(0), reason="needs wrk and a second core"
)


def read(line: str, load: Load = LOAD) -> object:
    output = f"Running 2s test @ http://127.0.0.1/\n  64 connections\nREPORT {line}\n"
    return read_report(output, load, server_name="nginx", server_seconds=1.8, generator_busy=0.3)


def test_the_report_is_a_rate_two_latencies_and_how_busy_both_sides_were() -> None:
    report = read_report(f"x\nREPORT {GOOD}\n", LOAD, server_name="nginx", server_seconds=1.8, generator_busy=0.3)

    assert (report.rate, report.p50_milliseconds, report.p99_milliseconds) == (500.0, 0.25, 1.5)
    assert (report.server_busy, report.generator_busy) == (0.9, 0.3)


def test_an_answer_of_400_and_above_fails_the_measurement_with_its_count() -> None:
    with pytest.raises(CannotMeasure, match="against nginx: of 1000 requests 7 answers of 400 and above"):
        read(GOOD.replace('"refused":0', '"refused":7'))


@pytest.mark.parametrize("fault", ["connect", "read", "write", "timeout"])
def test_a_broken_connection_fails_the_measurement(fault: str) -> None:
    with pytest.raises(CannotMeasure, match=f"3 {fault}"):
        read(GOOD.replace(f'"{fault}":0', f'"{fault}":3'))


def test_no_answer_at_all_is_no_rate_of_zero() -> None:
    with pytest.raises(CannotMeasure, match="no answer at all"):
        read(GOOD.replace('"requests":1000,"bytes":100000', '"requests":0,"bytes":0'))


def test_answers_of_another_size_than_the_one_that_was_looked_at_are_noticed() -> None:
    # 64 connections may each have had part of one answer: 6,400 bytes are no proof, more are.
    read(GOOD.replace("100000", "106400"))

    with pytest.raises(CannotMeasure, match=r"answers of 106\.4 bytes, not 100"):
        read(GOOD.replace("100000", "106401"))


def test_output_without_a_report_is_shown() -> None:
    with pytest.raises(CannotMeasure, match="unable to connect"):
        read_report("unable to connect\n", LOAD, server_name="nginx", server_seconds=0, generator_busy=0)


# wrk's shortest run is one second.


@needs_wrk
async def test_one_request_in_twenty_registers_an_identifier_that_no_other_one_does() -> None:
    reads: list[str] = []
    registrations: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        if request.method == "POST":
            assert request.headers["Authorization"] == "Bearer secret"
            registrations.append((await request.json())["identifier"])
        else:
            reads.append(request.path)
        return web.Response()

    await _loaded(answer, "mixed", target="/api/handles/a/B", first=10_000_000, keys=1_000, key="secret",
                  body='{"identifier":"a/M0-{n}"}')  # fmt: skip

    assert len(reads) / (len(reads) + len(registrations)) == pytest.approx(0.95, abs=0.001)
    assert len(set(registrations)) == len(registrations)
    assert set(reads) <= {f"/api/handles/a/B{number}" for number in range(10_000_000, 10_001_000)}
    assert len(set(reads)) > 500


@needs_wrk
async def test_traced_requests_carry_a_trace_header_that_no_other_one_has() -> None:
    traces: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        traces.append(request.headers["traceparent"])
        return web.Response()

    await _loaded(answer, "traced", target="/api/handles/a/B", first=10_000_000, keys=1_000)

    assert len(set(traces)) == len(traces)
    assert {len(trace) for trace in traces} == {55}


async def _loaded(answer: Callable[[web.Request], Awaitable[web.Response]], kind: str, **options: str | int) -> None:
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", answer)
    async with TestServer(application) as server:
        assert server.port is not None
        ours = Server("a handler", server.port, os.getpid())
        await asyncio.to_thread(run, ours, Load(kind, 8, options), seconds=1, seed=1)

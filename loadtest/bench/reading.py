"""Measurements of resolution: hot beside nginx and aiohttp, cold over many rows, and in batches."""

import json
from dataclasses import dataclass, field
from statistics import median

from idnode.config import CACHE_BYTES_MIN
from loadtest.bench import CannotMeasure
from loadtest.bench.bulk import FIRST, STEM
from loadtest.bench.raw_http import Answer, Connection, get
from loadtest.bench.rounds import Bench
from loadtest.bench.rows import NGINX_ALONE, Goal, Row, rate_row, ratio_at_least, value_at_least, value_below, value_row
from loadtest.bench.servers import Node, nginx, plain_aiohttp
from loadtest.bench.wrk import Load, Report

HOT_KEYS = 100_000
HANDLES = f"/api/handles/{STEM}"
COLD_CONNECTIONS = 128
BATCH = 1_000
BATCH_CONNECTIONS = 8
PIPELINED = 16
"""As in requests.lua."""


@dataclass(frozen=True, slots=True)
class Case:
    """One way of asking for what is in memory, what is asked of it beside nginx, and what was seen."""

    name: str
    kind: str
    connections: int
    goal: Goal
    pipelined: int = 1
    reports: list[Report] = field(default_factory=list)
    constant: list[Report] = field(default_factory=list)

    def load(self, answer: Answer) -> Load:
        """What to ask, when this is the answer."""
        return Load(self.kind, self.connections, reads(HOT_KEYS), answer.size, self.pipelined)


def hot(bench: Bench) -> list[Row]:
    """GET /api/handles of 100,000 identifiers that have been asked for before."""
    cases = (
        Case("hot, 64 connections", "read", 64, ratio_at_least(0.80)),
        Case("hot, 512 connections", "read", 512, ratio_at_least(0.70)),
        Case("hot, each with a new trace header", "traced", 64, ratio_at_least(0.50)),
        Case(f"hot, {PIPELINED} pipelined", "pipelined", 64, ratio_at_least(3.0), PIPELINED),
    )
    first, plain_reports = cases[0], []
    with bench.node() as node:
        answer = warm(bench, node)
        with nginx(bench.folder, answer) as constant, plain_aiohttp(answer) as plain:
            plain_answer = get(plain.port, HANDLES)
            for number in range(bench.rounds):
                plain_reports.append(bench.load(first.name, plain, first.load(plain_answer), number))
                for case in cases:
                    case.constant.append(bench.load(case.name, constant, case.load(answer), number))
                    case.reports.append(bench.load(case.name, node, case.load(answer), number))
    beside_nginx, beside_aiohttp = "nginx, the same bytes", "plain aiohttp, the same body"
    return [
        *(rate_row(case.name, case.reports, case.goal, beside=case.constant, yardstick=beside_nginx) for case in cases),
        rate_row(first.name, first.reports, ratio_at_least(3.0), beside=plain_reports, yardstick=beside_aiohttp),
        *(rate_row(f"{NGINX_ALONE}{case.name}", case.constant) for case in cases),
    ]


def cold(bench: Bench) -> list[Row]:
    """GET /api/handles of all rows, past a cache that holds next to none of them."""
    name = f"cold, {bench.rows:,} rows, {COLD_CONNECTIONS} connections"
    with bench.node(cache_bytes=CACHE_BYTES_MIN) as node:
        size = get(node.port, f"{HANDLES}{FIRST}").size
        load = Load("read", COLD_CONNECTIONS, reads(bench.rows), size)
        reports = [bench.load(name, node, load, number) for number in range(bench.rounds)]
    p99 = median(report.p99_milliseconds for report in reports)
    return [
        rate_row(name, reports, value_at_least(45_000)),
        value_row(f"{name}: p99", p99, "ms", value_below(10, "ms")),
    ]


def batch(bench: Bench) -> list[Row]:
    """POST /v1/resolve of 1,000 identifiers at once, past the cache."""
    name = f"identifiers resolved in batches of {BATCH:,}, {BATCH_CONNECTIONS} connections"
    reports, rates = [], []
    with bench.node(cache_bytes=CACHE_BYTES_MIN) as node:
        options: dict[str, str | int] = {"target": STEM, "first": FIRST, "keys": bench.rows}
        load = Load("batch", BATCH_CONNECTIONS, options, _batch_answer(node).size)
        for number in range(bench.rounds):
            rates.append(bench.yardstick("reads", FIRST, bench.rows, bench.seconds))
            reports.append(bench.load(name, node, load, number))
    return [rate_row(name, reports, rates=rates, yardstick="the same `= ANY` read over asyncpg", times=BATCH)]


def reads(keys: int) -> dict[str, str | int]:
    """Options of requests.lua for reading the first of the synthetic rows."""
    return {"target": HANDLES, "first": FIRST, "keys": keys}


def warm(bench: Bench, node: Node) -> Answer:
    """Ask for all HOT_KEYS once; one of the answers."""
    bench.tell(f"asking for {HOT_KEYS:,} identifiers")
    with Connection(node.port) as connection:
        connection.ask_each(f"{HANDLES}{number}" for number in range(FIRST, FIRST + HOT_KEYS))
        return connection.ask("GET", f"{HANDLES}{FIRST}")


def _batch_answer(node: Node) -> Answer:
    document = {"identifiers": [f"{STEM}{number}" for number in range(FIRST, FIRST + BATCH)]}
    with Connection(node.port) as connection:
        answer = connection.ask("POST", "/v1/resolve", document=document)
    found = sum(result["found"] for result in json.loads(answer.body)["results"])
    if found != BATCH:
        raise CannotMeasure(f"a batch of {BATCH} identifiers that are registered finds {found}")
    return answer

"""Measurements of what writes cost: registrations, reads with writes among them, and how soon everyone knows."""

import json
from collections.abc import Mapping
from statistics import median

from loadtest.bench import freshness
from loadtest.bench.bulk import PREFIX
from loadtest.bench.reading import HOT_KEYS, reads, warm
from loadtest.bench.rounds import Bench
from loadtest.bench.rows import NO_GOAL, Row, rate_row, ratio_at_least, value_at_least, value_below, value_row
from loadtest.bench.servers import Node
from loadtest.bench.wrk import Load, Report

CONNECTIONS = 64
REGISTRATIONS_PER_SECOND_MIN = 12_000
BATCH_ROWS = 1_000
"""As requests.lua has it."""
BATCH_CONNECTIONS = 8
BATCH_WORKERS = (1, 2)
_FIBRES = {"fibre_composition": [{"fibre": "cotton", "percent": 60}, {"fibre": "polyester", "percent": 40}]}
ROWS_PER_SECOND_MIN = 40_000
FRESHNESS_WRITES = 500
FRESHNESS_WORKERS = 2
_P99 = value_below(25, "ms")


def mixed(bench: Bench) -> list[Row]:
    """Of twenty requests one is a registration, the others are hot reads."""
    name = f"95 % hot reads, 5 % registrations, {CONNECTIONS} connections"
    only, alone, together = "only the reads", [], []
    with bench.node() as node:
        answer = warm(bench, node)
        for number in range(bench.rounds):
            only_reads = Load("read", CONNECTIONS, reads(HOT_KEYS), answer.size)
            alone.append(bench.load(only, node, only_reads, number))
            both = Load("mixed", CONNECTIONS, {**reads(HOT_KEYS), **_writes(node, _one_value(f"M{number}"))})
            together.append(bench.load(name, node, both, number))
    return [rate_row(name, together, ratio_at_least(0.6), beside=alone, yardstick=only)]


def register(bench: Bench) -> list[Row]:
    """POST /v1/identifiers: durable, one identifier each."""
    upserts: list[float] = []
    reports: dict[str, list[Report]] = {kind: [] for kind in KINDS}
    with bench.node() as node:
        for number in range(bench.rounds):
            upserts.append(bench.yardstick("upserts", bench.seconds, standard_input=nine_attributes("").encode()))
            for place, (kind, body) in enumerate(KINDS.items()):
                reports[kind].append(registering(bench, node, body(f"R{place}-{number}"), number))
    yardstick, goal = "single durable upserts over asyncpg, 32 in flight", value_at_least(REGISTRATIONS_PER_SECOND_MIN)
    name = f"register, durable, {CONNECTIONS} connections: "
    return [
        *(
            rate_row(name + kind, seen, goal if kind == CHECKED else NO_GOAL, rates=upserts, yardstick=yardstick)
            for kind, seen in reports.items()
        ),
        value_row(f"{name}{CHECKED}: p99", median(report.p99_milliseconds for report in reports[CHECKED]), "ms", _P99),
    ]


def registering(bench: Bench, node: Node, body: str, number: int) -> Report:
    """One run of registrations."""
    return bench.load("register", node, Load("register", CONNECTIONS, _writes(node, body)), number)


def batch_write(bench: Bench) -> list[Row]:
    """POST /v1/identifiers:batch, durable, by one worker and by two."""
    rows = []
    for workers in BATCH_WORKERS:
        with bench.node(workers=workers) as node:
            for place, kind in enumerate((CHECKED, NINE)):
                reports = []
                for number in range(bench.rounds):
                    body = KINDS[kind](f"W{workers}-{place}-{number}")
                    reports.append(bench.load(kind, node, Load("rows", BATCH_CONNECTIONS, _writes(node, body)), number))
                name = f"rows in batches of {BATCH_ROWS:,}, {BATCH_CONNECTIONS} connections, workers {workers}: {kind}"
                goal = value_at_least(ROWS_PER_SECOND_MIN) if kind == CHECKED else NO_GOAL
                rows.append(rate_row(name, reports, goal, times=BATCH_ROWS))
    return rows


def fresh(bench: Bench) -> list[Row]:
    """From the acknowledgement of a write until all workers answer it."""
    seconds: list[float] = []
    with bench.node(workers=FRESHNESS_WORKERS) as node:
        for number in range(bench.rounds):
            bench.tell(f"freshness, round {number + 1} of {bench.rounds}: {node.workers} workers")
            seconds += freshness.lags(node, f"{PREFIX}/FRESH-{number}", writes=FRESHNESS_WRITES)
    # One worker drops what it has written itself: that says nothing about telling others.
    goal = value_below(5, "ms") if node.workers >= FRESHNESS_WORKERS else NO_GOAL
    name = f"acknowledged, then answered by all of {node.workers} workers"
    return [
        value_row(f"{name}: p99", freshness.percentile(seconds, 99) * 1e3, "ms", goal),
        value_row(f"{name}: median", median(seconds) * 1e3, "ms"),
    ]


def _writes(node: Node, body: str) -> dict[str, str | int]:
    return {"key": node.key, "body": body}


def _one_value(series: str) -> str:
    values = [{"index": 1, "type": "URL", "data": {"format": "string", "value": "https://example.com/product"}}]
    return json.dumps({"identifier": f"{PREFIX}/{series}-{{n}}", "values": values})


def required_attributes(series: str) -> str:
    """A registration as requests.lua takes it, `{n}` being the record's number: what the template requires."""
    return _registration(series, {"product_name": "精梳棉府绸", "manufacturer": "示例纺织有限公司", **_FIBRES})


def nine_attributes(series: str) -> str:
    """The same with nine attributes, which make a record of 1.8 KB."""
    more = {
        "product_type": "棉织物",
        "product_name": "精梳棉府绸",
        "manufacturer": "示例纺织有限公司",
        "produced_at": "2026-01-05",
        **_FIBRES,
        "width": 150,
        "mass_per_area": 120,
        "dye_lot": "DL26010501",
        "roll_number": "R{n}",
    }
    return _registration(series, more)


def _registration(series: str, attributes: Mapping[str, object]) -> str:
    template = {"prefix": "88.118", "version": "textiles-1.0"}
    document = {"identifier": f"{PREFIX}/{series}-{{n}}", "template": template, "attributes": attributes}
    return json.dumps(document, ensure_ascii=False)


PLAIN, CHECKED, NINE = "one value", "what its template requires, checked", "nine attributes, checked"
KINDS = {PLAIN: _one_value, CHECKED: required_attributes, NINE: nine_attributes}

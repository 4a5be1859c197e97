"""Measurements of what writes cost: registrations, reads with writes among them, and how soon everyone knows."""

import json
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
    plain, checked, upserts = [], [], []
    plain_name, checked_name = (
        f"register one record of {what}, durable, {CONNECTIONS} connections"
        for what in ("one value", "nine checked attributes")
    )
    with bench.node() as node:
        for number in range(bench.rounds):
            upserts.append(bench.yardstick("upserts", bench.seconds, standard_input=nine_attributes("").encode()))
            load = Load("register", CONNECTIONS, _writes(node, _one_value(f"P{number}")))
            plain.append(bench.load(plain_name, node, load, number))
            checked.append(registering(bench, node, f"V{number}", number))
    yardstick = "single durable upserts over asyncpg, 32 in flight"
    goal = value_at_least(REGISTRATIONS_PER_SECOND_MIN)
    return [
        rate_row(plain_name, plain, goal, rates=upserts, yardstick=yardstick),
        rate_row(checked_name, checked, goal, rates=upserts, yardstick=yardstick),
        value_row(f"{checked_name}: p99", median(report.p99_milliseconds for report in checked), "ms", _P99),
    ]


def registering(bench: Bench, node: Node, series: str, number: int) -> Report:
    """One run of registrations of nine checked attributes each; `series` tells them from those of other runs."""
    load = Load("register", CONNECTIONS, _writes(node, nine_attributes(series)))
    return bench.load("register, nine checked attributes", node, load, number)


def batch_write(bench: Bench) -> list[Row]:
    """POST /v1/identifiers:batch: rows of nine checked attributes, durable, by one worker and by two."""
    rows = []
    for workers in BATCH_WORKERS:
        name = f"rows/s in batches of {BATCH_ROWS:,}, nine checked attributes, {BATCH_CONNECTIONS} connections"
        name += f", workers: {workers}"
        with bench.node(workers=workers) as node:
            reports = []
            for number in range(bench.rounds):
                load = Load("rows", BATCH_CONNECTIONS, _writes(node, nine_attributes(f"W{workers}-{number}")))
                reports.append(bench.load(name, node, load, number))
        rows.append(rate_row(name, reports, value_at_least(ROWS_PER_SECOND_MIN), times=BATCH_ROWS))
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


def nine_attributes(series: str) -> str:
    """A registration as requests.lua takes it: `{n}` stands for the number of the record."""
    attributes = {
        "product_type": "棉织物",
        "product_name": "精梳棉府绸",
        "manufacturer": "示例纺织有限公司",
        "produced_at": "2026-01-05",
        "fibre_composition": [{"fibre": "cotton", "percent": 60}, {"fibre": "polyester", "percent": 40}],
        "width": 150,
        "mass_per_area": 120,
        "dye_lot": "DL26010501",
        "roll_number": "R{n}",
    }
    template = {"prefix": "88.118", "version": "textiles-1.0"}
    document = {"identifier": f"{PREFIX}/{series}-{{n}}", "template": template, "attributes": attributes}
    return json.dumps(document, ensure_ascii=False)

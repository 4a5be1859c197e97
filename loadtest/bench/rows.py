"""Rows of the table: what was measured beside its yardstick, whether it is enough, and on whose core the limit was."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from rich.table import Table

from loadtest.bench.wrk import Report

PER_SECOND = "1/s"
NGINX_ALONE = "nginx: "
"""What rows of nginx by itself are called: what wrk can do on this machine."""
BUSY_MIN = 0.9
"""A core that is busier than this is taken for the limit."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What the project asks for, in words and as a test of value and ratio."""

    text: str
    is_met: Callable[[float, float | None], bool]


def value_at_least(limit: float, unit: str = PER_SECOND) -> Goal:
    """In the row's unit."""
    return Goal(f"at least {limit:,.0f} {unit}", lambda value, _: value >= limit)


def value_below(limit: float, unit: str) -> Goal:
    """In the row's unit."""
    return Goal(f"below {limit:,.0f} {unit}", lambda value, _: value < limit)


def value_at_most(limit: float, unit: str) -> Goal:
    """In the row's unit."""
    return Goal(f"at most {limit:,.0f} {unit}", lambda value, _: value <= limit)


def ratio_at_least(limit: float) -> Goal:
    """Of the yardstick."""
    return Goal(f"at least {limit:.2f} of it", lambda _, ratio: ratio is not None and ratio >= limit)


NO_GOAL = Goal("none: measured only", lambda _value, _ratio: True)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table and of the JSON. `met` is None for rows without a goal; busy are shares of one core each."""

    name: str
    value: float
    unit: str
    goal: str
    met: bool | None
    yardstick: str | None = None
    yardstick_value: float | None = None
    ratio: float | None = None
    server_busy: float | None = None
    generator_busy: float | None = None


def value_row(name: str, value: float, unit: str, goal: Goal = NO_GOAL) -> Row:
    """A value that stands for itself."""
    return Row(name, round(value, 3), unit, goal.text, _verdict(goal, value, None))


def rate_row(
    name: str,
    reports: Sequence[Report],
    goal: Goal = NO_GOAL,
    *,
    yardstick: str | None = None,
    beside: Sequence[Report] = (),
    rates: Sequence[float] = (),
    times: int = 1,
) -> Row:
    """Medians of the rounds; the yardstick's are `beside` or bare `rates`, `times` is what one request counts for.

    The ratio is the median of the rounds' ratios, because neighbours of the machine come and go between rounds.
    """
    rates = rates or [report.rate for report in beside]
    values = [report.rate * times for report in reports]
    ratio = median(value / rate for value, rate in zip(values, rates, strict=True)) if rates else None
    value = median(values)
    return Row(
        name=name,
        value=round(value),
        unit=PER_SECOND,
        goal=goal.text,
        met=_verdict(goal, value, ratio),
        yardstick=yardstick,
        yardstick_value=round(median(rates)) if rates else None,
        ratio=None if ratio is None else round(ratio, 3),
        server_busy=round(median(report.server_busy for report in reports), 2),
        generator_busy=round(median(report.generator_busy for report in reports), 2),
    )


def limit_of(row: Row) -> str:
    """Which side a rate was limited by."""
    if row.generator_busy is None or row.server_busy is None:
        return ""
    if row.generator_busy >= BUSY_MIN:
        return "generator" if row.generator_busy > row.server_busy else "server and generator"
    return "server" if row.server_busy >= BUSY_MIN else "neither"


def is_disturbed(rows: Sequence[Row]) -> bool:
    """Somebody else had the cores: nginx waits for nothing of its own, so that it or wrk must have been busy."""
    return any(row.name.startswith(NGINX_ALONE) and limit_of(row) == "neither" for row in rows)


def is_missed(rows: Sequence[Row]) -> bool:
    """Some goal is."""
    return any(row.met is False for row in rows)


def write_json(rows: Sequence[Row], path: Path) -> None:
    """All rows as an array."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", "utf-8")


def table_of(rows: Sequence[Row]) -> Table:
    """For people."""
    table = Table("measured", "value", "yardstick", "its value", "ratio", "goal", "met", "busy", "limited by")
    for row in rows:
        yardstick = (
            () if row.yardstick_value is None else (row.yardstick or "", f"{row.yardstick_value:,.0f} {row.unit}")
        )
        table.add_row(
            row.name,
            f"{row.value:,.2f} {row.unit}" if row.value < 100 else f"{row.value:,.0f} {row.unit}",
            *(yardstick or ("-", "-")),
            "-" if row.ratio is None else f"{row.ratio:.3f}",
            row.goal,
            "" if row.met is None else ("yes" if row.met else "NO"),
            "-" if row.server_busy is None else f"{row.server_busy:.0%} / {row.generator_busy:.0%}",
            limit_of(row),
        )
    return table


def _verdict(goal: Goal, value: float, ratio: float | None) -> bool | None:
    return None if goal is NO_GOAL else goal.is_met(value, ratio)

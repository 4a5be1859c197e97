"""The report: one Markdown file with its plots, the same as JSON, and the summary for the terminal. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import orjson
from rich.table import Column, Table

from loadtest.objectives import MEASURES, Verdict, figure
from loadtest.plot import plot
from loadtest.recording import Measured, RunResult
from loadtest.runs import ALL, SCENARIOS, Run

SATURATED_SHARE = 0.85
"""From here on the generator is what limits: locust itself warns at 90 % of a core."""
LIMIT = (
    "**What limits the load generator.** Each run is one locust process: Python with gevent, so one core at most, "
    "which it exhausts at a few thousand requests a second (fewer beside a node on the same machine). What it asks for "
    "is set below that: users send at a pace of their own, and the rates here are what was asked of the node, not the "
    "most it can do. Latencies are measured in that process and contain its own time and its waiting for a core. The "
    "objectives hold under that limit. `make bench` measures the node itself."
)
_NONE = "–"


@dataclass(frozen=True, slots=True)
class Setting:
    """Under what circumstances: shown at the top."""

    at: datetime
    node: str
    machine: str
    identifiers: int
    seed: int
    zipf_exponent: float
    load_seconds: float


@dataclass(frozen=True, slots=True)
class Finished:
    """A run with its result and the verdicts on it."""

    run: Run
    result: RunResult
    verdicts: Sequence[Verdict]

    @property
    def is_saturated(self) -> bool:
        """Whether the generator had no time left, so that its own waiting is what the latencies show."""
        return self.peak_cpu >= SATURATED_SHARE

    @property
    def peak_cpu(self) -> float:
        """The generator's busiest interval, as a share of one core: a spike saturates what is idle on average."""
        return max((point.generator_cpu for point in self.result.series), default=self.result.generator_cpu)

    def svg(self) -> str:
        """The plot, with the objective for the p99 of all requests."""
        wanted = ("p99_milliseconds", ALL)
        limits = [
            each.objective.limit for each in self.verdicts if (each.objective.measure, each.objective.request) == wanted
        ]
        title = f"{SCENARIOS[self.run.scenario].title} ({self.run.shape}, up to {self.run.users} users)"
        objective = limits[0] if limits else None
        return plot(title, self.result.series, seconds=self.result.seconds, p99_objective=objective)


def is_passed(finished: Iterable[Finished]) -> bool:
    """Whether no objective was missed."""
    return all(verdict.is_met for each in finished for verdict in each.verdicts)


def markdown(setting: Setting, finished: Sequence[Finished]) -> str:
    """The report; plots are files beside it."""
    missed = [verdict.line() for each in finished for verdict in each.verdicts if not verdict.is_met]
    verdict = "**Every objective was met.**" if not missed else f"**Objectives missed: {len(missed)}.**"
    parts = [
        f"# Load test\n\n{_facts(setting)}\n\n{verdict}\n",
        "".join(f"- {line}\n" for line in missed),
        f"\n{LIMIT}\n",
    ]
    parts += [f"\n## Runs\n\n{_runs_table(finished)}"]
    parts += [_section(each) for each in finished]
    return "".join(parts)


def results_json(setting: Setting, finished: Sequence[Finished]) -> bytes:
    """Everything that was measured."""
    runs = [
        {
            "run": asdict(each.run),
            "result": asdict(each.result),
            "verdicts": [asdict(verdict) for verdict in each.verdicts],
        }
        for each in finished
    ]
    document = {"setting": asdict(setting), "is_passed": is_passed(finished), "runs": runs}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"


def summary(finished: Iterable[Finished]) -> Table:
    """One line per run, for the terminal."""
    heads = ("requests", "answers/s", "p50 ms", "p95 ms", "p99 ms", "failures", "generator", "machine", "objectives")
    table = Table(Column("run", no_wrap=True), *heads)
    for each in finished:
        missed = sum(not verdict.is_met for verdict in each.verdicts)
        met = f"{len(each.verdicts) - missed} of {len(each.verdicts)} met"
        table.add_row(each.run.name, *_run_cells(each), f"[red]{met}[/red]" if missed else met)
    return table


def _facts(setting: Setting) -> str:
    return (
        f"{setting.at:%Y-%m-%d %H:%M} UTC · {setting.node} · {setting.machine} · {setting.identifiers:,} identifiers "
        f"registered first, in {setting.load_seconds:.1f} s ({setting.identifiers / setting.load_seconds:,.0f}/s) · "
        f"seed {setting.seed}, Zipf exponent {setting.zipf_exponent:g}"
    )


def _runs_table(finished: Iterable[Finished]) -> str:
    heads = (
        "run",
        "requests",
        "answers/s",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "failures",
        "generator's core",
        "machine",
        "objectives",
    )
    rows = []
    for each in finished:
        met = sum(verdict.is_met for verdict in each.verdicts)
        rows.append((f"[{each.run.name}](#{each.run.name})", *_run_cells(each), f"{met} of {len(each.verdicts)} met"))
    return _table(heads, rows)


def _run_cells(each: Finished) -> tuple[str, ...]:
    result = each.result
    cpu = (f"{result.generator_cpu:.0%}, at most {each.peak_cpu:.0%}", f"{result.machine_cpu:.0%}")
    return (*_measured_cells(result.everything), *cpu)


def _measured_cells(measured: Measured) -> tuple[str, ...]:
    latencies = [_milliseconds(value) for value in (measured.p50, measured.p95, measured.p99)]
    return (f"{measured.count:,}", f"{measured.rate:,.1f}", *latencies, f"{measured.failures:,}")


def _section(each: Finished) -> str:
    run, result = each.run, each.result
    heads = ("request", "requests", "answers/s", "p50 ms", "p95 ms", "p99 ms", "failures", "slowest ms")
    requests = [
        (f"`{name}`", *_measured_cells(measured), _milliseconds(measured.most))
        for name, measured in result.requests.items()
    ]
    lead = f"{SCENARIOS[run.scenario].title}: {run.shape}, {result.seconds:.0f} s, up to {run.users} users."
    parts = [
        f"\n## {run.name}\n\n{lead}\n",
        f"\n![Rate and latency of {run.name} over time]({run.name}.svg)\n\n{_table(heads, requests)}",
    ]
    if each.is_saturated:
        parts.append("\nThe generator had no time left: these latencies are in good part its own.\n")
    if each.verdicts:
        parts.append(
            "\n" + _table(("objective", "wanted", "measured", "met"), [_verdict_row(one) for one in each.verdicts])
        )
    else:
        parts.append("\nNo objectives for this scenario.\n")
    if result.errors:
        parts.append("\nFailures:\n\n" + "".join(f"- {count:,} × `{what}`\n" for what, count in result.errors.items()))
    return "".join(parts)


def _verdict_row(verdict: Verdict) -> tuple[str, ...]:
    objective = verdict.objective
    word = "≥" if MEASURES[objective.measure].is_floor else "≤"
    value = _NONE if verdict.value is None else figure(verdict.value)
    request = objective.request if objective.request == ALL else f"`{objective.request}`"
    met = "yes" if verdict.is_met else "**no**"
    return (f"{request} {objective.measure}", f"{word} {figure(objective.limit)}", value, met)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _milliseconds(value: float | None) -> str:
    if value is None:
        return _NONE
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"

"""Objectives: read strictly from TOML, and compared with what was measured. Pure.

```toml
[reader."GET /api/handles/{identifier}"]   # scenario, then a request of it, or all
p99_milliseconds = 250                     # at most
error_share = 0.001                        # at most, of 1
rate_per_second = 100                      # at least
```
"""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from loadtest.recording import Measured, RunResult
from loadtest.runs import ALL, SCENARIOS


class InvalidObjectives(ValueError):
    """The file cannot be used; `problems` names every field with its value."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class _Measure:
    of: Callable[[Measured], float | None]
    is_floor: bool = False
    most: float = float("inf")


MEASURES: Mapping[str, _Measure] = MappingProxyType(
    {
        "p50_milliseconds": _Measure(lambda measured: measured.p50),
        "p95_milliseconds": _Measure(lambda measured: measured.p95),
        "p99_milliseconds": _Measure(lambda measured: measured.p99),
        "error_share": _Measure(lambda measured: measured.error_share, most=1.0),
        "rate_per_second": _Measure(lambda measured: measured.rate, is_floor=True),
    }
)


@dataclass(frozen=True, slots=True)
class Objective:
    """One limit: the least for a rate, the most for everything else."""

    scenario: str
    request: str
    measure: str
    limit: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """An objective and what a run came to; `value` is None when no such request was made, and that is a miss."""

    run: str
    objective: Objective
    value: float | None
    is_met: bool

    def line(self) -> str:
        """Scenario, measure, value, limit."""
        asked = self.objective
        word = "at least" if MEASURES[asked.measure].is_floor else "at most"
        seen = "has no value, no such request was made" if self.value is None else f"is {figure(self.value)}"
        return f"{self.run}, {asked.request}: {asked.measure} {seen}, {word} {figure(asked.limit)} is wanted"


def figure(value: float) -> str:
    """A measured value or a limit as people read it."""
    return f"{round(value, 6):,.10g}"


def parse_objectives(text: str) -> tuple[Objective, ...]:
    """Raises InvalidObjectives with every problem at once."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidObjectives([f"not TOML: {error}"]) from error
    problems: list[str] = []
    objectives = tuple(_objectives(document, problems))
    if problems:
        raise InvalidObjectives(problems)
    return objectives


def judge(run: str, scenario: str, result: RunResult, objectives: Iterable[Objective]) -> list[Verdict]:
    """A verdict on each objective of the run's scenario."""
    return [_verdict(run, result, objective) for objective in objectives if objective.scenario == scenario]


def _verdict(run: str, result: RunResult, objective: Objective) -> Verdict:
    measured = result.everything if objective.request == ALL else result.requests.get(objective.request)
    if measured is None or not measured.count:
        return Verdict(run, objective, None, is_met=False)
    measure = MEASURES[objective.measure]
    value = measure.of(measured)
    if value is None:
        return Verdict(run, objective, None, is_met=False)
    is_met = value >= objective.limit if measure.is_floor else value <= objective.limit
    return Verdict(run, objective, value, is_met)


def _objectives(document: Mapping[str, object], problems: list[str]) -> Iterable[Objective]:
    for scenario, requests in _tables(document, "", problems):
        if scenario not in SCENARIOS:
            problems.append(f"{scenario}: is no scenario; there are {', '.join(SCENARIOS)}")
            continue
        known = (ALL, *SCENARIOS[scenario].requests)
        for request, limits in _tables(requests, f"{scenario}.", problems):
            if request not in known:
                problems.append(f"{scenario}.{request!r}: is no request of this scenario; there are {', '.join(known)}")
                continue
            for measure, limit in limits.items():
                problem = _problem(measure, limit)
                if problem is None and isinstance(limit, int | float):
                    yield Objective(scenario, request, measure, float(limit))
                else:
                    problems.append(f"{scenario}.{request!r}.{measure}: {problem}")


def _tables(
    document: Mapping[str, object], place: str, problems: list[str]
) -> Iterable[tuple[str, Mapping[str, object]]]:
    for name, table in document.items():
        if isinstance(table, dict):
            yield name, table
        else:
            problems.append(f"{place}{name}: {table!r} is no table")


def _problem(measure: str, limit: object) -> str | None:
    if measure not in MEASURES:
        return f"is no measure; there are {', '.join(MEASURES)}"
    most = MEASURES[measure].most
    if isinstance(limit, bool) or not isinstance(limit, int | float):
        return f"{limit!r} is no number"
    # Written so that nan, which compares with nothing, fails as well.
    if not 0 <= limit <= most or limit == float("inf"):
        return f"{limit!r} is not between 0 and {most:g}" if most != float("inf") else f"{limit!r} is not 0 or above"
    return None

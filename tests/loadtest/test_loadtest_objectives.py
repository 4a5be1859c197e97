"""Objectives: met, missed, and files that cannot be used."""

from pathlib import Path

import pytest

from loadtest.objectives import InvalidObjectives, Objective, judge, parse_objectives
from loadtest.recording import Measured, RunResult

HANDLE = "GET /api/handles/{identifier}"


def result(measured: Measured) -> RunResult:
    return RunResult(10.0, 1.0, {HANDLE: measured}, measured, [], {}, 0.5, 0.9)


MEASURES = "p50_milliseconds, p95_milliseconds, p99_milliseconds, error_share, rate_per_second"
MEASURED = Measured(count=1000, failures=10, rate=99.0, p50=2.0, p95=20.0, p99=50.0, most=80.0)


def test_limits_themselves_are_met() -> None:
    objectives = parse_objectives(
        """
        [reader.all]
        p50_milliseconds = 2
        p95_milliseconds = 20.0
        p99_milliseconds = 50
        error_share = 0.01
        rate_per_second = 99
        """
    )
    verdicts = judge("reader-spike", "reader", result(MEASURED), objectives)

    assert [verdict.is_met for verdict in verdicts] == [True] * 5


@pytest.mark.parametrize(
    ("limit", "line"),
    [
        ("p50_milliseconds = 1.9", "reader-spike, all: p50_milliseconds is 2, at most 1.9 is wanted"),
        ("p95_milliseconds = 19", "reader-spike, all: p95_milliseconds is 20, at most 19 is wanted"),
        ("p99_milliseconds = 49.5", "reader-spike, all: p99_milliseconds is 50, at most 49.5 is wanted"),
        ("error_share = 0.009", "reader-spike, all: error_share is 0.01, at most 0.009 is wanted"),
        ("rate_per_second = 100", "reader-spike, all: rate_per_second is 99, at least 100 is wanted"),
    ],
)
def test_a_miss_names_run_measure_value_and_limit(limit: str, line: str) -> None:
    (verdict,) = judge("reader-spike", "reader", result(MEASURED), parse_objectives(f"[reader.all]\n{limit}"))

    assert not verdict.is_met
    assert verdict.line() == line


def test_an_objective_of_one_request_looks_at_that_request() -> None:
    objectives = parse_objectives(f'[reader."{HANDLE}"]\np99_milliseconds = 49')
    (verdict,) = judge("reader-spike", "reader", result(MEASURED), objectives)

    assert verdict.line() == f"reader-spike, {HANDLE}: p99_milliseconds is 50, at most 49 is wanted"


def test_a_request_that_was_never_made_misses_its_objective() -> None:
    objectives = parse_objectives('[reader."GET /{identifier}"]\nerror_share = 0')
    (verdict,) = judge("reader-spike", "reader", result(MEASURED), objectives)

    assert not verdict.is_met
    assert verdict.line() == (
        "reader-spike, GET /{identifier}: error_share has no value, no such request was made, at most 0 is wanted"
    )


def test_objectives_of_other_scenarios_do_not_matter() -> None:
    objectives = parse_objectives("[batch.all]\nrate_per_second = 1000000")

    assert judge("reader-spike", "reader", result(MEASURED), objectives) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[reader.all]\np99_milliseconds = -1", "reader.'all'.p99_milliseconds: -1 is not 0 or above"),
        ("[reader.all]\np99_milliseconds = nan", "reader.'all'.p99_milliseconds: nan is not 0 or above"),
        ("[reader.all]\np99_milliseconds = inf", "reader.'all'.p99_milliseconds: inf is not 0 or above"),
        ("[reader.all]\np99_milliseconds = '50'", "reader.'all'.p99_milliseconds: '50' is no number"),
        ("[reader.all]\np99_milliseconds = true", "reader.'all'.p99_milliseconds: True is no number"),
        ("[reader.all]\nerror_share = 1.5", "reader.'all'.error_share: 1.5 is not between 0 and 1"),
        ("[reader.all]\np42 = 1", f"reader.'all'.p42: is no measure; there are {MEASURES}"),
        ("[shop.all]\nerror_share = 0", "shop: is no scenario; there are factory, reader, batch, mixed"),
        ("[batch.'GET /x']\nerror_share = 0",
         "batch.'GET /x': is no request of this scenario; there are all, POST /v1/resolve"),
        ("reader = 5", "reader: 5 is no table"),
        ("[reader]\nerror_share = 0", "reader.error_share: 0 is no table"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_field_and_value(text: str, problem: str) -> None:
    with pytest.raises(InvalidObjectives) as caught:
        parse_objectives(text)

    assert caught.value.problems == (problem,)


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(InvalidObjectives) as caught:
        parse_objectives("[shop.all]\nx = 1\n[reader.all]\nerror_share = 2\nrate_per_second = 'much'")

    assert len(caught.value.problems) == 3


def test_what_is_not_toml_is_told() -> None:
    with pytest.raises(InvalidObjectives, match="not TOML: "):
        parse_objectives("[reader")


def test_the_shipped_objectives_cover_every_scenario() -> None:
    objectives = parse_objectives(Path("loadtest/objectives.toml").read_text("utf-8"))

    assert {objective.scenario for objective in objectives} == {"factory", "reader", "batch", "mixed"}
    assert Objective("reader", "all", "error_share", 0.0) in objectives

import json
from pathlib import Path

import pytest

from loadtest.bench.rows import (
    Row,
    is_disturbed,
    is_missed,
    limit_of,
    rate_row,
    ratio_at_least,
    value_at_least,
    value_at_most,
    value_below,
    value_row,
    write_json,
)
from loadtest.bench.wrk import Report


def report(rate: float, *, server_busy: float = 0.99, generator_busy: float = 0.5) -> Report:
    return Report(rate, 1.0, 2.0, server_busy, generator_busy)


def test_value_and_yardstick_are_medians_and_the_ratio_is_the_median_of_the_rounds_ratios() -> None:
    seen, beside = [report(90), report(200), report(100)], [report(100), report(400), report(110)]

    row = rate_row("hot", seen, ratio_at_least(0.9), beside=beside, yardstick="nginx")

    # Rounds: 0.9, 0.5, 0.909…
    assert (row.value, row.yardstick_value, row.ratio, row.met) == (100, 110, 0.9, True)


def test_a_ratio_below_the_goal_is_missed() -> None:
    row = rate_row("hot", [report(79)], ratio_at_least(0.8), rates=[100.0], yardstick="nginx")

    assert (row.ratio, row.met) == (0.79, False)


def test_a_request_may_count_for_many() -> None:
    row = rate_row("batch", [report(30)], value_at_least(30_000), rates=[60_000.0], yardstick="reads", times=1_000)

    assert (row.value, row.ratio, row.met) == (30_000, 0.5, True)


def test_rounds_without_their_yardstick_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        rate_row("hot", [report(1), report(2)], rates=[1.0], yardstick="nginx")


@pytest.mark.parametrize(
    ("goal", "value", "met"),
    [
        (value_at_least(6_000), 6_000.0, True),
        (value_at_least(6_000), 5_999.9, False),
        (value_below(5, "ms"), 4.99, True),
        (value_below(5, "ms"), 5.0, False),
        (value_at_most(350, "bytes"), 350.0, True),
        (value_at_most(350, "bytes"), 350.1, False),
    ],
)
def test_a_goal_for_a_value_holds_at_its_limit_as_its_words_say(goal: object, value: float, met: bool) -> None:
    row = value_row("measured", value, "unit", goal)  # type: ignore[arg-type]  # pytest's parameters have no types

    assert row.met is met


def test_a_row_without_a_goal_says_so_and_misses_nothing() -> None:
    row = rate_row("nginx", [report(1)])

    assert (row.goal, row.met) == ("none: measured only", None)
    assert not is_missed([row])


def test_one_missed_goal_fails_the_whole() -> None:
    good, bad = value_row("a", 1, "ms", value_below(5, "ms")), value_row("b", 6, "ms", value_below(5, "ms"))

    assert is_missed([good, bad])
    assert not is_missed([good])


@pytest.mark.parametrize(
    ("server_busy", "generator_busy", "limit"),
    [(1.0, 0.6, "server"), (0.7, 0.99, "generator"), (1.0, 0.95, "server and generator"), (0.4, 0.4, "neither")],
)
def test_the_busy_core_is_named_as_the_limit(server_busy: float, generator_busy: float, limit: str) -> None:
    row = rate_row("hot", [report(1, server_busy=server_busy, generator_busy=generator_busy)])

    assert limit_of(row) == limit


def test_nginx_that_is_not_busy_beside_a_wrk_that_is_not_shows_that_others_were() -> None:
    busy = rate_row("nginx: hot", [report(1, server_busy=0.97)])
    idle = rate_row("nginx: hot", [report(1, server_busy=0.4)])
    waiting = rate_row("cold", [report(1, server_busy=0.4)])

    assert is_disturbed([busy, idle])
    assert not is_disturbed([busy, waiting])


def test_the_file_holds_every_row_with_its_verdict(tmp_path: Path) -> None:
    write_json([Row("hot", 100, "1/s", "at least 0.80 of it", False, "nginx", 200, 0.5)], tmp_path / "new" / "b.json")

    (row,) = json.loads((tmp_path / "new" / "b.json").read_text())
    assert {name: row[name] for name in ("name", "value", "unit", "yardstick", "ratio", "goal", "met")} == {
        "name": "hot",
        "value": 100,
        "unit": "1/s",
        "yardstick": "nginx",
        "ratio": 0.5,
        "goal": "at least 0.80 of it",
        "met": False,
    }

"""What is written down while it runs, and what is shown of it afterwards."""

from datetime import UTC, datetime
from xml.etree import ElementTree

import orjson
import pytest

from loadtest.objectives import judge, parse_objectives
from loadtest.plot import plot, round_ticks
from loadtest.recording import Latencies, Load, Point, Recorder, RunResult
from loadtest.report import Finished, Setting, is_passed, markdown, results_json
from loadtest.runs import RESOLVE, Run

SVG = "{http://www.w3.org/2000/svg}"
IDLE = Load(0.0, 0.0, 0.0)
SETTING = Setting(datetime(2026, 1, 5, 12, tzinfo=UTC), "a node of its own", "2 cores", 100, 1, 1.0, 0.5)


def point(at: float, p99: float | None) -> Point:
    return Point(at, 10, 100.0, 99.0, 0.0, None if p99 is None else 1.0, None if p99 is None else 5.0, p99, 0.2, 0.5)


def recorded() -> RunResult:
    recorder = Recorder(seconds=4, rate_per_user=3.0, load=IDLE)
    for second in (1, 2, 3, 4):
        for number in range(10):
            recorder.add(RESOLVE, 10.0 + number, "503: no" if second == 3 and number == 0 else None)
        recorder.turn(float(second), users=5, load=Load(second * 0.25, second * 1.0, second * 2.0))
    return recorder.result(4.0, Load(1.0, 4.0, 8.0))


def finished(objectives: str) -> Finished:
    result = recorded()
    return Finished(
        Run("batch", "steady", 4.0, 5), result, judge("batch-steady", "batch", result, parse_objectives(objectives))
    )


def paths(svg: str) -> dict[str, str]:
    root = ElementTree.fromstring(svg)  # noqa: S314  # our own
    lines = [path for path in root.iter(f"{SVG}path") if len(path.get("d", "").split()) > 3]
    return {path.get("class", ""): path.get("d", "") for path in lines}


@pytest.mark.parametrize(("percent", "milliseconds"), [(50, 50.0), (95, 95.0), (99, 99.0)])
def test_percentiles_are_at_most_two_percent_too_high(percent: int, milliseconds: float) -> None:
    latencies = Latencies()
    for number in range(1, 101):
        latencies.add(float(number))
    value = latencies.percentile(percent)

    assert value is not None
    assert milliseconds <= value <= milliseconds * 1.0201


def test_no_percentile_is_above_the_slowest() -> None:
    latencies = Latencies()
    latencies.add(10.0)

    assert latencies.percentile(99) == 10.0


def test_without_answers_there_is_no_percentile() -> None:
    assert Latencies().percentile(99) is None


def test_a_run_is_counted_whole_and_second_by_second() -> None:
    result = recorded()

    assert (result.everything.count, result.everything.failures, result.everything.rate) == (40, 1, 9.75)
    assert result.errors == {"POST /v1/resolve: 503: no": 1}
    assert [point.rate for point in result.series] == [10.0, 10.0, 9.0, 10.0]
    assert [point.failures for point in result.series] == [0.0, 0.0, 1.0, 0.0]
    assert [point.asked for point in result.series] == [15.0] * 4
    assert (result.generator_cpu, result.machine_cpu) == (0.25, 0.5)


def test_a_second_without_answers_is_a_point_without_latencies() -> None:
    recorder = Recorder(seconds=2, rate_per_user=1.0, load=IDLE)
    recorder.turn(1.0, users=1, load=IDLE)

    (only,) = recorder.result(2.0, IDLE).series
    assert (only.rate, only.p50, only.p99) == (0.0, None, None)


def test_a_long_run_has_no_more_points_than_can_be_seen() -> None:
    recorder = Recorder(seconds=3600, rate_per_user=1.0, load=IDLE)
    for second in range(1, 3601):
        recorder.turn(float(second), users=1, load=IDLE)

    assert len(recorder.result(3600.0, IDLE).series) == 300


def test_errors_beyond_the_limit_are_counted_together() -> None:
    recorder = Recorder(seconds=2, rate_per_user=1.0, load=IDLE)
    for number in range(60):
        recorder.add(RESOLVE, 1.0, f"error {number}")

    errors = recorder.result(1.0, IDLE).errors
    assert len(errors) == 51
    assert errors["others"] == 10


def test_a_result_survives_its_file() -> None:
    result = recorded()

    assert RunResult.from_json(result.to_json()) == result


def test_the_plot_is_well_formed_and_has_every_series() -> None:
    svg = plot("a < b & c", [point(1, 20.0), point(2, 30.0)], seconds=2, p99_objective=100.0)
    root = ElementTree.fromstring(svg)  # noqa: S314  # our own
    lines = paths(svg)

    assert set(lines) == {
        "line rate", "line asked", "line failures", "line p50", "line p95", "line p99",
    }  # fmt: skip
    assert "a < b & c" in [text.text for text in root.iter(f"{SVG}text")]
    assert [line.get("class") for line in root.iter(f"{SVG}line")].count("objective line") == 1


def test_points_are_where_their_values_are() -> None:
    lines = paths(plot("x", [point(0, 10.0), point(1, 100.0)], seconds=2, p99_objective=None))

    # The latency panel runs from y 510 (1 ms) to y 336 (100 ms), a power of ten every 87.
    assert lines["line p99"] == "M64.0 423.0 L452.0 336.0"


def test_a_second_without_answers_is_a_gap() -> None:
    lines = paths(
        plot("x", [point(1, 9.0), point(2, None), point(3, 9.0), point(4, 9.0)], seconds=4, p99_objective=None)
    )

    assert [command[0] for command in lines["line p99"].split()[::2]] == ["M", "M", "L"]


def test_a_plot_of_nothing_is_a_plot() -> None:
    ElementTree.fromstring(plot("x", [], seconds=1, p99_objective=None))  # noqa: S314  # our own


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (0.0, [0.0, 1.0]),
        (1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (640.0, [0.0, 200.0, 400.0, 600.0, 800.0]),
        (6.0, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
    ],
)
def test_ticks_are_round_and_reach_the_most(most: float, ticks: list[float]) -> None:
    assert round_ticks(most) == ticks


def test_the_report_says_what_was_missed_and_what_limits() -> None:
    text = markdown(SETTING, [finished("[batch.all]\np99_milliseconds = 5\nrate_per_second = 9")])

    assert "**Objectives missed: 1.**" in text
    assert "- batch-steady, all: p99_milliseconds is 19, at most 5 is wanted\n" in text
    assert "| all rate_per_second | ≥ 9 | 9.75 | yes |" in text
    assert "![Rate and latency of batch-steady over time](batch-steady.svg)" in text
    assert "**What limits the load generator.** Each run is one locust process" in text
    assert "- 1 × `POST /v1/resolve: 503: no`" in text


def test_a_generator_without_time_left_is_pointed_at() -> None:
    recorder = Recorder(seconds=1, rate_per_user=1.0, load=IDLE)
    recorder.add(RESOLVE, 1.0, None)
    recorder.turn(1.0, users=1, load=Load(0.9, 1.0, 2.0))
    result = recorder.result(2.0, Load(0.9, 2.0, 4.0))
    text = markdown(SETTING, [Finished(Run("batch", "steady", 1.0, 1), result, [])])

    assert "| 45%, at most 90% |" in text
    assert "The generator had no time left" in text


def test_the_document_has_the_verdict_and_the_runs() -> None:
    missed = finished("[batch.all]\np99_milliseconds = 5")
    document = orjson.loads(results_json(SETTING, [missed]))

    assert not is_passed([missed])
    assert document["is_passed"] is False
    assert document["runs"][0]["run"] == {"scenario": "batch", "shape": "steady", "seconds": 4.0, "users": 5}
    assert document["runs"][0]["verdicts"][0]["value"] == 19.0

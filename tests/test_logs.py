"""Logs: one line for each event, and never a reason to fail."""

import io
import json
import sys

import pytest
import structlog
from harness import NodeUnderTest
from structlog.testing import capture_logs

from idnode.logs import LineLogger, configure_logs, written_together


def test_an_event_is_one_line_of_json(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    configure_logs(level="info", log_format="json")

    structlog.get_logger("test").info("registered", identifier="88.118.8/JX-1")
    line = capfdbinary.readouterr().err.splitlines()[-1]

    assert json.loads(line) | {"timestamp": ""} == {
        "event": "registered",
        "identifier": "88.118.8/JX-1",
        "level": "info",
        "timestamp": "",
    }


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"path": "/v1/二", "status": 201, "milliseconds": 0.25, "actor": None},
        {"level": "odd", "timestamp": 1, "identifier": "a/b"},
    ],
)
def test_the_short_way_of_an_event_makes_the_line_of_the_processors(
    capfdbinary: pytest.CaptureFixture[bytes], fields: dict[str, object]
) -> None:
    configure_logs(level="info", log_format="json")
    log = structlog.get_logger("test")

    log.info("request", **fields)
    log.bind(**fields).info("request")
    short, long = (json.loads(line) for line in capfdbinary.readouterr().err.splitlines()[-2:])

    assert list(short) == list(long)
    assert short | {"timestamp": ""} == long | {"timestamp": ""}
    assert len(short["timestamp"]) == len("2026-11-24T07:18:31.250000Z")


def test_an_event_with_an_error_or_an_odd_value_takes_the_long_way(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    configure_logs(level="info", log_format="json")
    log = structlog.get_logger("test")

    log.info("failed", exc_info=ValueError("why"))
    log.info("odd", value=1 + 2j)
    log.info("%d of %d", 1, 2)
    failed, odd, counted = (json.loads(line) for line in capfdbinary.readouterr().err.splitlines()[-3:])

    assert failed["exception"] == "ValueError: why"
    assert odd["value"] == "(1+2j)"
    assert counted["event"] == "1 of 2"


def test_below_its_level_nothing_is_written(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    configure_logs(level="warning", log_format="json")

    structlog.get_logger("test").info("request", status=200)

    assert capfdbinary.readouterr().err == b""


def test_whoever_looks_at_events_sees_them_instead(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    configure_logs(level="info", log_format="json")

    with capture_logs() as events:
        structlog.get_logger("test").info("request", status=200)

    assert events == [{"event": "request", "status": 200, "log_level": "info"}]
    assert capfdbinary.readouterr().err == b""


def test_a_stream_that_is_closed_is_no_error() -> None:
    stream = io.BytesIO()
    stream.close()

    LineLogger(stream).info("nobody reads this")

    assert stream.closed


async def test_a_request_is_answered_though_its_line_cannot_be_written(
    node: NodeUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = io.TextIOWrapper(io.BytesIO())
    closed.buffer.close()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", closed)
        configure_logs(level="info", log_format="json")
        patch.setattr("idnode.frontends.boundary.log", structlog.get_logger("idnode.http"))
        response = await node.call("GET", "/livez", key=None)

    assert response.status == 200


async def test_lines_wait_for_each_other_and_for_no_warning() -> None:
    stream = io.BytesIO()
    lines = LineLogger(stream)

    lines.info("one")
    lines.info("two")
    before = stream.getvalue()
    lines.warning("three")

    assert before == b""
    assert stream.getvalue() == b"one\ntwo\nthree\n"


def test_a_write_holds_whole_lines_up_to_what_stays_together() -> None:
    lines = [b"one\n", b"two\n", b"three\n", b"a line that is too long\n", b"4\n"]

    assert list(written_together(lines, bytes_max=8)) == [
        b"one\ntwo\n",
        b"three\n",
        b"a line that is too long\n",
        b"4\n",
    ]
    assert list(written_together(lines, bytes_max=1_000)) == [b"".join(lines)]
    assert list(written_together([], bytes_max=8)) == []

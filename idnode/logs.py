"""Structured logs: one line per event on standard error."""

import asyncio
import atexit
import logging
import os
import stat
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from select import PIPE_BUF
from typing import Any, BinaryIO

import orjson
import structlog
from aiohttp.http_exceptions import HttpProcessingError
from structlog.dev import plain_traceback

FLUSH_SECONDS_MAX = 0.05
"""How long a line may wait for others; what a `kill -9` can cost of the log."""


def configure_logs(*, level: str, log_format: str) -> None:
    """Set up structlog, and bring what libraries say through `logging` into the same stream."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    lines = LineLogger(sys.stderr.buffer)
    atexit.register(lines.flush)
    rendering = _rendering(log_format)
    structlog.configure(
        processors=[*shared, *rendering],
        wrapper_class=_logger_class(number, rendering[-1], is_json=log_format == "json"),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=True,
    )
    library = logging.getLogger()
    library.handlers = [_IntoStructlog()]
    library.setLevel(max(number, logging.WARNING))


class LineLogger:
    """Writes events as lines: what people must see at once, the rest together within FLUSH_SECONDS_MAX.

    A write for each request would cost more than making its line. Several processes write to one log: what is written
    at once stays together, in a pipe only up to PIPE_BUF bytes (pipe(7)). A log that cannot be written (a closed pipe,
    a full disk) fails no request.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lines: list[bytes] = []
        self._flush_is_due = False
        self._write_bytes_max = PIPE_BUF if _is_pipe(stream) else sys.maxsize

    def info(self, event: str | bytes) -> None:
        """One line, soon; at once where no event loop runs that could write it later."""
        self._add(event)
        if self._flush_is_due:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
        else:
            self._flush_is_due = True
            loop.call_later(FLUSH_SECONDS_MAX, self.flush)

    def warning(self, event: str | bytes) -> None:
        """One line now, and those before it."""
        self._add(event)
        self.flush()

    msg = debug = info
    error = critical = exception = warning

    def flush(self) -> None:
        """Write what waits."""
        self._flush_is_due = False
        lines, self._lines = self._lines, []
        try:
            for together in written_together(lines, bytes_max=self._write_bytes_max):
                self._stream.write(together)
                self._stream.flush()
        except (OSError, ValueError):
            return

    def _add(self, event: str | bytes) -> None:
        line = event.encode("utf-8", "backslashreplace") if isinstance(event, str) else event
        self._lines.append(line + b"\n")


def written_together(lines: Iterable[bytes], *, bytes_max: int) -> Iterator[bytes]:
    """Whole lines joined to pieces of at most so many bytes; a longer line is a piece of its own."""
    piece: list[bytes] = []
    size = 0
    for line in lines:
        if piece and size + len(line) > bytes_max:
            yield b"".join(piece)
            piece, size = [], 0
        piece.append(line)
        size += len(line)
    if piece:
        yield b"".join(piece)


def _is_pipe(stream: BinaryIO) -> bool:
    try:
        return not stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return False


def _rendering(log_format: str) -> list[structlog.typing.Processor]:
    if log_format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=orjson.dumps)]
    # Without the values of variables, which a prettier traceback would show: secrets are among them.
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain_traceback)]


def _logger_class(number: int, rendering: structlog.typing.Processor, *, is_json: bool) -> type[Any]:
    """What structlog makes its loggers of: as JSON, an event of plain fields takes a short way to the same bytes.

    There is one for each request, and the processors would cost more than all its fields. `rendering` is the last one
    of ours: others in its place are those of somebody who looks at events.
    """
    filtering: type[Any] = structlog.make_filtering_bound_logger(number)
    if not is_json or number > logging.INFO:
        return filtering

    class ShortWay(filtering):  # type: ignore[misc]  # mypy knows no class that is made when the level is known
        """`info` in one step; all else as ever."""

        def info(self, event: str, *args: object, **fields: object) -> object:
            """One line."""
            if not (args or self._context or "exc_info" in fields) and self._processors[-1] is rendering:
                try:
                    line = orjson.dumps({**fields, "event": event, "level": "info", "timestamp": _timestamp()})
                except orjson.JSONEncodeError:
                    pass  # structlog knows more types
                else:
                    return self._logger.info(line)
            return super().info(event, *args, **fields)

    return ShortWay


def _timestamp() -> str:
    """As structlog's TimeStamper has it."""
    second, microsecond = divmod(time.time_ns() // 1_000, 1_000_000)
    return f"{_second_text(second)}.{microsecond:06}Z" if microsecond else f"{_second_text(second)}Z"


@lru_cache(maxsize=1)
def _second_text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()[:19]


class _IntoStructlog(logging.Handler):
    """Hands records of `logging` to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        """One library record as one event."""
        log = structlog.get_logger(record.name)
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            # Its text quotes what the client sent, API keys included.
            log.info("request_unreadable", message=record.getMessage(), error=type(error).__name__)
            return
        log.log(record.levelno, "library", message=record.getMessage(), exc_info=record.exc_info)

"""Structured logs: one line per event on standard error."""

import logging
import sys
from typing import BinaryIO

import orjson
import structlog
from aiohttp.http_exceptions import HttpProcessingError
from structlog.dev import plain_traceback


def configure_logs(*, level: str, log_format: str) -> None:
    """Set up structlog, and bring what libraries say through `logging` into the same stream."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, *_rendering(log_format)],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: LineLogger(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    library = logging.getLogger()
    library.handlers = [_IntoStructlog()]
    library.setLevel(max(number, logging.WARNING))


class LineLogger:
    """Writes each event as one line. A log that cannot be written (a closed pipe, a full disk) fails no request."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def msg(self, event: str | bytes) -> None:
        """One line, flushed."""
        line = event.encode("utf-8", "backslashreplace") if isinstance(event, str) else event
        try:
            self._stream.write(line + b"\n")
            self._stream.flush()
        except (OSError, ValueError):
            return

    debug = info = warning = error = critical = exception = msg


def _rendering(log_format: str) -> list[structlog.typing.Processor]:
    if log_format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=orjson.dumps)]
    # Without the values of variables, which a prettier traceback would show: secrets are among them.
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain_traceback)]


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

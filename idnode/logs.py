"""Structured logs: one line per event on standard error."""

import logging
import sys

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
    if log_format == "json":
        final: list[structlog.typing.Processor] = [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ]
        structlog.configure(
            processors=[*shared, *final],
            wrapper_class=structlog.make_filtering_bound_logger(number),
            logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
            cache_logger_on_first_use=True,
        )
    else:
        structlog.configure(
            processors=[
                *shared,
                structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain_traceback),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(number),
            logger_factory=structlog.PrintLoggerFactory(sys.stderr),
            cache_logger_on_first_use=True,
        )
    library = logging.getLogger()
    library.handlers = [_IntoStructlog()]
    library.setLevel(max(number, logging.WARNING))


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

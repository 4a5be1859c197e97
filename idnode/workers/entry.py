"""How a process of the supervisor begins and falls: the same for workers and the relay."""

import ctypes
import signal
import sys
from collections.abc import Coroutine, Iterator
from types import TracebackType

import structlog
import uvloop

from idnode.model.errors import IdnodeError

EXIT_FALLEN = 1
PR_SET_PDEATHSIG = 1

log = structlog.get_logger("idnode.workers")


def run_process(work: Coroutine[None, None, None]) -> None:
    """Run until the work is done. An error of ours ends the process with a line in the log, others with a trace."""
    _die_with_supervisor()
    sys.excepthook = _log_crash
    # They come from a terminal to everybody; what they mean is for the supervisor to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        uvloop.run(work)
    except* IdnodeError as group:
        for error in _causes(group):
            log.warning("worker_failed", error=type(error).__name__, detail=str(error))
        sys.exit(EXIT_FALLEN)


def _causes(group: ExceptionGroup[IdnodeError]) -> Iterator[IdnodeError]:
    for error in group.exceptions:
        if isinstance(error, ExceptionGroup):
            yield from _causes(error)
        else:
            yield error


def _log_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    log.critical("worker_crashed", exc_info=(kind, error, trace))


def _die_with_supervisor() -> None:
    """Even in the midst of work that never looks at the channel. Linux only; elsewhere the channel has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

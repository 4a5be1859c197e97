"""Exit codes: what each means, which error ends with which, and the text that `--help` shows."""

from enum import IntEnum

from idnode.cli.errors import NodeRefused, NodeUnreachable, WrongUsage
from idnode.config import InvalidSettings
from idnode.lifecycle import CannotStart
from idnode.model.errors import IdnodeError, Unavailable
from idnode.storage.embedded import EmbeddedPostgresFailed


class Exit(IntEnum):
    """How a command ended."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_ALLOWED = 4
    NOT_FOUND = 5
    INTERRUPTED = 130


EPILOG = (
    "Exit codes: 0 done · 1 something was refused or a check failed · 2 wrong usage or settings · "
    "3 the node or database cannot be reached · 4 not authenticated or not allowed · 5 not found"
)

_BY_ERROR: tuple[tuple[type[IdnodeError], Exit], ...] = (
    (WrongUsage, Exit.USAGE),
    (InvalidSettings, Exit.USAGE),
    (CannotStart, Exit.USAGE),
    (NodeUnreachable, Exit.UNREACHABLE),
    (Unavailable, Exit.UNREACHABLE),
    (EmbeddedPostgresFailed, Exit.UNREACHABLE),
)
_BY_STATUS = {401: Exit.NOT_ALLOWED, 403: Exit.NOT_ALLOWED, 404: Exit.NOT_FOUND, 410: Exit.NOT_FOUND}


def exit_of(error: IdnodeError) -> Exit:
    """The exit code that `error` ends a command with."""
    if isinstance(error, NodeRefused):
        return exit_of_status(error.status)
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), Exit.REFUSED)


def exit_of_status(status: int) -> Exit:
    """The exit code for an HTTP status with which the node refused."""
    return _BY_STATUS.get(status, Exit.REFUSED)

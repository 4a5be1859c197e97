"""The edge of every command: errors become one line and an exit code, never a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from idnode.cli.console import show_failure
from idnode.cli.errors import WrongUsage
from idnode.cli.exits import Exit, exit_of
from idnode.model.errors import IdnodeError


@contextmanager
def failures_shown(*, as_json: bool) -> Iterator[None]:
    """Show the error that the block raises, and end the command with its exit code."""
    try:
        yield
    except IdnodeError as error:
        raise _ended(error, as_json=as_json) from None
    except ExceptionGroup as group:
        raise _ended(_first_cause(group), as_json=as_json) from None
    except BrokenPipeError:
        raise  # The reader has seen enough (`idnode ... | head`); click ends quietly.
    except OSError as error:
        raise _ended(WrongUsage(str(error)), as_json=as_json) from None
    except KeyboardInterrupt:
        raise typer.Exit(Exit.INTERRUPTED) from None


def _ended(error: IdnodeError, *, as_json: bool) -> typer.Exit:
    show_failure(error, as_json=as_json)
    return typer.Exit(exit_of(error))


def _first_cause(group: ExceptionGroup[Exception]) -> IdnodeError:
    """The first error of ours in a group; a group that has none is a fault of ours and is raised as it is."""
    found: BaseException | None = group.subgroup(IdnodeError)
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    if not isinstance(found, IdnodeError):
        raise group
    return found

"""What became of the rows: counted, refusals shown as they come, the sums at the end."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import BinaryIO

from idnode.cli.attempts import AlreadyThere, Outcome, Refused, Registered
from idnode.cli.console import failure_document, show_json, show_line, show_warning, violation_line
from idnode.cli.exits import Exit
from idnode.cli.progress import Bar
from idnode.frontends.problems import violation_document
from idnode.model.errors import IdnodeError

FORBIDDEN = 403


@dataclass(slots=True)
class Counts:
    """Rows by outcome."""

    registered: int = 0
    already_there: int = 0
    refused: int = 0
    not_allowed: int = 0
    """Of the refused, those that the key does not reach."""
    with_warnings: int = 0
    """Of the registered, those whose identifier some recursive nodes refuse."""

    @property
    def rows(self) -> int:
        """All of them."""
        return self.registered + self.already_there + self.refused


class Tally:
    """Counts outcomes and shows them: JSON lines on standard output, or text."""

    def __init__(self, *, as_json: bool, dry_run: bool) -> None:
        self.counts = Counts()
        self._as_json = as_json
        self._dry_run = dry_run
        self._bar: Bar | None = None

    @property
    def exit(self) -> Exit:
        """How the run ends: refused when any row was; not allowed when the key reaches none of them."""
        counts = self.counts
        if counts.not_allowed == counts.rows > 0:
            return Exit.NOT_ALLOWED
        return Exit.REFUSED if counts.refused else Exit.DONE

    @contextmanager
    def shown(self, file: BinaryIO) -> Iterator[None]:
        """Show progress during the block and the summary after it, also when it is left early."""
        stopped: IdnodeError | None = None
        is_complete = False
        is_mixed = self._as_json and sys.stdout.isatty()
        try:
            with Bar.over(file, is_wanted=not is_mixed) as self._bar:
                yield
            is_complete = True
        except IdnodeError as error:
            stopped = error
            raise
        finally:
            self._bar = None
            self._show_summary(stopped, is_complete=is_complete)

    def report(self, outcome: Outcome) -> None:
        """Count one outcome; a refusal is shown."""
        counts = self.counts
        match outcome:
            case Registered(warnings=warnings):
                counts.registered += 1
                counts.with_warnings += warnings > 0
            case AlreadyThere():
                counts.already_there += 1
            case Refused():
                counts.refused += 1
                counts.not_allowed += outcome.status == FORBIDDEN
                self._show_refusal(outcome)
        if self._bar is not None:
            self._bar.advance(counts.rows, f"{counts.rows:,} rows, {counts.refused:,} refused")

    def _show_refusal(self, refused: Refused) -> None:
        if self._as_json:
            show_json(refusal_document(refused))
            return
        show_warning(f"line {refused.line}: {refused.identifier or '(no identifier)'}: {refused.code}")
        for violation in refused.violations:
            show_warning(f"  {violation_line(violation)}")
        if not refused.violations:
            show_warning(f"  {refused.detail}")

    def _show_summary(self, stopped: IdnodeError | None, *, is_complete: bool) -> None:
        counts = self.counts
        if self._as_json:
            show_json({"summary": self._summary_document(stopped, is_complete=is_complete)})
            return
        verb = "would be registered" if self._dry_run else "registered"
        show_line(f"{counts.registered:,} {verb}, {counts.already_there:,} already there, {counts.refused:,} refused")
        if counts.with_warnings:
            show_line(f"{counts.with_warnings:,} of the registered are identifiers that some recursive nodes refuse")
        if not is_complete:
            show_line("stopped before the end of the file: run it again, nothing is registered twice")

    def _summary_document(self, stopped: IdnodeError | None, *, is_complete: bool) -> dict[str, object]:
        state = {"rows": self.counts.rows, "dry_run": self._dry_run, "complete": is_complete}
        problem = {} if stopped is None else {"problem": failure_document(stopped)}
        return asdict(self.counts) | state | problem


def refusal_document(refused: Refused) -> dict[str, object]:
    """A refusal as one line of NDJSON."""
    return {
        "line": refused.line,
        "identifier": refused.identifier,
        "status": refused.status,
        "code": refused.code,
        "detail": refused.detail,
        "errors": [violation_document(violation) for violation in refused.violations],
    }

"""How far an import is, for people and programs: a bar with rate and time left, the sums at the end."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

from idnode.cli.console import moment_text, show_json_bytes, show_line, show_table, show_warning
from idnode.cli.exits import Exit
from idnode.frontends.v1.schemas.imports import ImportOut
from idnode.model.imports import ImportState


class ImportBar:
    """A bar on standard error, drawn by how many bytes of the rows were read."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    @classmethod
    @contextmanager
    def shown(cls, *, is_wanted: bool) -> Iterator["ImportBar | None"]:
        """A bar for the length of a block, or None where standard error is no terminal."""
        console = Console(stderr=True, markup=False, emoji=False, highlight=False)
        if not (is_wanted and console.is_terminal):
            yield None
            return
        columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[text]}"), TimeElapsedColumn())
        with Progress(*columns, console=console, redirect_stdout=False) as progress:
            yield cls(progress, progress.add_task("", total=None, text=""))

    def draw(self, job: ImportOut) -> None:
        """Show this state."""
        self._progress.update(self._task, total=job.bytes.total, completed=job.bytes.done, text=progress_text(job))


def progress_text(job: ImportOut) -> str:
    """`12,000 rows, 3 refused, 40,120 rows/s, 12 s left`."""
    parts = [f"{job.rows.done:,} rows" if job.state is ImportState.RUNNING else job.state.value]
    if job.rows.refused:
        parts.append(f"{job.rows.refused:,} refused")
    if job.rows_per_second:
        parts.append(f"{job.rows_per_second:,.0f} rows/s")
    if job.seconds_left is not None:
        parts.append(f"{job.seconds_left:,.0f} s left")
    return ", ".join(parts)


def show_summary(job: ImportOut, document: bytes, *, as_json: bool) -> None:
    """What became of all rows."""
    if as_json:
        show_json_bytes(document)
        return
    rows = job.rows
    done = [("registered", rows.registered), ("replaced", rows.replaced), ("patched", rows.patched)]
    done += [("deleted", rows.deleted), ("refused", rows.refused)]
    told = ", ".join(f"{count:,} {name}" for name, count in done if count or name in ("registered", "refused"))
    show_line(f"{'nothing was written (dry run): ' if job.dry_run else ''}{told} of {rows.done:,} rows")
    if job.failure is not None:
        show_warning(f"idnode: the import failed: {job.failure}")
    if job.state is ImportState.CANCELLED:
        show_warning("idnode: the import was cancelled")
    if job.note is not None:
        show_warning(f"  {job.note}")


def show_imports(jobs: list[ImportOut]) -> None:
    """A table, the newest first."""
    columns = ("id", "state", "rows", "refused", "file", "created", "progress")
    show_table(columns, [_cells(job) for job in jobs])


def exit_of_import(job: ImportOut) -> Exit:
    """Refused when a row was, or when the import did not come to its end."""
    is_whole = job.state is ImportState.DONE and job.rows.refused == 0
    return Exit.DONE if is_whole else Exit.REFUSED


def _cells(job: ImportOut) -> tuple[str, ...]:
    total = "" if job.rows.total is None else f" of {job.rows.total:,}"
    progress = progress_text(job) if job.ended is None else ""
    rows = f"{job.rows.done:,}{total}"
    return str(job.id), job.state.value, rows, f"{job.rows.refused:,}", job.name, moment_text(job.created), progress

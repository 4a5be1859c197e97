"""A bar on standard error while a file is read, drawn by how many of its bytes were taken."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

ROWS_PER_UPDATE = 50
"""The bar moves this seldom, so that it costs nothing."""


class Bar:
    """Shows rows and the share of the file; of a pipe only the rows."""

    def __init__(self, progress: Progress, task: TaskID, file: BinaryIO, size_bytes: int | None) -> None:
        self._progress = progress
        self._task = task
        self._file = file
        self._size_bytes = size_bytes
        self._text = ""

    @classmethod
    @contextmanager
    def over(cls, file: BinaryIO, *, is_wanted: bool) -> Iterator["Bar | None"]:
        """A bar for the length of a block, or None where standard error is no terminal."""
        console = Console(stderr=True, markup=False, emoji=False, highlight=False)
        if not (is_wanted and console.is_terminal):
            yield None
            return
        columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[text]}"), TimeElapsedColumn())
        # What goes to standard output must not be drawn above the bar: it may be a file.
        with Progress(*columns, console=console, redirect_stdout=False) as progress:
            size_bytes = _size_bytes(file)
            bar = cls(progress, progress.add_task("", total=size_bytes, text=""), file, size_bytes)
            yield bar
            bar._draw()

    def advance(self, rows: int, text: str) -> None:
        """Say what `rows` rows have come to; drawn now and then, and at the end of the block."""
        self._text = text
        if rows % ROWS_PER_UPDATE == 0:
            self._draw()

    def _draw(self) -> None:
        taken = 0 if self._size_bytes is None else self._file.tell()
        self._progress.update(self._task, completed=taken, text=self._text)


def _size_bytes(file: BinaryIO) -> int | None:
    try:
        status = os.fstat(file.fileno())
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None

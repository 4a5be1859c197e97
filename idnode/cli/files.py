"""Files that arguments name; - is standard input."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from idnode.cli.errors import WrongUsage

STDIN = "-"


@contextmanager
def opened(name: str) -> Iterator[BinaryIO]:
    """The bytes of a file for the length of a block; standard input stays open. Raises WrongUsage.

    A terminal is refused: nobody types rows, and a read that waits for one cannot be interrupted.
    """
    if name == STDIN:
        if sys.stdin.isatty():
            raise WrongUsage("standard input is a terminal: pipe a file into it")
        yield sys.stdin.buffer
        return
    with _opened(Path(name)) as file:
        yield file


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise WrongUsage(f"cannot read {path}: {error.strerror}") from error

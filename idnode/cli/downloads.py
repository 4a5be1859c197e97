"""Answers of any size into a file, which is there whole or not at all, or onto standard output."""

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from idnode.cli.errors import WrongUsage
from idnode.cli.files import STDIN

PART_ENDING = ".part"


async def save(pieces: AsyncIterator[bytes], name: str) -> int:
    """Write the pieces to the file `name`, - being standard output; how many bytes there were. Raises WrongUsage."""
    size = 0
    with _written(name) as file:
        async for piece in pieces:
            file.write(piece)
            size += len(piece)
    return size


@contextmanager
def _written(name: str) -> Iterator[BinaryIO]:
    if name == STDIN:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    target = Path(name)
    part = target.with_name(target.name + PART_ENDING)
    try:
        with part.open("wb") as file:
            yield file
        part.replace(target)
    except OSError as error:
        raise WrongUsage(f"cannot write {target}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)

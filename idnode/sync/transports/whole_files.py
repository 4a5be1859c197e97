"""Files that are there whole or not at all, whenever the machine stops."""

import os
from pathlib import Path


def placed(path: Path, body: bytes) -> None:
    """Writes `body` under another name in the same directory, waits for the disk, and gives it its name."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    with unfinished.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    renamed(unfinished, path)


def renamed(old: Path, new: Path) -> None:
    """Renames, over what has the new name, and waits until the disk knows of it."""
    old.replace(new)
    for directory in {old.parent, new.parent}:
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

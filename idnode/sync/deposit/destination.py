"""Where deposits go: the one interface between a deposit and the backup node, and a directory as the simplest one."""

import asyncio
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, TypeVar

from idnode.sync.deposit.errors import DeliveryFailed

NOTICE_SUFFIX = ".notice.json"
NOTICE_BYTES_MAX = 65_536
NOTICES_MAX = 1_000
DRAFT_SUFFIX = ".draft"
FILE_SECONDS_MAX = 3_600.0
"""Of one file of a gibibyte, on a slow mount."""

Returned = TypeVar("Returned")


class Destination(Protocol):
    """Takes files. Every method ends in bounded time and raises DeliveryFailed, and nothing else."""

    async def sizes(self) -> Mapping[str, int]:
        """Name and bytes of every complete file there."""

    async def put(self, name: str, path: Path) -> None:
        """A file, under its name only when it is there completely; one of that name is replaced."""

    async def get(self, name: str, *, bytes_max: int) -> bytes:
        """A small file."""

    async def close(self) -> None:
        """Let go of connections."""


class FolderDestination:
    """A directory, local or mounted."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def sizes(self) -> Mapping[str, int]:
        """Name and bytes of every complete file there."""
        return await self._in_thread(self._sizes)

    async def put(self, name: str, path: Path) -> None:
        """A temporary name, on disk, then its own."""
        await self._in_thread(self._put, name, path)

    async def get(self, name: str, *, bytes_max: int) -> bytes:
        """A small file."""

        def read() -> bytes:
            with (self._directory / name).open("rb") as file:
                return file.read(bytes_max)

        return await self._in_thread(read)

    async def close(self) -> None:
        """Nothing is held."""

    async def _in_thread(self, act: Callable[..., Returned], *arguments: object) -> Returned:
        try:
            async with asyncio.timeout(FILE_SECONDS_MAX):
                return await asyncio.to_thread(act, *arguments)
        except TimeoutError:
            raise DeliveryFailed(f"{self._directory} has not answered for {FILE_SECONDS_MAX:.0f} seconds") from None
        except OSError as error:
            raise DeliveryFailed(f"{self._directory} did not take or give a file: {error.strerror}") from error

    def _sizes(self) -> Mapping[str, int]:
        return {
            entry.name: entry.stat().st_size
            for entry in os.scandir(self._directory)
            if entry.is_file() and not entry.name.endswith(DRAFT_SUFFIX)
        }

    def _put(self, name: str, path: Path) -> None:
        draft = self._directory / (name + DRAFT_SUFFIX)
        with path.open("rb") as source, draft.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
            target.flush()
            os.fsync(target.fileno())
        draft.replace(self._directory / name)
        sync_directory(self._directory)


def sync_directory(directory: Path) -> None:
    """Names in it are on disk afterwards; what a file holds is the file's own business. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

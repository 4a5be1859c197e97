"""Deposits where they were made: a directory each, kept until they need not be sent again."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from idnode.sync.deposit.destination import sync_directory
from idnode.sync.deposit.errors import DepositRefused
from idnode.sync.deposit.manifest import ID_PATTERN, Manifest, read_manifest
from idnode.sync.deposit.parts import staged_name

MANIFEST_NAME = "manifest.json"
_DIRECTORY = re.compile(ID_PATTERN)


class Staging:
    """A directory of the node, for its owner only."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @contextmanager
    def making(self, id: str) -> Iterator[Path]:
        """The directory of a new deposit; it goes again when the block raises."""
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        directory = self._directory / id
        directory.mkdir(mode=0o700)
        try:
            yield directory
        except BaseException:
            shutil.rmtree(directory, ignore_errors=True)
            raise

    def keep(self, manifest: Manifest) -> None:
        """Write the manifest as the last file: where it is, the deposit is complete, after a power failure too."""
        directory = self._directory / manifest.deposit
        # The names of the parts before the name that vouches for them.
        sync_directory(directory)
        draft = directory / (MANIFEST_NAME + ".draft")
        with draft.open("wb") as file:
            file.write(manifest.document())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(directory / MANIFEST_NAME)
        for changed in (directory, self._directory):
            sync_directory(changed)

    def find(self, id: str) -> Manifest | None:
        """The manifest of a deposit with resend number 0; None when its files are not here. Raises DepositRefused."""
        try:
            document = (self._directory / id / MANIFEST_NAME).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DepositRefused(f"cannot read the manifest of {id}: {error.strerror}") from error
        return read_manifest(document)

    def write(self, id: str, name: str, content: bytes) -> Path:
        """A small file beside the parts, to be sent with them."""
        path = self._directory / id / name
        path.write_bytes(content)
        return path

    def part(self, id: str, number: int) -> Path:
        """The file of a part."""
        return self._directory / id / staged_name(number)

    def drop_before(self, id: str) -> list[str]:
        """Remove what is kept of deposits older than this one, begun and never finished ones too; their ids."""
        if not self._directory.is_dir():
            return []
        found = [entry.name for entry in self._directory.iterdir() if _DIRECTORY.fullmatch(entry.name)]
        dropped = sorted(name for name in found if name < id)
        for name in dropped:
            shutil.rmtree(self._directory / name)
        return dropped

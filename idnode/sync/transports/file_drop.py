"""Batches as files, for portals without an API: somebody carries them there, and brings files of verdicts back.

    outbox/<milliseconds>-<report>-<purpose>-<hash>.json   a batch, and beside it the same name with .sig: its signature
    inbox/*.json                                           verdicts, dropped there under any name
    inbox/taken/                                           being read by the node
    inbox/done/, inbox/refused/                            read; no verdicts, with the reason in a file beside it

Files appear under their names when they are complete and on the disk. The cursor of the verdicts is the name in taken/
of the last file that was read: it goes to done/ when the next one is asked for, so that a crash loses none.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, TypeVar

import structlog

from idnode.model.errors import InvalidInput
from idnode.model.reporting import Digest, Purpose, RecordState, ReportedRecord, Verdict, VerdictPage
from idnode.sync.transport import BatchRefused, TransportFailed
from idnode.sync.transports.whole_files import placed, renamed
from idnode.wire.iso_time import iso_time
from idnode.wire.top_node.messages import BATCH_BYTES_MAX, batch_json, read_verdicts
from idnode.wire.top_node.signing import Signer

LOOK_SECONDS = 1.0
UNREADABLE_SECONDS_MAX = 60.0
"""How long a file that is no verdicts is taken for one that is still being copied."""
NAME_CHARACTERS_KEPT_MAX = 48
"""Of the name of a file in the inbox; in UTF-8 a file's name has room for 255 bytes."""
HASH_DIGITS = 16
SIGNED_METHOD = "FILE"
"""Stands in the signed lines in place of a method; the target is the file's name."""

T = TypeVar("T")

log = structlog.get_logger(__name__)


class FileDrop:
    """A transport (sync/transport.py) over a directory. Without a signer no signature is written."""

    has_digests: ClassVar[bool] = False

    def __init__(
        self,
        directory: Path,
        *,
        node: str,
        signer: Signer | None,
        clock: Callable[[], float],
        nonce: Callable[[], str],
    ) -> None:
        self._outbox, self._inbox = directory / "outbox", directory / "inbox"
        self._taken, self._done, self._refused = (self._inbox / name for name in ("taken", "done", "refused"))
        self._node = node
        self._signer = signer
        self._clock = clock
        self._nonce = nonce
        self._milliseconds = 0
        # Two lanes deliver at once, and the names of their files must differ and ascend.
        self._writing = asyncio.Lock()

    async def deliver(self, purpose: Purpose, records: Sequence[ReportedRecord]) -> Sequence[Verdict]:
        """Writes a file, unless one with the same records still lies there. Says sent of each record."""
        if records:
            try:
                async with self._writing:
                    await _done_in_thread(lambda: self._write(purpose, records))
            except InvalidInput as error:
                raise BatchRefused(error.detail) from error
        return [Verdict(record.id, RecordState.SENT) for record in records]

    async def verdicts(self, cursor: str, *, wait_seconds: float) -> VerdictPage:
        """The verdicts of one file, in the order of names; looks each second for as long as it may wait."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_seconds
        while True:
            page = await _done_in_thread(lambda: self._read(cursor))
            left = deadline - loop.time()
            if page is not None:
                return page
            if left <= 0:
                return VerdictPage((), cursor)
            await asyncio.sleep(min(LOOK_SECONDS, left))

    async def digests(self, day: date) -> Sequence[Digest]:  # noqa: ARG002  # of the interface
        """Nothing: a portal without an API tells no digests."""
        return ()

    async def digest_lines(self, prefix: str, day: date) -> Mapping[str, str]:  # noqa: ARG002  # of the interface
        """Nothing, as above."""
        return {}

    async def close(self) -> None:
        """Nothing is held."""

    def _write(self, purpose: Purpose, records: Sequence[ReportedRecord]) -> None:
        # The moment of sending is left out: the same records must be the same file.
        told = sha256(batch_json(self._node, purpose, records, "")).hexdigest()[:HASH_DIGITS]
        self._outbox.mkdir(parents=True, exist_ok=True)
        if any(self._outbox.glob(f"*-{told}.json")):
            return
        now = self._clock()
        name = f"{self._next_milliseconds():013}-{records[0].report}-{purpose}-{told}.json"
        body = batch_json(self._node, purpose, records, iso_time(datetime.fromtimestamp(int(now), UTC)))
        if self._signer is not None:
            headers = self._signer.headers(SIGNED_METHOD, name, body, at=int(now), nonce=self._nonce())
            lines = "".join(f"{header}: {value}\n" for header, value in headers.items())
            placed(self._outbox / f"{name}.sig", lines.encode())
        # Last: where the batch is, its signature is.
        placed(self._outbox / name, body)

    def _read(self, cursor: str) -> VerdictPage | None:
        for directory in (self._taken, self._done, self._refused):
            directory.mkdir(parents=True, exist_ok=True)
        # A name in taken/ is never used twice, so that this is the file that the cursor means.
        if cursor and (self._taken / cursor).exists():
            renamed(self._taken / cursor, self._done / cursor)
        # What a process that ended had taken comes first.
        for path in (*_waiting(self._taken), *_waiting(self._inbox)):
            verdicts = self._verdicts_in(path)
            if verdicts is not None:
                return VerdictPage(verdicts, self._take(path))
        return None

    def _take(self, path: Path) -> str:
        if path.parent == self._taken:
            return path.name
        taken = f"{self._next_milliseconds():013}-{_short(path.name)}"
        renamed(path, self._taken / taken)
        return taken

    def _next_milliseconds(self) -> int:
        self._milliseconds = max(self._milliseconds + 1, int(self._clock() * 1_000))
        return self._milliseconds

    def _verdicts_in(self, path: Path) -> tuple[Verdict, ...] | None:
        """None of a file that is no verdicts, which is put away when it has been so for a while."""
        status = path.stat()
        try:
            _require_short_enough(status.st_size)
            return read_verdicts(path.read_bytes())
        except InvalidInput as error:
            if self._clock() - status.st_mtime < UNREADABLE_SECONDS_MAX:
                return None
            log.warning("verdict_file_refused", file=path.name, reason=error.detail)
            placed(self._refused / f"{_short(path.name)}.reason.txt", f"{error.detail}\n".encode())
            renamed(path, self._refused / _short(path.name))
            return None


def _waiting(directory: Path) -> list[Path]:
    """The files in the order of their names; what begins with a point is not finished."""
    return sorted(path for path in directory.glob("*.json") if not path.name.startswith("."))


def _short(name: str) -> str:
    """The end of a file's name, so that there is room for what is put before and behind it."""
    return name[-NAME_CHARACTERS_KEPT_MAX:]


def _require_short_enough(size: int) -> None:
    if size > BATCH_BYTES_MAX:
        raise InvalidInput(f"{size} bytes, the limit is {BATCH_BYTES_MAX}")


async def _done_in_thread(act: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(act)
    except OSError as error:
        place = error.filename or "the directory"
        raise TransportFailed(f"{place}: {error.strerror or error} (in IDNODE_SYNC_DIRECTORY)") from error

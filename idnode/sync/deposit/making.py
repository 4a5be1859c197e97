"""Makes a deposit: one snapshot of the database → XML → zip → sealed → parts in a directory; all streamed."""

import asyncio
import zipfile
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import IO, Self, TypeVar

from idnode.storage.deposit_rows import DepositSource, DepositTable, reading_for_deposit
from idnode.storage.deposits import Deposit, DepositKind, DepositState, DepositStore, Watermark
from idnode.sync.deposit.chain import basis_of
from idnode.sync.deposit.manifest import FORMAT, Manifest
from idnode.sync.deposit.parts import PartWriter
from idnode.sync.deposit.sealing import Seal, SealedWriter
from idnode.sync.deposit.staging import Staging
from idnode.wire.deposit_xml import DepositColumn, DepositHead, RowsWriter, TableContent, write_head
from idnode.wire.instants import instant_text

HEAD_MEMBER = "deposit.xml"
DEFLATE_LEVEL = 1
"""Records shrink to a ninth; the highest level would save a fifth of that and take five times as long."""
LINES_BYTES = 262_144
"""Rows are taken to the writing thread in lots of about this size."""
SUMMED_UP = 400
"""Deposits that are looked through for one to build on."""
MILLISECOND = timedelta(milliseconds=1)


Returned = TypeVar("Returned")


class DepositMaker:
    """Makes deposits of the database behind `dsn`. `salt` brings random bytes, `now` is the clock."""

    def __init__(
        self,
        dsn: str,
        store: DepositStore,
        staging: Staging,
        *,
        node: str,
        seal: Seal,
        part_bytes: int,
        now: Callable[[], datetime],
        salt: Callable[[], bytes],
    ) -> None:
        self._dsn = dsn
        self._store = store
        self._staging = staging
        self._node = node
        self._seal = seal
        self._part_bytes = part_bytes
        self._now = now
        self._salt = salt

    async def make(self, kind: DepositKind) -> Deposit:
        """The deposit, its files staged. Where there is nothing that a differential could build on, a full one.

        Raises Unavailable, DepositMisconfigured, and OSError when the disk does not take it.
        """
        async with reading_for_deposit(self._dsn) as source:
            known = await self._store.latest(SUMMED_UP)
            base = basis_of(known, source.watermark.lineage) if kind is DepositKind.DIFFERENTIAL else None
            made = _moment_after(known, self._now())
            manifest = await self._write(source, deposit_id(made), base, made)
        deposit = _deposit(manifest, source.watermark, made)
        await self._store.add(deposit)
        return deposit

    async def _write(self, source: DepositSource, id: str, base: Deposit | None, made: datetime) -> Manifest:
        with self._staging.making(id) as directory, ThreadPoolExecutor(1, "deposit") as thread:
            parts = PartWriter(directory, part_bytes=self._part_bytes)
            try:
                sealed = SealedWriter(parts, self._seal, deposit=id, salt=self._salt())
                with Content(sealed, thread) as content:
                    head = await self._fill(content, source, id, base, made)
                    await content.run(content.finish, head)
                    await content.run(sealed.finish)
                    await content.run(parts.finish)
            finally:
                parts.close()
            manifest = self._manifest(head, parts)
            self._staging.keep(manifest)
        return manifest

    async def _fill(
        self, content: "Content", source: DepositSource, id: str, base: Deposit | None, made: datetime
    ) -> DepositHead:
        since = None if base is None else base.watermark
        tables = [await content.add(source, table, since) for table in source.tables]
        return DepositHead(
            node=self._node,
            id=id,
            kind=(DepositKind.FULL if base is None else DepositKind.DIFFERENTIAL).value,
            base="" if base is None else base.id,
            made=instant_text(made),
            snapshot=source.watermark.snapshot,
            lineage=source.watermark.lineage or "",
            seen_at=instant_text(source.watermark.seen_at),
            schema=source.schema,
            tables=tuple(tables),
            sequences=await source.sequences(),
        )

    def _manifest(self, head: DepositHead, parts: PartWriter) -> Manifest:
        return Manifest(
            format=FORMAT,
            node=head.node,
            deposit=head.id,
            resend=0,
            kind=DepositKind(head.kind),
            base=head.base or None,
            made=head.made,
            watermark=head.snapshot,
            seen_at=head.seen_at,
            schema=head.schema,
            cipher=self._seal.cipher_name,
            key=self._seal.key.id,
            total_bytes=sum(part.size_bytes for part in parts.parts),
            sha256=parts.sha256,
            parts=tuple(parts.parts),
        )


class Content:
    """The zip of a deposit as it is written, in a thread of its own: encoding must not hold up who shares the loop."""

    def __init__(self, file: SealedWriter, thread: ThreadPoolExecutor) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=DEFLATE_LEVEL)
        self._thread = thread

    def __enter__(self) -> Self:
        """For the length of a block."""
        return self

    def __exit__(self, *_: object) -> None:
        """What is not finished is given up, rather than ended in order behind everybody's back."""
        self._zip.fp = None

    async def run(self, act: Callable[..., Returned], *arguments: object) -> Returned:
        """In the thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, act, *arguments)

    async def add(self, source: DepositSource, table: DepositTable, since: Watermark | None) -> TableContent:
        """The rows of a table as a member of the zip."""
        async with self._member(table) as rows:
            waiting: list[bytes] = []
            size = 0

            async def take(lines: bytes) -> None:
                nonlocal size
                waiting.append(lines)
                size += len(lines)
                if size >= LINES_BYTES:
                    await self._write(rows, waiting)
                    size = 0

            await source.copy(table, since, take)
            await self._write(rows, waiting)
        return TableContent(table.name, table.columns, rows.rows)

    def finish(self, head: DepositHead) -> None:
        """The head, and the directory of the zip."""
        with self._zip.open(HEAD_MEMBER, "w") as file:
            write_head(file, head)
        self._zip.close()

    async def _write(self, rows: RowsWriter, waiting: list[bytes]) -> None:
        if waiting:
            await self.run(rows.write, b"".join(waiting))
            waiting.clear()

    @asynccontextmanager
    async def _member(self, table: DepositTable) -> AsyncIterator[RowsWriter]:
        columns = [DepositColumn(*pair) for pair in zip(table.columns, table.are_bytes, strict=True)]
        file: IO[bytes] = self._zip.open(member_of(table.name), "w", force_zip64=True)
        try:
            rows = await self.run(RowsWriter, file, table.name, columns)
            yield rows
            await self.run(rows.close)
        finally:
            await self.run(file.close)


def _moment_after(known: Sequence[Deposit], now: datetime) -> datetime:
    """Now, or as little as an id can tell after the latest one: ids order a chain, and clocks are set back."""
    return max([now, *(deposit.made + MILLISECOND for deposit in known[:1])])


def deposit_id(made: datetime) -> str:
    """The moment to the millisecond: `20261124T180000123Z`."""
    moment = made.astimezone(UTC)
    return f"{moment:%Y%m%dT%H%M%S}{moment.microsecond // 1000:03}Z"


def member_of(table: str) -> str:
    """Where the rows of a table are in the zip."""
    return f"{table}.xml"


def _deposit(manifest: Manifest, watermark: Watermark, made: datetime) -> Deposit:
    return Deposit(
        id=manifest.deposit,
        kind=manifest.kind,
        base=manifest.base,
        watermark=watermark,
        made=made,
        files=len(manifest.parts),
        total_bytes=manifest.total_bytes,
        sha256=manifest.sha256,
        state=DepositState.MADE,
        reason=None,
        resend=0,
        updated=made,
    )

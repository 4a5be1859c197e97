"""Re-hosts a node: a full deposit and the differentials that follow it, into an empty database, all or nothing."""

import asyncio
import zipfile
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from idnode.storage.deposit_rows import DepositTable, Extent, RestoreTarget, restoring_into
from idnode.sync.deposit.cipher import DepositKey
from idnode.sync.deposit.errors import DepositRefused
from idnode.sync.deposit.making import member_of
from idnode.sync.deposit.opening import FoundDeposit, find_chain, opened, verify_parts
from idnode.sync.deposit.signing import ManifestVerifier
from idnode.wire.deposit_xml import DepositColumn, DepositHead, TableContent, read_rows


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored: which node, from which deposits, and rows by table (those of differentials counted again)."""

    node: str
    deposits: tuple[str, ...]
    seen_at: str
    rows: dict[str, int]


class Restorer:
    """Restores with the key that deposits were sealed with and the public key of who signed them."""

    def __init__(self, key: DepositKey, verifier: ManifestVerifier) -> None:
        self._key = key
        self._verifier = verifier

    async def verify(self, path: Path) -> list[FoundDeposit]:
        """The chain that would be restored, with every part looked at and every chunk opened. Raises DepositRefused."""
        chain = await asyncio.to_thread(find_chain, path, self._verifier)
        for deposit in chain:
            await asyncio.to_thread(verify_parts, deposit)
            await asyncio.to_thread(self._read_through, deposit)
        return chain

    async def restore(self, path: Path, dsn: str, *, node: str | None = None) -> Restored:
        """`node`: the prefix that it must be of. Raises DepositRefused, NotEmpty, Unavailable: nothing was written."""
        chain = await asyncio.to_thread(find_chain, path, self._verifier)
        found = chain[-1].manifest.node
        if node is not None and node != found:
            raise DepositRefused(f"the deposit is of node {found}, this one is {node}: set IDNODE_PREFIX={found}")
        for deposit in chain:
            await asyncio.to_thread(verify_parts, deposit)
        with ThreadPoolExecutor(1, "restore") as thread:
            async with restoring_into(dsn) as target:
                return await self._restore(chain, target, thread)

    async def _restore(
        self, chain: Sequence[FoundDeposit], target: RestoreTarget, thread: ThreadPoolExecutor
    ) -> Restored:
        rows: dict[str, int] = {}
        with ExitStack() as stack:
            contents = [
                Content(*stack.enter_context(opened(deposit, self._key)), target=target, thread=thread)
                for deposit in chain
            ]
            last = contents[-1]
            # Others refer to what stands whole in the last one.
            for table in last.tables(whole=True):
                rows[table.name] = await last.load(table, is_first=True)
            for place, content in enumerate(contents):
                for table in content.tables(whole=False):
                    rows[table.name] = rows.get(table.name, 0) + await content.load(table, is_first=place == 0)
            await target.settle(last.head.sequences)
        return Restored(last.head.node, tuple(content.head.id for content in contents), last.head.seen_at, rows)

    def _read_through(self, deposit: FoundDeposit) -> None:
        with opened(deposit, self._key) as (_, content):
            broken = content.testzip()
        if broken is not None:
            raise DepositRefused(f"{broken} of deposit {deposit.manifest.deposit} is not what was put in")


class Content:
    """An opened deposit beside the database that it goes into. Refuses what that database has no place for."""

    def __init__(
        self, head: DepositHead, content: zipfile.ZipFile, *, target: RestoreTarget, thread: ThreadPoolExecutor
    ) -> None:
        if head.schema > target.schema:
            detail = (
                f"deposit {head.id} is of schema {head.schema}, this release knows {target.schema}: use a newer one"
            )
            raise DepositRefused(detail)
        self.head = head
        self._content = content
        self._target = target
        self._thread = thread
        self._heads = {table.name: table for table in head.tables}
        unknown = sorted(self._heads.keys() - target.tables.keys())
        if unknown:
            raise DepositRefused(f"deposit {head.id} has tables that this release does not know: {', '.join(unknown)}")

    def tables(self, *, whole: bool) -> list[DepositTable]:
        """Those of the deposit that a differential has wholly, or those that it has in part."""
        tables = self._target.tables.values()
        return [table for table in tables if table.name in self._heads and (table.extent is Extent.WHOLE) is whole]

    async def load(self, table: DepositTable, *, is_first: bool) -> int:
        """The rows of a table into the database; how many. `is_first`: none of the chain are there yet."""
        head = self._heads[table.name]
        rows = Rows(self._content, head, table, self._thread)
        if table.extent is Extent.WHOLE:
            await self._target.replace(table.name, head.columns, rows.lines())
        elif is_first or table.extent is Extent.APPENDED:
            await self._target.append(table.name, head.columns, rows.lines())
        else:
            await self._target.merge(table.name, head.columns, rows.lines())
        if rows.count != head.rows:
            raise DepositRefused(
                f"deposit {self.head.id} has {rows.count} rows of {table.name}, its head says {head.rows}"
            )
        return rows.count


class Rows:
    """The rows of a table, read and decoded in a thread, a lot at a time."""

    def __init__(
        self, content: zipfile.ZipFile, head: TableContent, table: DepositTable, thread: ThreadPoolExecutor
    ) -> None:
        are_bytes = dict(zip(table.columns, table.are_bytes, strict=True))
        unknown = [name for name in head.columns if name not in are_bytes]
        if unknown:
            raise DepositRefused(
                f"table {table.name} has columns that this release does not know: {', '.join(unknown)}"
            )
        self._content = content
        self._table = table.name
        self._columns = [DepositColumn(name, are_bytes[name]) for name in head.columns]
        self._thread = thread
        self.count = 0

    async def lines(self) -> AsyncIterator[bytes]:
        """Lines of COPY."""
        loop = asyncio.get_running_loop()
        with self._content.open(member_of(self._table)) as file:
            lots: Iterator[tuple[int, bytes]] = read_rows(file, self._table, self._columns)
            while (lot := await loop.run_in_executor(self._thread, next, lots, None)) is not None:
                self.count += lot[0]
                yield lot[1]

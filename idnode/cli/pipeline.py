"""Many rows at once, outcomes in the order of the file, memory bounded by the two queues."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from idnode.cli.attempts import Outcome, Stopped, refused_before_sending
from idnode.cli.rows import BrokenRow, Row
from idnode.model.errors import IdnodeError

UNREPORTED_MAX = 4_096
"""Rows that may be ahead of the slowest one."""

Register = Callable[[Row], Awaitable[Outcome]]
Report = Callable[[Outcome], None]
_Promise = asyncio.Future[Outcome]


async def register_rows(
    rows: Iterator[Row | BrokenRow], register: Register, report: Report, *, concurrency: int
) -> None:
    """Send every row, `concurrency` at a time, and report each outcome. Raises what stopped the run."""
    work: asyncio.Queue[tuple[Row, _Promise]] = asyncio.Queue(concurrency)
    order: asyncio.Queue[_Promise | None] = asyncio.Queue(UNREPORTED_MAX)
    stopped: Stopped | None = None
    async with asyncio.TaskGroup() as tasks:
        children = [tasks.create_task(_work(work, register)) for _ in range(concurrency)]
        children.append(tasks.create_task(_feed(rows, work, order)))
        while (promise := await order.get()) is not None:
            outcome = await promise
            if isinstance(outcome, Stopped):
                stopped = outcome
                break
            report(outcome)
        for child in children:
            child.cancel()
    if stopped is not None:
        raise stopped.error


async def _feed(
    rows: Iterator[Row | BrokenRow],
    work: asyncio.Queue[tuple[Row, _Promise]],
    order: asyncio.Queue[_Promise | None],
) -> None:
    loop = asyncio.get_running_loop()
    while True:
        promise: _Promise = loop.create_future()
        try:
            # In a thread: standard input may be a pipe that gives a row now and then.
            row = await asyncio.to_thread(next, rows, None)
        except IdnodeError as error:
            promise.set_result(Stopped(error))
            await order.put(promise)
            return
        if row is None:
            await order.put(None)
            return
        await order.put(promise)
        if isinstance(row, BrokenRow):
            promise.set_result(refused_before_sending(row))
        else:
            await work.put((row, promise))


async def _work(work: asyncio.Queue[tuple[Row, _Promise]], register: Register) -> None:
    while True:
        row, promise = await work.get()
        outcome = await register(row)
        # Whoever waited may have been interrupted meanwhile.
        if not promise.done():
            promise.set_result(outcome)

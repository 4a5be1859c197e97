"""Many rows under way: the file's order, the bound, the end."""

import asyncio
from collections.abc import Iterator

import pytest

from idnode.cli.attempts import AlreadyThere, Outcome, Refused, Registered, Stopped
from idnode.cli.errors import NodeUnreachable
from idnode.cli.pipeline import UNREPORTED_MAX, register_rows
from idnode.cli.rows import BrokenRow, Row
from idnode.model.errors import MalformedInput, Violation


def row(line: int) -> Row:
    return Row(line, f"88.118.8/{line}", b"{}")


def lines_of(outcomes: list[Outcome]) -> list[int]:
    return [
        each.line if isinstance(each, Refused) else each.row.line for each in outcomes if not isinstance(each, Stopped)
    ]


async def test_outcomes_come_in_the_order_of_the_file_whatever_is_slow() -> None:
    first_may_end = asyncio.Event()
    reported: list[Outcome] = []

    async def register(each: Row) -> Outcome:
        if each.line == 1:
            await first_may_end.wait()
        elif each.line == 9:
            first_may_end.set()
        return Registered(each, 0)

    await register_rows(iter([row(n) for n in range(1, 10)]), register, reported.append, concurrency=4)

    assert lines_of(reported) == [1, 2, 3, 4, 5, 6, 7, 8, 9]


async def test_no_more_rows_are_under_way_than_asked() -> None:
    under_way, most = 0, 0
    three_together = asyncio.Barrier(3)

    async def register(each: Row) -> Outcome:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await three_together.wait()
        under_way -= 1
        return Registered(each, 0)

    await register_rows(iter([row(n) for n in range(99)]), register, lambda _outcome: None, concurrency=3)

    assert most == 3


async def test_rows_that_cannot_be_sent_are_refused_in_their_place() -> None:
    reported: list[Outcome] = []
    broken = BrokenRow(2, "", Violation("", "json", "is not JSON"))

    async def register(each: Row) -> Outcome:
        return AlreadyThere(each)

    await register_rows(iter([row(1), broken, row(3)]), register, reported.append, concurrency=2)

    assert reported == [
        AlreadyThere(row(1)),
        Refused(2, "", None, "malformed-input", "is not JSON", (Violation("", "json", "is not JSON"),)),
        AlreadyThere(row(3)),
    ]


async def test_what_stops_a_row_stops_the_run_after_those_before_it() -> None:
    reported: list[Outcome] = []

    async def register(each: Row) -> Outcome:
        return Stopped(NodeUnreachable("away")) if each.line == 3 else Registered(each, 0)

    with pytest.raises(NodeUnreachable, match="away"):
        await register_rows(iter([row(n) for n in range(1, 9)]), register, reported.append, concurrency=2)

    assert lines_of(reported) == [1, 2]


async def test_a_file_that_cannot_be_read_on_stops_the_run_after_what_was_read() -> None:
    reported: list[Outcome] = []

    def rows() -> Iterator[Row]:
        yield row(1)
        raise MalformedInput("line 2: broken CSV")

    async def register(each: Row) -> Outcome:
        return Registered(each, 0)

    with pytest.raises(MalformedInput, match="line 2: broken CSV"):
        await register_rows(rows(), register, reported.append, concurrency=2)

    assert lines_of(reported) == [1]


async def test_no_more_of_the_file_is_read_than_may_wait_for_a_slow_row() -> None:
    read = 0
    is_full = asyncio.Event()

    def rows() -> Iterator[Row]:
        nonlocal read
        while True:
            read += 1
            yield row(read)

    async def register(each: Row) -> Outcome:
        if each.line == 1:
            await is_full.wait()
            return Stopped(NodeUnreachable("away"))
        if each.line == UNREPORTED_MAX:
            is_full.set()
        return Registered(each, 0)

    with pytest.raises(NodeUnreachable):
        await register_rows(rows(), register, lambda _outcome: None, concurrency=4)

    assert read <= UNREPORTED_MAX + 3

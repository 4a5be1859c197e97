"""Turns: one caller after the other, in order of arrival."""

import asyncio

import pytest

from idnode.model.errors import Unavailable
from idnode.registry import turns as module
from idnode.registry.turns import Turns


async def test_callers_go_one_after_the_other_in_the_order_of_their_arrival() -> None:
    turns = Turns()
    seen: list[tuple[str, int]] = []

    async def call(number: int) -> None:
        async with turns.turn("one"):
            seen.append(("begin", number))
            await asyncio.sleep(0)
            seen.append(("end", number))

    await asyncio.gather(*(call(number) for number in range(3)))

    assert seen == [("begin", 0), ("end", 0), ("begin", 1), ("end", 1), ("begin", 2), ("end", 2)]


async def test_names_do_not_wait_for_each_other() -> None:
    turns = Turns()

    async with turns.turn("one"), turns.turn("another"):
        entered = True

    assert entered


async def test_a_caller_that_goes_away_does_not_keep_the_turn() -> None:
    turns = Turns()
    gone_while_waiting, gone_with_the_turn, last = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def call(event: asyncio.Event) -> None:
        async with turns.turn("one"):
            event.set()

    async with turns.turn("one"):
        tasks = [asyncio.create_task(call(event)) for event in (gone_while_waiting, gone_with_the_turn, last)]
        await asyncio.sleep(0)
        tasks[0].cancel()
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    assert [event.is_set() for event in (gone_while_waiting, gone_with_the_turn, last)] == [False, False, True]


async def test_too_many_waiting_callers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_CALLERS_MAX", 0)
    turns = Turns()

    async with turns.turn("one"):
        with pytest.raises(Unavailable, match="0 requests wait for their turn already"):
            async with turns.turn("one"):
                pass


async def test_a_turn_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TURN_SECONDS_MAX", 0.001)
    turns = Turns()

    async with turns.turn("one"):
        with pytest.raises(Unavailable, match=r"did not come within 0\.001 seconds"):
            async with turns.turn("one"):
                pass

    async with turns.turn("one"):
        came_again = True

    assert came_again

"""Numbers that a worker takes in blocks and hands out from memory: gaps after a crash, none ever twice."""

import asyncio
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from idnode.model.errors import Conflict, IdnodeError, Violation
from idnode.model.mint import MintPattern

BLOCK_NUMBERS = 100
SEQUENCES_KEPT_MAX = 10_000
"""Beyond them the one that was asked for longest ago is forgotten, and the rest of its block with it."""


class SequenceExhausted(Conflict):
    """The sequence of a pattern has no further number in its period."""

    code = "sequence-exhausted"


class Counters(Protocol):
    """Where sequences stand, for all workers."""

    async def take_block(self, pattern: MintPattern, period: str, *, wanted: int, last: int) -> range:
        """Up to `wanted` numbers that nobody else gets, none above `last`."""


@dataclass(slots=True)
class Sequence:
    """What is left of the blocks of one sequence, and the read that brings the next."""

    numbers: deque[int] = field(default_factory=deque)
    filling: "asyncio.Future[None] | None" = None


class NumberBlocks:
    """The sequences of this process. One block is asked for at a time; who needs it too waits for the same."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._sequences: OrderedDict[tuple[UUID, str], Sequence] = OrderedDict()

    async def take(self, pattern: MintPattern, period: str, count: int) -> list[int]:
        """`count` numbers in rising order. Raises SequenceExhausted, and then none is lost; Unavailable."""
        sequence = self._sequence(pattern, period)
        while len(sequence.numbers) < count:
            await self._fill(sequence, pattern, period, count - len(sequence.numbers))
        return [sequence.numbers.popleft() for _ in range(count)]

    def _sequence(self, pattern: MintPattern, period: str) -> Sequence:
        key = (pattern.id, period)
        sequence = self._sequences.get(key)
        if sequence is None:
            if len(self._sequences) >= SEQUENCES_KEPT_MAX:
                self._sequences.popitem(last=False)
            sequence = self._sequences[key] = Sequence()
        else:
            self._sequences.move_to_end(key)
        return sequence

    async def _fill(self, sequence: Sequence, pattern: MintPattern, period: str, missing: int) -> None:
        if sequence.filling is not None:
            await asyncio.shield(sequence.filling)
            return
        filling = sequence.filling = asyncio.get_running_loop().create_future()
        try:
            block = await self._counters.take_block(
                pattern, period, wanted=max(missing, BLOCK_NUMBERS), last=last_number(pattern)
            )
            sequence.numbers.extend(block)
            if len(block) < missing:
                raise exhausted(pattern, period)
        except IdnodeError as error:
            filling.set_exception(error)
            # Perhaps nobody waits; the loop is not to complain of an error that nobody fetched.
            filling.exception()
            raise
        finally:
            sequence.filling = None
            if not filling.done():
                filling.set_result(None)


def last_number(pattern: MintPattern) -> int:
    """The last number of a pattern that has a sequence."""
    highest = pattern.pattern.highest
    if highest is None:
        raise LookupError(f"pattern {pattern.id} has no sequence")
    return highest


def exhausted(pattern: MintPattern, period: str) -> SequenceExhausted:
    """The refusal when there are not enough numbers left."""
    limit, within = str(last_number(pattern)), f" of {period}" if period else ""
    detail = f"pattern {pattern.pattern.text} has not that many numbers{within} left; its last one is {limit}"
    violation = Violation("", "sequence-exhausted", detail, pattern.pattern.text, limit)
    return SequenceExhausted(detail, violations=(violation,))

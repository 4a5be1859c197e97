"""Recursion: records of prefixes that are not this node's, fetched from whoever answers for them; off by default."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from idnode.handle_client.bounded import BoundedCache
from idnode.handle_client.client import Resolved
from idnode.handle_client.errors import RecursionStopped, ServerRefused, WrongAnswer
from idnode.handle_client.walk import seconds_good
from idnode.model.errors import IdnodeError, NotFound, NotResponsible, Unavailable
from idnode.model.identifier import Identifier, Prefix
from idnode.model.record import Record, State
from idnode.resolver.service import VERSION_ELSEWHERE
from idnode.storage.identifiers import StoredRecord
from idnode.wire.messages.codes import ResponseCode
from idnode.wire.record_json import render_record

UNDER_WAY_MAX = 64
"""Walks at once in one worker."""
WAITING_MAX = 1_024
"""Who waits for one of these to end; further ones are refused."""
SECONDS_MAX = 5.0
"""From the question to its answer, the waiting included."""
ENTRIES_MAX = 20_000
KEPT_SECONDS_MAX = 86_400
MISSING_SECONDS = 60
"""How long it is remembered that there is no such identifier, or nobody who answers for it."""

_ABSENT = frozenset({ResponseCode.HANDLE_NOT_FOUND, ResponseCode.INVALID_HANDLE})


class Walks(Protocol):
    """The way from the top node down, as `handle_client.walk.Walk` knows it."""

    async def resolve(self, handle: str, *, seconds_max: float) -> Resolved:
        """What the server in charge says."""


class Recursion:
    """`find` fetches and remembers. `own` is the node's prefix, for which and below which nobody else is asked."""

    def __init__(
        self, walks: Walks, own: Prefix, *, seconds: Callable[[], float], monotonic: Callable[[], float]
    ) -> None:
        self._walks = walks
        self._own = own.labels
        self._seconds = seconds
        self._monotonic = monotonic
        self._kept: BoundedCache[StoredRecord | NotFound | NotResponsible] = BoundedCache(ENTRIES_MAX, monotonic)
        self._under_way: dict[str, asyncio.Future[None]] = {}
        self._room = asyncio.Semaphore(UNDER_WAY_MAX)
        self._waiting = 0

    async def find(self, identifier: Identifier) -> StoredRecord:
        """The public values as they stand elsewhere. Raises NotResponsible, NotFound, Unavailable, RecursionStopped."""
        if identifier.prefix.labels[: len(self._own)] == self._own:
            raise NotResponsible(f"prefix {identifier.prefix.text} is not given out")
        if self._waiting >= WAITING_MAX:
            raise Unavailable(f"{WAITING_MAX} questions for other nodes wait; try again shortly")
        self._waiting += 1
        try:
            async with asyncio.timeout(SECONDS_MAX):
                return await self._find(identifier)
        except TimeoutError as error:
            raise Unavailable(f"the nodes that were asked gave no answer within {SECONDS_MAX:g} seconds") from error
        finally:
            self._waiting -= 1

    async def _find(self, identifier: Identifier) -> StoredRecord:
        # Whether case tells suffixes apart is known to the other node only.
        key = f"{identifier.prefix.folded}/{identifier.suffix}"
        while (kept := self._kept.find(key)) is None and key in self._under_way:
            await asyncio.wait([self._under_way[key]])
        match kept:
            case StoredRecord():
                return kept
            case None:
                return await self._fetch(key, identifier)
            case _:
                raise type(kept)(kept.detail)

    async def _fetch(self, key: str, identifier: Identifier) -> StoredRecord:
        ended = self._under_way[key] = asyncio.get_running_loop().create_future()
        try:
            async with self._room:
                found = await self._walks.resolve(identifier.text, seconds_max=SECONDS_MAX)
        except (ServerRefused, WrongAnswer, NotResponsible) as error:
            refusal = _refusal(identifier, error)
            if isinstance(refusal, NotFound | NotResponsible):
                self._kept.keep(key, refusal, MISSING_SECONDS)
            raise refusal from error
        finally:
            del self._under_way[key]
            ended.set_result(None)
        stored = stored_elsewhere(identifier, found, datetime.fromtimestamp(int(self._seconds()), UTC))
        self._kept.keep(key, stored, seconds_good(found.values, self._seconds(), seconds_max=KEPT_SECONDS_MAX))
        return stored


def stored_elsewhere(identifier: Identifier, found: Resolved, now: datetime) -> StoredRecord:
    """The values in the form in which this node's own records are read; `now` where no value has a moment."""
    moments = [value.timestamp for value in found.values] or [now]
    record = Record(identifier, VERSION_ELSEWHERE, State.ACTIVE, None, {}, found.values, min(moments), max(moments))
    document = render_record(record)
    return StoredRecord(
        identifier.folded, record.version, record.state, record.is_public, document.values_at, document.json
    )


def _refusal(identifier: Identifier, error: IdnodeError) -> IdnodeError:
    match error:
        case ServerRefused(response_code=code) if code in _ABSENT:
            return NotFound(f"{identifier.text} is not registered with the node that answers for its prefix")
        case NotResponsible() | RecursionStopped():
            return error
        case _:
            return Unavailable(f"the node that answers for {identifier.prefix.text}: {error.detail}")

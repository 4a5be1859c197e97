"""Resolutions of the native protocol: asked of the resolver, kept in the cache that HTTP has, and told as bytes."""

import asyncio
from collections.abc import Callable
from functools import partial
from time import perf_counter_ns
from typing import NamedTuple, Protocol

from idnode.frontends.native.reading import NativeRead
from idnode.frontends.native.replies import Outcome, refusal, reply
from idnode.model.errors import IdnodeError, NotResponsible, Unavailable
from idnode.resolver import tally as tallies
from idnode.resolver.cache import AnswerCache
from idnode.resolver.service import VERSION_ELSEWHERE, ResolverService
from idnode.resolver.tally import Source
from idnode.resolver.usage import Usage
from idnode.storage.identifiers import StoredRecord
from idnode.wire.messages.codes import OpFlag, ResponseCode
from idnode.wire.messages.message import Message

ROUTE = "handle-native"
STATUS: dict[ResponseCode, int] = {
    ResponseCode.SUCCESS: 200,
    ResponseCode.VALUES_NOT_FOUND: 200,
    ResponseCode.BUSY: 503,
    ResponseCode.PROTOCOL_ERROR: 400,
    ResponseCode.HANDLE_NOT_FOUND: 404,
    ResponseCode.INVALID_HANDLE: 400,
    ResponseCode.NOT_RESPONSIBLE: 400,
    ResponseCode.PREFIX_REFERRAL: 300,
    ResponseCode.INVALID_ADMIN: 403,
    ResponseCode.INSUFFICIENT_PERMISSION: 403,
    ResponseCode.AUTHENTICATION_NEEDED: 401,
}
"""As what an answer counts in the statistics, which know one kind of status."""
KEPT = frozenset({ResponseCode.SUCCESS, ResponseCode.VALUES_NOT_FOUND})
KEPT_NEGATIVE = frozenset(
    {
        ResponseCode.HANDLE_NOT_FOUND,
        ResponseCode.INVALID_HANDLE,
        ResponseCode.NOT_RESPONSIBLE,
        ResponseCode.PREFIX_REFERRAL,
    }
)
UNKEPT_FLAGS = OpFlag.CERTIFY | OpFlag.ENCRYPT | OpFlag.RETURN_DIGEST


class Told(Protocol):
    """Takes what answers a request: one message, or those of a list that comes in parts, in order."""

    def __call__(self, *messages: bytes) -> None:
        """To be called once."""


class Asked(NamedTuple):
    """A resolution under way; `since` is the state of the cache before its read began."""

    message: Message
    read: NativeRead
    key: bytes
    since: int
    source: Source
    begun: int
    told: Told
    withheld: Callable[[], None] | None = None
    """Called instead of an answer where somebody has to prove who asks."""


def key_of(data: bytes) -> bytes:
    """What tells a request from others: all its bytes but the request id and when it expires."""
    return data[:8] + data[12:36] + data[40:]


def with_request_id(kept: bytes, request: bytes, expiration: bytes) -> bytes:
    """A kept answer for another request: with its id, and good for another while."""
    return kept[:8] + request[8:12] + kept[8:32] + expiration + kept[32:]


def kept_form(message: bytes) -> bytes:
    """The inverse: what of an answer is kept."""
    return message[:8] + message[12:36] + message[40:]


class NativeResolving:
    """`ask` never waits; what the directory does not know yet is a task. `seconds` is the clock of the world."""

    def __init__(
        self, resolver: ResolverService, cache: AnswerCache, usage: Usage, *, seconds: Callable[[], float]
    ) -> None:
        self._resolver = resolver
        self._cache = cache
        self._usage = usage
        self._seconds = seconds
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Look prefixes up until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self._tasks = None

    def ask(
        self,
        message: Message,
        data: bytes,
        source: Source,
        told: Told,
        withheld: Callable[[], None] | None = None,
    ) -> None:
        """Begin to answer a resolution; `withheld` is called instead where values take credentials."""
        begun, since = perf_counter_ns(), self._cache.mark()
        try:
            read = NativeRead.of(message)
        except IdnodeError as error:
            told(self._counted(message, refusal(error), source, begun))
            return
        asked = Asked(message, read, key_of(data), since, source, begun, told, withheld)
        try:
            if self._resolver.ask(read.identifier.prefix, read.identifier.folded, partial(self._done, asked)):
                return
        except IdnodeError as error:
            self._refused(asked, error)
            return
        if self._tasks is None:
            self._refused(asked, Unavailable("the node is going down"))
        else:
            self._tasks.create_task(self._look_up(asked))

    async def _look_up(self, asked: Asked) -> None:
        recursively = bool(asked.message.header.flags & OpFlag.RECURSIVE)
        try:
            stored = await self._resolver.resolve(asked.read.identifier, recursively=recursively)
        except IdnodeError as error:
            # What another node said is kept by whoever asked it: no change of it is told to this one.
            keeps = not (recursively and self._resolver.asks_elsewhere(asked.read.identifier.prefix))
            self._refused(asked, error, keeps=keeps)
        else:
            self._found(asked, stored)

    def _done(self, asked: Asked, stored: StoredRecord | None, error: IdnodeError | None) -> None:
        if error is not None:
            self._refused(asked, error)
            return
        try:
            found = self._resolver.found(asked.read.identifier, stored)
        except IdnodeError as missing:
            self._refused(asked, missing)
        else:
            self._found(asked, found)

    def _found(self, asked: Asked, stored: StoredRecord) -> None:
        try:
            self._speak(asked, asked.read.found(stored), keeps=stored.version != VERSION_ELSEWHERE)
        except IdnodeError as withheld:
            self._refused(asked, withheld)

    def _refused(self, asked: Asked, error: IdnodeError, *, keeps: bool = True) -> None:
        is_foreign = isinstance(error, NotResponsible)
        self._speak(asked, asked.read.refused(error), is_foreign=is_foreign, keeps=keeps)

    def _speak(self, asked: Asked, outcome: Outcome, *, is_foreign: bool = False, keeps: bool = True) -> None:
        """Tell and, if others may be told the same, keep."""
        message, identifier = asked.message, asked.read.identifier
        data = reply(message, outcome, now=int(self._seconds()))
        prefix = None if is_foreign or not keeps else identifier.prefix.folded
        status, is_negative = STATUS.get(outcome.code, 500), outcome.code in KEPT_NEGATIVE
        is_shared = not message.header.flags & UNKEPT_FLAGS and not message.credential
        if keeps and is_shared and (is_negative or outcome.code in KEPT):
            kind = tallies.Outcome.NEGATIVE if is_negative else tallies.Outcome.HIT
            kept = self._usage.tally(prefix, ROUTE, status, kind)
            self._cache.keep(
                asked.key, identifier.folded, kept_form(data), kept.number, negative=is_negative, since=asked.since
            )
        missed = self._usage.tally(
            prefix, ROUTE, status, tallies.Outcome.ERROR if status >= 500 else tallies.Outcome.MISS
        )
        self._usage.count(asked.source, missed, perf_counter_ns() - asked.begun)
        if asked.withheld is not None and outcome.code is ResponseCode.AUTHENTICATION_NEEDED:
            asked.withheld()
        else:
            asked.told(data)

    def _counted(self, message: Message, outcome: Outcome, source: Source, begun: int) -> bytes:
        tally = self._usage.tally(None, ROUTE, STATUS.get(outcome.code, 500), tallies.Outcome.MISS)
        self._usage.count(source, tally, perf_counter_ns() - begun)
        return reply(message, outcome, now=int(self._seconds()))

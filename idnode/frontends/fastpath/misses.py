"""Questions that the cache cannot answer: asked of the resolver, and kept when they are answered."""

import asyncio
from functools import partial
from math import ceil
from typing import NamedTuple

import structlog
from aiohttp import web

from idnode.frontends.answer import Answer, bytes_of
from idnode.frontends.fastpath.front import Beginnings, Spoken, Told
from idnode.frontends.fastpath.questions import Question
from idnode.frontends.problems import problem_answer
from idnode.frontends.refusals import InternalFault
from idnode.model.errors import IdnodeError, NotResponsible, Unavailable
from idnode.resolver.cache import AnswerCache
from idnode.resolver.freshness import Freshness
from idnode.resolver.service import ResolverService
from idnode.resolver.tally import Outcome
from idnode.resolver.usage import Usage
from idnode.storage.identifiers import StoredRecord

FOUND = frozenset({200, 302})
MISSING = frozenset({300, 400, 404, 410})
"""What is kept, as positive and as negative entries: what depends on the record and its prefix and on nothing else."""

log = structlog.get_logger("idnode.http")


class Miss(NamedTuple):
    """A question under way; `since` is the state of the cache before its read began."""

    key: bytes
    question: Question
    since: int
    told: Told


class Misses:
    """`ask` never waits: whoever asked is told by the event loop."""

    def __init__(
        self,
        resolver: ResolverService,
        cache: AnswerCache,
        freshness: Freshness,
        usage: Usage,
        beginnings: Beginnings,
        *,
        stale_seconds_max: float,
    ) -> None:
        self._resolver = resolver
        self._cache = cache
        self._freshness = freshness
        self._usage = usage
        self._beginnings = beginnings
        self._stale_seconds_max = stale_seconds_max
        self._loop = asyncio.get_running_loop()

    def ask(self, key: bytes, question: Question, told: Told) -> bool:
        """Begin the read. False: its prefix has to be looked up first, which is for whoever can wait."""
        miss = Miss(key, question, self._cache.mark(), told)
        identifier = question.read.identifier
        try:
            if self._resolver.ask(identifier.prefix, identifier.folded, partial(self.done, miss)):
                return True
        except IdnodeError as refusal:
            self._loop.call_soon(self._refused, miss, refusal)
            return True
        stale = None if self._freshness.is_fresh else self.stale(key)
        if stale is None:
            return False
        self._loop.call_soon(told, stale)
        return True

    def stale(self, key: bytes) -> Spoken | None:
        """What was kept before the database went away, marked as such (RFC 9111 §5.1, §5.5; RFC 9211)."""
        entry = self._cache.find_even_stale(key)
        seconds = self._freshness.age_seconds()
        if entry is None or seconds is None or seconds > self._stale_seconds_max:
            return None
        kept = self._usage.tallies[entry[1]]
        age = ceil(seconds)
        more = b'Age: %d\r\nWarning: 110 idnode "Response is Stale"\r\nCache-Status: idnode; hit; ttl=-%d\r\n'
        tally = self._usage.tally(kept.prefix, kept.route, kept.status, Outcome.STALE)
        return Spoken(self._beginnings.of(kept.status), more % (age, age), entry[0], tally)

    def stale_response(self, key: bytes) -> web.Response | None:
        """The same for whoever asks by way of aiohttp."""
        spoken = self.stale(key)
        if spoken is None or spoken.tally is None:
            return None
        head, _, body = (spoken.more + spoken.rest).partition(b"\r\n\r\n")
        parts = (line.partition(": ") for line in head.decode("latin-1").split("\r\n"))
        headers = [(name, value) for name, _, value in parts]
        return web.Response(status=spoken.tally.status, headers=headers, body=body)

    def done(self, miss: Miss, stored: StoredRecord | None, error: IdnodeError | None) -> None:
        """The read of a question has ended: answer it."""
        if error is not None:
            self._refused(miss, error)
            return
        wanted = miss.question.read
        try:
            answer = wanted.found(self._resolver.found(wanted.identifier, stored))
        except IdnodeError as refusal:
            self._refused(miss, refusal)
        except Exception:  # the HTTP error boundary of what aiohttp does not see (STYLE.md, 8)
            log.exception("request_crashed", path=miss.key.decode("ascii", "replace"))
            self._speak(miss, problem_answer(InternalFault("an unexpected error")), Outcome.ERROR)
        else:
            self._speak(miss, answer, Outcome.MISS)

    def _refused(self, miss: Miss, refusal: IdnodeError) -> None:
        if isinstance(refusal, Unavailable):
            stale = self.stale(miss.key)
            if stale is not None:
                miss.told(stale)
                return
        answer = miss.question.read.refused(refusal)
        outcome = Outcome.ERROR if answer.status >= 500 else Outcome.MISS
        self._speak(miss, answer, outcome, is_foreign=isinstance(refusal, NotResponsible))

    def _speak(self, miss: Miss, answer: Answer, outcome: Outcome, *, is_foreign: bool = False) -> None:
        identifier, route = miss.question.read.identifier, miss.question.route
        prefix = None if is_foreign else identifier.prefix.folded
        rest = bytes_of(answer)
        is_negative = answer.status in MISSING
        if miss.question.is_kept and (is_negative or answer.status in FOUND):
            kept = self._usage.tally(prefix, route, answer.status, Outcome.NEGATIVE if is_negative else Outcome.HIT)
            self._beginnings.cover()
            self._cache.keep(miss.key, identifier.folded, rest, kept.number, negative=is_negative, since=miss.since)
        tally = self._usage.tally(prefix, route, answer.status, outcome)
        self._beginnings.cover()
        miss.told(Spoken(self._beginnings.of_tallies[tally.number], b"", rest, tally))

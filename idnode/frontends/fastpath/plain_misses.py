"""The commonest miss in few steps: a handle without a query in plain characters, asked for with a vetted header."""

import asyncio
import re
from time import perf_counter_ns

from idnode.frontends.fastpath.front import Asker, Beginnings, Told
from idnode.frontends.fastpath.misses import Miss, Misses
from idnode.frontends.fastpath.questions import question_of
from idnode.frontends.rest.replies import public_rest
from idnode.model.errors import IdnodeError
from idnode.model.record import State
from idnode.resolver.cache import AnswerCache
from idnode.resolver.metrics import ResolverCounters
from idnode.resolver.prefixes_asked import Counted, PrefixesAsked
from idnode.resolver.service import ResolverService
from idnode.resolver.tally import Source
from idnode.resolver.usage import Usage
from idnode.storage.identifiers import StoredRecord

ROUTE = "handle-rest"

# Within the limits of an identifier, and nothing that JSON or a URL would write in another way: what matches is its own
# text, and the parser of identifiers takes it.
_PLAIN = re.compile(rb"GET /api/handles/([0-9]{1,20}(?:\.[0-9]{1,20}){0,4})/([A-Za-z0-9._~:@!$'()*,;=-]{1,128})")


class PlainMisses:
    """Answers what is active and public; whatever turns out otherwise is for `misses`, as a question like any other."""

    def __init__(
        self,
        misses: Misses,
        resolver: ResolverService,
        counters: ResolverCounters,
        cache: AnswerCache,
        usage: Usage,
        beginnings: Beginnings,
    ) -> None:
        self._misses = misses
        self._resolver = resolver
        self._counters = counters
        self._cache = cache
        self._usage = usage
        self._beginnings = beginnings
        self._loop = asyncio.get_running_loop()
        self._prefixes = PrefixesAsked(usage, ROUTE, added=beginnings.cover)
        self._answered: list[tuple[bytes, str, bytes, int, Counted, Source, int]] = []

    def ask(self, key: bytes, asker: Asker, source: Source, told: Told) -> bool:
        """Begin the read. False: this is none of the plain ones, or cannot be told at once; nothing was begun.

        `asker` gets the usual answer, counted for `source`; `told` gets any other.
        """
        plain = _PLAIN.fullmatch(key)
        if plain is None:
            return False
        prefix, suffix = plain.groups()
        below = self._prefixes.of(prefix)
        folded = below.top + suffix.decode("ascii").upper()
        since, began = self._cache.mark(), perf_counter_ns()

        def found(stored: StoredRecord | None, error: IdnodeError | None) -> None:
            if stored is None or stored[2] is not State.ACTIVE or not stored[3]:
                question = question_of(key[4:])
                if question is not None:
                    self._misses.done(Miss(key, question, since, told), stored, error)
                return
            rest = public_rest(key[17:], stored)
            counted = below.counted or self._prefixes.counted(below)
            asker.told_plainly(rest, counted.missed.number)
            if not self._answered:
                self._loop.call_soon(self._keep)
            self._answered.append((key, folded, rest, since, counted, source, began))

        try:
            return self._resolver.ask(below.prefix, folded, found)
        except IdnodeError:
            # Refused: asked again as any other question, it is answered so.
            return False

    def _keep(self) -> None:
        """Keep and count what was answered in this turn.

        Not between two answers: a client that is woken for one of them falls asleep again before the next is written,
        and waking it takes longer than writing.
        """
        answered, self._answered = self._answered, []
        ended = perf_counter_ns()
        self._counters.found += len(answered)
        keep, count = self._cache.keep, self._usage.count
        for key, folded, rest, since, counted, source, began in answered:
            count(source, counted.missed, ended - began)
            keep(key, folded, rest, counted.hit_number, negative=False, since=since)

"""The simulated top node without its HTTP: takes batches in, judges later, tells verdicts and digests, plants drift."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from random import Random
from typing import NamedTuple

from idnode.model.reporting import Digest, RecordState, Report, Verdict, VerdictPage
from idnode.simulator.journal import Journal
from idnode.simulator.judging import Effect, Judge, Judgement, Moment
from idnode.simulator.planting import Planted, Wanted, plant
from idnode.simulator.settings import Awkwardness, as_document, changed
from idnode.simulator.store import Settled, Store
from idnode.simulator.whims import Act, Whims
from idnode.wire.instants import instant_text
from idnode.wire.top_node.digests import digest_of
from idnode.wire.top_node.messages import Batch

REQUESTS_SHOWN = 20
POLL_SLICE_SECONDS = 0.5
"""A long poll looks up so often whether an outage began or the simulator stops."""
CATCH_UP_RECORDS = 1_000


class Served(NamedTuple):
    """A request and what was done to it, for the status page."""

    number: int
    at: str
    method: str
    target: str
    status: int
    records: int
    act: Act
    delay_ms: int


@dataclass(frozen=True, slots=True)
class Randomness:
    """Three sources, so that a request more does not change which records are rejected or planted."""

    requests: Random
    records: Random
    plants: Random

    @classmethod
    def seeded(cls, seed: int) -> "Randomness":
        """The same seed, the same whims."""
        return cls(*(Random(f"{seed}:{use}") for use in ("requests", "records", "plants")))  # noqa: S311  # no secret


class TopNode:
    """Everything that a request leads to. `clock` gives epoch seconds; the time that it shows to nodes is skewed."""

    def __init__(
        self,
        awkwardness: Awkwardness,
        *,
        store: Store,
        journal: Journal,
        randomness: Randomness,
        clock: Callable[[], float],
    ) -> None:
        self.whims = Whims(awkwardness, randomness.requests, clock)
        self.served: deque[Served] = deque(maxlen=REQUESTS_SHOWN)
        self.acts: Counter[Act] = Counter()
        self.planted: Counter[str] = Counter()
        self.store = store
        self._journal = journal
        self._random = randomness
        self._clock = clock
        self._requests = 0
        self._news = asyncio.Event()
        self._is_closing = False
        self._catch_up()

    def now(self) -> float:
        """Epoch seconds by the clock that nodes see."""
        return self._clock() + self.whims.awkwardness.clock_skew_seconds

    def at(self) -> str:
        """The present moment as text, by the true clock, which the journal keeps to."""
        return instant_text(datetime.fromtimestamp(self._clock(), UTC))

    def change(self, changes: Mapping[str, object]) -> Mapping[str, object]:
        """Other settings from now on; answers with all of them. Raises InvalidInput."""
        self.whims.change(changed(self.whims.awkwardness, changes))
        settings = as_document(self.whims.awkwardness)
        self._note("settings", settings)
        return settings

    def request_number(self) -> int:
        """Of the request that has come."""
        self._requests += 1
        return self._requests

    def note_served(self, served: Served) -> None:
        """A request is done with."""
        self.served.append(served)
        self.acts[served.act] += 1
        self._note(
            "request",
            {
                "request": served.number,
                "method": served.method,
                "target": served.target,
                "status": served.status,
                "act": served.act,
            },
        )

    def take(self, batch: Batch, *, request: int) -> Sequence[Verdict]:
        """One verdict for each record; it is stored before this returns."""
        if not batch.records:
            return ()
        self._settle()
        report = batch.records[0].report
        known = self.store.standings([record.id for record in batch.records])
        unknown = {record.subject for record in batch.records if record.id not in known}
        judge = Judge(
            report,
            self.whims.awkwardness,
            self._random.records,
            known,
            self.store.versions(report, unknown),
            moment=Moment(self._clock(), self.at()),
            last_arrival=self.store.last_arrival,
        )
        judgement = judge.judged(batch.purpose, batch.records)
        self.store.keep(report, judgement)
        self._note_batch(batch, report, judgement, request=request)
        self._wake()
        return judgement.verdicts

    async def verdicts(self, after: int, *, wait_seconds: float) -> VerdictPage:
        """What was judged after a cursor; waits while there is nothing, but not into an outage."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_seconds
        while True:
            self._settle()
            page = self.store.verdicts_after(after)
            left = deadline - loop.time()
            if page.verdicts or left <= 0 or self.whims.is_out() or self._is_closing:
                return page
            await self._sleep(min(left, POLL_SLICE_SECONDS))

    async def digests(self, day: date) -> Sequence[Digest]:
        """Of a day (UTC+8) by prefix; prefix by prefix, so that other requests are served in between."""
        self._settle()
        found: list[Digest] = []
        for prefix in self.store.prefixes_of(day.isoformat()):
            lines = self.lines(prefix, day)
            if lines:
                found.append(Digest(prefix, day, len(lines), digest_of(lines)))
            await asyncio.sleep(0)
        return found

    def lines(self, prefix: str, day: date) -> Mapping[str, str]:
        """By id the SHA-256 of what is held."""
        return self.store.lines(prefix, day.isoformat())

    def decide(self, record: str, verdict: RecordState, reason: str | None) -> bool:
        """A person's answer to an application that waits; False if none of this id does."""
        if not self.store.decide(record, verdict, reason, now=self._clock()):
            return False
        for settled in self._settle():
            if settled.told.id == record:
                self._note("decided", {"report": settled.report, settled.outcome: [settled.told]})
        self._wake()
        return True

    def plant(self, wanted: Wanted) -> Planted:
        """Drift over accepted T9 records. Raises InvalidInput when there are too few."""
        self._settle()
        planted = plant(self.store, wanted, self._random.plants, arrived=self.at())
        self.planted.update({kind: len(ids) for kind, ids in planted.ids().items()})
        members = {"dropped": planted.dropped, "changed": planted.changed, "extra": planted.extra}
        self._note("planted", {"through": self.store.last_arrival, **members})
        return planted

    def summary(self) -> dict[str, object]:
        """What the status page shows, as JSON."""
        self._settle()
        records: dict[str, dict[str, int]] = {}
        for (report, state), number in sorted(self.store.counts.items()):
            if number:
                records.setdefault(report, {})[state] = number
        return {
            "now": instant_text(datetime.fromtimestamp(self.now(), UTC)),
            "records": records,
            "conflicts": self.store.oddities[Effect.CONFLICT.value],
            "order_violations": self.store.oddities[Effect.DISORDER.value],
            "is_out": self.whims.is_out(),
            "requests": self._requests,
            "acts": {act.value: self.acts[act] for act in Act if self.acts[act]},
            "last_requests": [served._asdict() for served in self.served],
            "planted": dict(self.planted),
            "waiting": [id_ for id_, _ in self.store.waiting()],
            "settings": as_document(self.whims.awkwardness),
        }

    def close(self) -> None:
        """Long polls end; store and journal are let go of."""
        self._is_closing = True
        self._wake()

    def _settle(self) -> Sequence[Settled]:
        share = self.whims.awkwardness.duplicates
        draw = self._random.records.random
        return self.store.settle_due(self._clock(), is_told_twice=lambda: bool(share) and draw() < share)

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def _sleep(self, seconds: float) -> None:
        due = self.store.next_due
        until_due = seconds if due is None else max(0.001, due - self._clock())
        try:
            async with asyncio.timeout(min(seconds, until_due)):
                await self._news.wait()
        except TimeoutError:
            return

    def _catch_up(self) -> None:
        """The journal tells of what the store had taken in when the process was killed before it was written."""
        if not self._journal.is_kept:
            return
        while missed := self.store.taken_after(self._journal.through, limit=CATCH_UP_RECORDS):
            through = self._journal.through = missed[-1].arrival
            by_outcome: dict[tuple[str, str], list[object]] = {}
            for each in missed:
                by_outcome.setdefault((each.report, each.outcome), []).append(each.told)
            for (report, outcome), told in by_outcome.items():
                self._note("caught-up", {"report": report, "through": through, outcome: told})

    def _note_batch(self, batch: Batch, report: Report, judgement: Judgement, *, request: int) -> None:
        members: dict[str, object] = {
            "request": request,
            "node": batch.node,
            "report": report.value,
            "purpose": batch.purpose.value,
            "records": len(batch.records),
            "through": self.store.last_arrival,
        }
        self._note("batch", members | {effect.value: told for effect, told in judgement.effects.items()})

    def _note(self, event: str, members: Mapping[str, object]) -> None:
        self._journal.write(event, self.at(), members)

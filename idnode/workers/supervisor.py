"""The supervisor: a process in each slot, replaced when it falls, exchanged at a reload, seen off at the end.

```text
spawned --terms--> starting --READY--> ready --LEAVE--> leaving --> gone
                      |                  |                 '--too slow--> killed
                      '------- end ------'--> fallen: a successor, after a wait that doubles
```

Beside the workers there may be one relay, and processes that write the rows of imports. Nobody waits for these: a node
without them registers and resolves all the same.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog

from idnode.frontends.ops.snapshots import Snapshot, added, lasting, snapshot_json
from idnode.lifecycle import CannotStart
from idnode.workers.backoff import Backoff
from idnode.workers.channel import ChannelBroken, Kind, Message
from idnode.workers.child import Child, Place, Role
from idnode.workers.port import Port, begin_no_more

WATCH_SECONDS = 1.0
SILENCE_SECONDS_MAX = 30.0
"""A process tells its counters every second; one that has been silent for so long hangs, and is ended for it."""
LEAVE_SECONDS_MAX = 5.0
"""What a process gets beyond its time to drain, to tidy up."""
RELAY = Place(Role.RELAY, 0)

# What is logged of whom.
FELL = {Role.WORKER: "worker_fell", Role.RELAY: "relay_fell", Role.IMPORTER: "importer_fell"}
NOT_STARTED = {
    Role.WORKER: "worker_not_started",
    Role.RELAY: "relay_not_started",
    Role.IMPORTER: "importer_not_started",
}
HANGS = {Role.WORKER: "worker_hangs", Role.RELAY: "relay_hangs", Role.IMPORTER: "importer_hangs"}
KILLED = {Role.WORKER: "worker_killed", Role.RELAY: "relay_killed", Role.IMPORTER: "importer_killed"}

log = structlog.get_logger("idnode.workers")


@dataclass(frozen=True, slots=True)
class Terms:
    """What a generation of processes begins with; `content` may hold secrets."""

    workers: int
    drain_seconds: float
    content: dict[str, object] = field(repr=False)
    has_relay: bool = False
    importers: int = 0

    @property
    def beside(self) -> tuple[Place, ...]:
        """What there is beside the workers."""
        relay = (RELAY,) if self.has_relay else ()
        return (*relay, *(Place(Role.IMPORTER, number) for number in range(self.importers)))


@dataclass(slots=True, eq=False)
class Slot:
    """A place, and who stands in it, if anybody has yet."""

    place: Place
    child: Child | None
    backoff: Backoff = field(default_factory=Backoff)


class Supervisor:
    """`own` counts what is not any child's; `monotonic` gives seconds. Made by `supervising`."""

    def __init__(
        self, port: Port, tasks: asyncio.TaskGroup, *, own: Callable[[], Snapshot], monotonic: Callable[[], float]
    ) -> None:
        self.restarts = dict.fromkeys(Role, 0)
        self._port = port
        self._tasks = tasks
        self._own = own
        self._monotonic = monotonic
        self._children: set[Child] = set()
        self._recruits: list[Child] = []
        self._slots: list[Slot] = []
        self._restarting: set[asyncio.Task[None]] = set()
        self._terms: Terms | None = None
        self._gone: Snapshot = ()
        self._is_ending = False

    @property
    def ready(self) -> int:
        """Workers that answer requests now."""
        return sum(child.is_ready for child in self._children if child.place.role is Role.WORKER)

    async def recruit(self, count: int) -> None:
        """Start processes ahead of their terms: what they need to get ready is the longest part of a start."""
        for number in range(count):
            self._recruits.append(await self._spawn(Place(Role.WORKER, number)))

    async def begin(self, terms: Terms) -> None:
        """Return when the recruits, one for each slot, answer requests. Raises CannotStart when one falls before."""
        recruits, self._recruits = self._recruits, []
        self._terms = terms
        if not await self._have_started(recruits, terms):
            raise CannotStart("a worker fell before it was ready; the log says why")
        self._slots = [Slot(child.place, child) for child in recruits]
        self._add_beside(terms)
        for slot in self._slots:
            # It may have fallen while the others were waited for.
            self._look_after(slot)

    async def reload(self, terms: Terms) -> bool:
        """Exchange all processes, workers on the same sockets; False, and all as before, when a worker is not ready."""
        fresh: list[Child] = []
        try:
            for number in range(terms.workers):
                fresh.append(await self._spawn(Place(Role.WORKER, number)))  # noqa: PERF401  # those before a failure are to be ended
            have_started = await self._have_started(fresh, terms)
        except OSError as error:
            log.warning("worker_not_started", detail=str(error))
            have_started = False
        if not have_started:
            self._dismiss(fresh)
            return False
        earlier, before = self._slots, self._terms
        self._terms = terms
        self._slots = [Slot(child.place, child) for child in fresh]
        for slot in earlier:
            is_last = slot.place.role is Role.WORKER and slot.place.number >= terms.workers
            if slot.child is not None:
                self._see_off(slot.child, before or terms, takes_queue=is_last)
            if is_last:
                self._port.close(slot.place.number)
        self._add_beside(terms)
        for slot in self._slots:
            self._look_after(slot)
        return True

    async def drain(self) -> None:
        """Let nobody in any more, and return when every process has finished what was under way, or had its time."""
        self._is_ending = True
        for task in self._restarting:
            task.cancel()
        for child in tuple(self._children):
            if not child.is_leaving:
                self._see_off(child, self._terms, takes_queue=True)
        # The workers have these sockets, too, and close them when the queues are empty.
        self._port.close_all()
        for child in tuple(self._children):
            await child.ended.wait()

    def kill(self) -> None:
        """End whatever is left, without warning."""
        self._is_ending = True
        for child in self._children:
            child.is_leaving = True
            child.kill()

    async def watch(self) -> None:
        """End processes that hang, until cancelled."""
        looked_at = self._monotonic()
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            earlier, looked_at = looked_at, self._monotonic()
            for child in self._children:
                if not child.is_ready:
                    continue
                if looked_at - earlier > SILENCE_SECONDS_MAX / 2:
                    # We ourselves were held up; what was said meanwhile is still to be heard.
                    child.heard_at = looked_at
                elif looked_at - child.heard_at > SILENCE_SECONDS_MAX:
                    log.error(HANGS[child.place.role], pid=child.pid, seconds=SILENCE_SECONDS_MAX)
                    child.kill()

    async def sum(self) -> Snapshot:
        """The counters of all processes, those of the past included, so that none ever falls."""
        async with asyncio.TaskGroup() as asking:
            for child in self._children:
                if child.ready_at is not None:
                    asking.create_task(child.fresh_snapshot())
        return added((self._own(), self._gone, *(child.snapshot for child in self._children)))

    # One process.

    def _add_beside(self, terms: Terms) -> None:
        """They start by themselves, and are looked after when they do not."""
        for place in terms.beside:
            slot = Slot(place, None)
            self._slots.append(slot)
            self._begin_restart(self._fill(slot, None, 0.0))

    async def _spawn(self, place: Place) -> Child:
        inherited = self._port.sockets_of(place.number) if place.role is Role.WORKER else ()
        child = await Child.spawn(place, inherited)
        self._children.add(child)
        self._tasks.create_task(self._attend(child))
        return child

    async def _have_started(self, children: list[Child], terms: Terms) -> bool:
        async with asyncio.TaskGroup() as starting:
            started = [starting.create_task(_start(child, terms)) for child in children]
        return all(task.result() for task in started)

    async def _attend(self, child: Child) -> None:
        """Hear a process until it has gone."""
        try:
            while (message := await child.channel.receive()) is not None:
                self._heard(child, message)
        except ChannelBroken as error:
            log.warning("worker_confused", pid=child.pid, detail=error.detail)
            child.kill()
        except asyncio.CancelledError:
            child.kill()
            raise
        finally:
            await child.bury()
            self._children.discard(child)
            self._gone = added((self._gone, lasting(child.snapshot)))
        for slot in self._slots:
            self._look_after(slot)

    def _heard(self, child: Child, message: Message) -> None:
        child.heard_at = self._monotonic()
        match message.kind:
            case Kind.READY:
                child.heard_ready(self._monotonic())
            case Kind.SNAPSHOT:
                child.heard_snapshot(message.content)
            case Kind.SUM_WANTED:
                self._tasks.create_task(self._tell_sum(child))
            case _:
                raise ChannelBroken(f"a child does not say {message.kind}")

    async def _tell_sum(self, child: Child) -> None:
        try:
            await child.channel.send(Message(Kind.SUM, {"families": snapshot_json(await self.sum())}))
        except ChannelBroken as error:
            log.warning("sum_not_told", pid=child.pid, detail=error.detail)

    def _look_after(self, slot: Slot) -> None:
        """Find a successor for a process that has fallen."""
        fallen = slot.child
        if fallen is None or self._is_ending or fallen.is_leaving or not fallen.ended.is_set():
            return
        fallen.is_leaving = True  # not to be found twice
        ready_seconds = 0.0 if fallen.ready_at is None else self._monotonic() - fallen.ready_at
        wait = slot.backoff.fell(ready_seconds=ready_seconds)
        role, number = slot.place
        log.warning(FELL[role], pid=fallen.pid, slot=number, exit_code=fallen.exit_code, wait_seconds=wait)
        self._begin_restart(self._fill(slot, fallen, wait))

    def _begin_restart(self, work: Coroutine[None, None, None]) -> None:
        task = self._tasks.create_task(work)
        self._restarting.add(task)
        task.add_done_callback(self._restarting.discard)

    async def _fill(self, slot: Slot, fallen: Child | None, wait: float) -> None:
        """Put a process into a slot whose one has fallen, or that had none yet."""
        role, number = slot.place
        while True:
            await asyncio.sleep(wait)
            terms = self._terms
            if terms is None or slot.child is not fallen or slot not in self._slots:
                return
            self.restarts[role] += fallen is not None
            try:
                slot.child = await self._spawn(slot.place)
            except OSError as error:
                wait = slot.backoff.fell(ready_seconds=0)
                log.warning(NOT_STARTED[role], slot=number, detail=str(error), wait_seconds=wait)
                continue
            await _start(slot.child, terms)
            return

    def _see_off(self, child: Child, terms: Terms | None, *, takes_queue: bool) -> None:
        """Let it end in order, if it has begun; `takes_queue`: nobody else will serve who waits at its socket."""
        child.is_leaving = True
        if child.ready_at is None or terms is None:
            child.kill()
            return
        if takes_queue and child.place.role is Role.WORKER:
            for listener in self._port.sockets_of(child.place.number):
                begin_no_more(listener)
        self._tasks.create_task(_until_gone(child, terms.drain_seconds + LEAVE_SECONDS_MAX, takes_queue=takes_queue))

    def _dismiss(self, children: list[Child]) -> None:
        for child in children:
            child.is_leaving = True
            child.kill()
        workers = sum(slot.place.role is Role.WORKER for slot in self._slots)
        for child in children:
            if child.place.number >= workers:
                self._port.close(child.place.number)


@asynccontextmanager
async def supervising(
    port: Port, *, own: Callable[["Supervisor"], Snapshot], monotonic: Callable[[], float]
) -> AsyncIterator[Supervisor]:
    """A supervisor for the length of a block; no child outlives it."""
    async with asyncio.TaskGroup() as tasks:
        supervisor = Supervisor(port, tasks, own=lambda: own(supervisor), monotonic=monotonic)
        watching = tasks.create_task(supervisor.watch())
        try:
            yield supervisor
        finally:
            watching.cancel()
            supervisor.kill()


async def _start(child: Child, terms: Terms) -> bool:
    """Hand over the terms, wait until the process is ready."""
    try:
        await child.channel.send(Message(Kind.BEGIN, terms.content))
    except ChannelBroken:
        child.kill()
    return await child.has_started()


async def _until_gone(child: Child, seconds_max: float, *, takes_queue: bool) -> None:
    try:
        await child.channel.send(Message(Kind.LEAVE, {"takes_queue": takes_queue}))
        async with asyncio.timeout(seconds_max):
            await child.ended.wait()
    except (ChannelBroken, TimeoutError) as error:
        log.warning(KILLED[child.place.role], pid=child.pid, detail=str(error) or "it did not end in time")
        child.kill()

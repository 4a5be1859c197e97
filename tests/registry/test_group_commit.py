"""Group commit on a real database: shared commits, an outcome for each caller, order within one identifier."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from blocking import held, until_blocked

from idnode.model.change import Subject, Trace
from idnode.model.errors import Unavailable
from idnode.model.identifier import fold
from idnode.model.record import Operation, State
from idnode.registry.group_commit import GroupCommit
from idnode.registry.metrics import RegistryCounters
from idnode.storage.changes import ChangeStore
from idnode.storage.database import Database, StorageFault
from idnode.storage.idempotency import Claim, KeptAnswer, KeptClaim
from idnode.storage.identifiers import IdentifierStore, RecordWrite, StoredRecord, WriteOutcome

AT = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
TRACE = Trace("test", "r-1", AT)
ANSWER = KeptAnswer(201, "application/json", '"1"', None, b"{}")
COMMITTED = WriteOutcome.COMMITTED


@dataclass
class Commits:
    """Group commit on a store, and the groups that it made, as folded identifiers."""

    store: IdentifierStore
    groups: list[list[str]] = field(default_factory=list)
    counters: RegistryCounters = field(default_factory=RegistryCounters)
    told: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.group_commit = GroupCommit(self._commit, self.counters, committed=self._committed)

    async def outcomes(self, *writes: RecordWrite) -> list[WriteOutcome | BaseException]:
        """What became of writes that all wait before the first group is taken."""
        async with running(self.group_commit, *(self.group_commit.submit(write) for write in writes)) as submitted:
            return await asyncio.gather(*submitted, return_exceptions=True)

    def _committed(self, identifiers: Sequence[str]) -> None:
        self.told.append(list(identifiers))

    async def _commit(self, writes: Sequence[RecordWrite]) -> list[WriteOutcome]:
        self.groups.append([write.record.folded for write in writes])
        return await self.store.commit(writes)


@asynccontextmanager
async def running(
    group_commit: GroupCommit, *submits: Coroutine[Any, Any, WriteOutcome]
) -> AsyncIterator[list["asyncio.Task[WriteOutcome]"]]:
    """The loops of group commit for the length of a block; `submits` come first."""
    submitted = [asyncio.create_task(submit) for submit in submits]
    loops = asyncio.create_task(group_commit.run())
    try:
        yield submitted
    finally:
        loops.cancel()
        await asyncio.gather(loops, return_exceptions=True)


@pytest.fixture
def commits(database: Database) -> Commits:
    return Commits(IdentifierStore(database))


def registration(identifier: str, *, token: str | None = None) -> RecordWrite:
    document = b'{"values":[]}'
    record = StoredRecord(fold(identifier), 1, State.ACTIVE, True, 10, document)
    kept = None if token is None else KeptClaim(Claim(UUID(int=7), token.encode(), b"fingerprint"), ANSWER, AT)
    return RecordWrite(record, Operation.REGISTER, TRACE, kept)


def revision(identifier: str, *, version: int) -> RecordWrite:
    """The write that makes `version` of a record."""
    first = registration(identifier)
    return RecordWrite(first.record._replace(version=version), Operation.REPLACE, TRACE)


async def versions(database: Database, identifier: str) -> list[int]:
    """The versions in the history of an identifier, oldest first."""
    changes = await ChangeStore(database).page(Subject.IDENTIFIER, fold(identifier), below_version=99, limit=99)
    return [change.version for change in reversed(changes)]


async def test_concurrent_writes_share_commits_of_256_at_most(commits: Commits) -> None:
    outcomes = await commits.outcomes(*(registration(f"88.118.8/JX-{number}") for number in range(300)))

    assert outcomes == [COMMITTED] * 300
    assert [len(group) for group in commits.groups] == [256, 44]
    assert commits.counters.groups == 2


async def test_each_caller_gets_the_outcome_of_its_own_write(commits: Commits) -> None:
    await commits.store.commit([registration("88.118.8/A"), registration("88.118.8/B")])

    outcomes = await commits.outcomes(
        registration("88.118.8/A"),
        registration("88.118.8/C"),
        revision("88.118.8/B", version=7),
        revision("88.118.8/NONE", version=2),
    )

    assert outcomes == [
        WriteOutcome.EXISTS,
        COMMITTED,
        WriteOutcome.VERSION_MOVED,
        WriteOutcome.VERSION_MOVED,
    ]
    assert len(commits.groups) == 1


async def test_neighbours_of_a_taken_claim_are_written_all_the_same(commits: Commits) -> None:
    await commits.store.commit([registration("88.118.8/FIRST", token="taken")])

    outcomes = await commits.outcomes(
        registration("88.118.8/A", token="free"),
        registration("88.118.8/B", token="taken"),
        registration("88.118.8/C"),
    )

    assert outcomes == [COMMITTED, WriteOutcome.CLAIM_TAKEN, COMMITTED]
    assert set(await commits.store.find_many(["88.118.8/A", "88.118.8/B", "88.118.8/C"])) == {
        "88.118.8/A",
        "88.118.8/C",
    }
    assert [len(group) for group in commits.groups] == [3, 1, 1, 1]


async def test_of_two_writes_with_one_claim_in_one_group_the_first_is_written(commits: Commits) -> None:
    outcomes = await commits.outcomes(
        registration("88.118.8/A", token="same"), registration("88.118.8/B", token="same")
    )

    assert outcomes == [COMMITTED, WriteOutcome.CLAIM_TAKEN]
    assert set(await commits.store.find_many(["88.118.8/A", "88.118.8/B"])) == {"88.118.8/A"}


async def test_a_write_that_postgresql_refuses_fails_alone(commits: Commits) -> None:
    impossible = registration("88.118.8/B")._replace(trace=Trace("test", "NUL \x00", AT))

    outcomes = await commits.outcomes(registration("88.118.8/A"), impossible, registration("88.118.8/C"))

    assert [outcome if isinstance(outcome, WriteOutcome) else type(outcome) for outcome in outcomes] == [
        COMMITTED,
        StorageFault,
        COMMITTED,
    ]


async def test_writes_of_one_identifier_keep_their_order_and_never_share_a_group(
    commits: Commits, database: Database
) -> None:
    outcomes = await commits.outcomes(
        registration("88.118.8/A"),
        revision("88.118.8/A", version=2),
        registration("88.118.8/B"),
        revision("88.118.8/A", version=3),
        revision("88.118.8/B", version=2),
    )

    assert outcomes == [COMMITTED] * 5
    assert await versions(database, "88.118.8/A") == [1, 2, 3]
    assert [sorted(group) for group in commits.groups] == [
        ["88.118.8/A", "88.118.8/B"],
        ["88.118.8/A", "88.118.8/B"],
        ["88.118.8/A"],
    ]


async def test_a_write_that_waits_for_its_identifier_holds_up_no_other(commits: Commits, database: Database) -> None:
    await commits.store.commit([registration("88.118.8/A")])
    lock = "SELECT FROM identifier WHERE folded = '88.118.8/A' FOR UPDATE"
    submit = commits.group_commit.submit

    async with running(commits.group_commit) as _:
        async with held(database, lock):
            second = asyncio.create_task(submit(revision("88.118.8/A", version=2)))
            await until_blocked(database, sessions=1)
            third = asyncio.create_task(submit(revision("88.118.8/A", version=3)))
            other = await submit(registration("88.118.8/B"))
            waiting = [second.done(), third.done()]
        await asyncio.gather(second, third)

    assert (other, waiting) == (COMMITTED, [False, False])
    assert (second.result(), third.result()) == (COMMITTED, COMMITTED)
    assert await versions(database, "88.118.8/A") == [1, 2, 3]


async def test_a_database_that_is_away_is_told_to_every_caller_of_the_group(dsn: str) -> None:
    closed = await Database.open(dsn, connections_max=2)
    await closed.close()
    commits = Commits(IdentifierStore(closed))

    outcomes = await commits.outcomes(*(registration(f"88.118.8/JX-{number}") for number in range(3)))

    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
    assert [len(group) for group in commits.groups] == [3]
    assert commits.counters.groups == 0


async def test_after_a_failure_the_next_group_is_written(commits: Commits, database: Database) -> None:
    impossible = registration("88.118.8/A")._replace(trace=Trace("test", "NUL \x00", AT))

    first = await commits.outcomes(impossible)
    second = await commits.outcomes(registration("88.118.8/A"))

    assert [type(outcome) for outcome in first] == [StorageFault]
    assert second == [COMMITTED]
    assert await versions(database, "88.118.8/A") == [1]


async def test_ten_thousand_writes_may_wait_and_no_more(commits: Commits) -> None:
    write = registration("88.118.8/A")
    waiting = [asyncio.create_task(commits.group_commit.submit(write)) for _ in range(10_000)]

    one_more = asyncio.create_task(commits.group_commit.submit(write))
    await asyncio.wait([one_more], timeout=5)
    for task in (*waiting, one_more):
        task.cancel()
    *given_up, outcome = await asyncio.gather(*waiting, one_more, return_exceptions=True)

    assert isinstance(outcome, Unavailable)
    assert (outcome.detail, outcome.is_retryable) == ("10000 writes wait already; try again shortly", True)
    assert {type(each) for each in given_up} == {asyncio.CancelledError}


async def test_the_write_of_a_caller_that_went_away_stands_and_the_loops_go_on(
    commits: Commits, database: Database
) -> None:
    lock = "LOCK TABLE identifier IN SHARE MODE"

    async with running(commits.group_commit):
        async with held(database, lock):
            gone = asyncio.create_task(commits.group_commit.submit(registration("88.118.8/A")))
            await until_blocked(database, sessions=1)
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
        after = await commits.group_commit.submit(revision("88.118.8/A", version=2))

    assert gone.cancelled()
    assert after is COMMITTED
    assert await versions(database, "88.118.8/A") == [1, 2]


async def test_what_was_committed_is_told_before_any_caller_hears_of_it(commits: Commits) -> None:
    await commits.store.commit([registration("88.118.8/A")])
    told_by_then: list[list[list[str]]] = []

    async def write_and_look(write: RecordWrite) -> None:
        await commits.group_commit.submit(write)
        told_by_then.append(list(commits.told))

    writes = [registration("88.118.8/A"), registration("88.118.8/B"), registration("88.118.8/C")]
    async with running(commits.group_commit):
        await asyncio.gather(*map(write_and_look, writes))

    assert told_by_then == [[["88.118.8/B", "88.118.8/C"]]] * 3


async def test_a_write_whose_outcome_is_unknown_is_told_like_one_that_was_done(dsn: str) -> None:
    closed = await Database.open(dsn, connections_max=2)
    await closed.close()
    commits = Commits(IdentifierStore(closed))

    await commits.outcomes(registration("88.118.8/A"), revision("88.118.8/B", version=2))

    assert commits.told == [["88.118.8/A", "88.118.8/B"]]


async def test_neighbours_that_were_written_one_by_one_are_told_and_what_was_refused_is_not(commits: Commits) -> None:
    await commits.store.commit([registration("88.118.8/FIRST", token="taken")])

    await commits.outcomes(registration("88.118.8/A", token="taken"), registration("88.118.8/B"))

    assert commits.told == [["88.118.8/B"]]

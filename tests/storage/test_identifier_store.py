"""Records in groups: each write its own outcome, the record and its change row together, and no group in two halves."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest

from idnode.model.change import Subject, Trace
from idnode.model.identifier import Prefix, fold
from idnode.model.record import Operation, State
from idnode.storage.changes import ChangeStore
from idnode.storage.database import Database
from idnode.storage.idempotency import Claim, ClaimTaken, IdempotencyStore, KeptAnswer, KeptClaim
from idnode.storage.identifiers import IdentifierStore, RecordWrite, StoredRecord, WriteOutcome

AT = datetime(2026, 3, 9, 8, 0, tzinfo=UTC)
TRACE = Trace("test", "r-1", AT)
COMMITTED, EXISTS, MOVED = WriteOutcome.COMMITTED, WriteOutcome.EXISTS, WriteOutcome.VERSION_MOVED


@pytest.fixture
def store(database: Database) -> IdentifierStore:
    return IdentifierStore(database)


def registration(identifier: str, *, text: str = "one", token: str | None = None) -> RecordWrite:
    document = f'{{"text":"{text}","values":[1]}}'.encode()
    record = StoredRecord(fold(identifier), 1, State.ACTIVE, True, document.index(b"["), document)
    return RecordWrite(record, Operation.REGISTER, TRACE, None if token is None else kept(token, text))


def revision(identifier: str, *, version: int, text: str = "two", state: State = State.ACTIVE) -> RecordWrite:
    """The write that makes `version` of a record."""
    first = registration(identifier, text=text)
    return RecordWrite(first.record._replace(version=version, state=state), Operation.REPLACE, TRACE)


def kept(token: str, text: str) -> KeptClaim:
    answer = KeptAnswer(201, "application/json", '"1"', "/v1/identifiers/x", text.encode())
    return KeptClaim(Claim(UUID(int=7), token.encode(), b"fingerprint"), answer, AT)


async def history(database: Database, identifier: str) -> list[tuple[int, str, bytes | None, bytes | None]]:
    changes = await ChangeStore(database).page(Subject.IDENTIFIER, fold(identifier), below_version=99, limit=9)
    return [(change.version, change.operation, change.old, change.new) for change in changes]


async def test_a_registration_is_found_with_everything_it_was_given(store: IdentifierStore) -> None:
    write = registration("88.118.8/Jx-1")

    outcomes = await store.commit([write])
    found = await store.find("88.118.8/JX-1")

    assert outcomes == [COMMITTED]
    assert found == StoredRecord("88.118.8/JX-1", 1, State.ACTIVE, True, 23, b'{"text":"one","values":[1]}')
    assert found.values_json == b"[1]"


async def test_many_are_found_at_once_and_what_does_not_exist_is_absent(store: IdentifierStore) -> None:
    await store.commit([registration("88.118.8/A"), registration("88.118.8/B")])

    found = await store.find_many(["88.118.8/B", "88.118.8/NONE", "88.118.8/A", "88.118.8/B"])

    assert set(found) == {"88.118.8/A", "88.118.8/B"}
    assert await store.find_many([]) == {}


async def test_each_write_of_a_group_gets_its_own_outcome(store: IdentifierStore) -> None:
    await store.commit([registration("88.118.8/A"), registration("88.118.8/B"), registration("88.118.8/C")])

    outcomes = await store.commit(
        [
            revision("88.118.8/B", version=2),
            registration("88.118.8/A", text="again"),
            revision("88.118.8/NONE", version=2),
            registration("88.118.8/D"),
            revision("88.118.8/C", version=3),
        ]
    )
    found = await store.find_many([f"88.118.8/{letter}" for letter in "ABCD"])

    assert outcomes == [COMMITTED, EXISTS, MOVED, COMMITTED, MOVED]
    assert {key: (record.version, record.document[9:12]) for key, record in found.items()} == {
        "88.118.8/A": (1, b"one"),
        "88.118.8/B": (2, b"two"),
        "88.118.8/C": (1, b"one"),
        "88.118.8/D": (1, b"one"),
    }


async def test_every_committed_write_has_its_change_row_and_no_other_write_has_one(
    store: IdentifierStore, database: Database
) -> None:
    one, two = registration("88.118.8/A"), revision("88.118.8/A", version=2, state=State.SUSPENDED)
    await store.commit([one])
    await store.commit([registration("88.118.8/A", text="again")])
    await store.commit([two])
    await store.commit([revision("88.118.8/A", version=2, text="late")])

    assert await history(database, "88.118.8/A") == [
        (2, "replace", one.record.document, two.record.document),
        (1, "register", None, one.record.document),
    ]
    found = await store.find("88.118.8/A")
    assert found is not None
    assert found.state is State.SUSPENDED


async def test_an_answer_is_kept_with_its_write_and_only_when_that_was_done(
    store: IdentifierStore, database: Database
) -> None:
    await store.commit([registration("88.118.8/A")])

    outcomes = await store.commit(
        [registration("88.118.8/A", token="refused"), registration("88.118.8/B", text="new", token="done")]
    )
    answers = IdempotencyStore(database)

    assert outcomes == [EXISTS, COMMITTED]
    assert await answers.find(kept("refused", "one").claim) is None
    assert await answers.find(kept("done", "new").claim) == (b"fingerprint", kept("done", "new").answer)


async def test_a_taken_claim_undoes_the_whole_group(store: IdentifierStore, database: Database) -> None:
    await store.commit([registration("88.118.8/A", token="taken")])

    with pytest.raises(ClaimTaken):
        await store.commit([registration("88.118.8/B"), registration("88.118.8/C", token="taken")])

    assert await store.find_many(["88.118.8/B", "88.118.8/C"]) == {}
    assert await history(database, "88.118.8/B") == []


async def test_of_many_registrations_of_one_identifier_at_once_one_wins(
    store: IdentifierStore, database: Database
) -> None:
    texts = [f"text {number}" for number in range(8)]

    outcomes = await asyncio.gather(*(store.commit([registration("88.118.8/A", text=text)]) for text in texts))
    winner = registration("88.118.8/A", text=texts[outcomes.index([COMMITTED])]).record

    assert sorted(outcome.name for [outcome] in outcomes) == ["COMMITTED"] + ["EXISTS"] * 7
    assert await store.find("88.118.8/A") == winner
    assert await history(database, "88.118.8/A") == [(1, "register", None, winner.document)]


async def test_groups_that_share_identifiers_in_opposite_orders_never_wait_in_a_ring(store: IdentifierStore) -> None:
    names = [f"88.118.8/{number:03}" for number in range(200)]
    await asyncio.gather(
        store.commit([registration(name) for name in names]),
        store.commit([registration(name) for name in reversed(names)]),
    )

    for version in range(2, 7):
        outcomes = await asyncio.gather(
            store.commit([revision(name, version=version) for name in names]),
            store.commit([revision(name, version=version) for name in reversed(names)]),
        )
        committed = [sum(outcome is COMMITTED for outcome in group) for group in outcomes]
        assert sum(committed) == 200


async def test_a_page_holds_one_prefix_in_key_order_and_goes_on_where_the_last_one_ended(
    store: IdentifierStore,
) -> None:
    names = ["88.118.8/B", "88.118.8/A/Z", "88.118.8/10", "88.118.80/A", "88.118.8.1/A", "88.118/A", "88.118.8/织"]
    await store.commit([registration(name) for name in names])
    prefix = Prefix.parse("88.118.8")

    first = await store.page(prefix, after="", state=None, limit=2)
    second = await store.page(prefix, after=first[-1].folded, state=None, limit=9)

    assert [record.folded for record in first] == ["88.118.8/10", "88.118.8/A/Z"]
    assert [record.folded for record in second] == ["88.118.8/B", "88.118.8/织"]


async def test_a_page_may_be_of_one_state(store: IdentifierStore) -> None:
    await store.commit([registration("88.118.8/A"), registration("88.118.8/B")])
    await store.commit([revision("88.118.8/A", version=2, state=State.DELETED)])
    prefix = Prefix.parse("88.118.8")

    deleted = await store.page(prefix, after="", state=State.DELETED, limit=9)
    active = await store.page(prefix, after="", state=State.ACTIVE, limit=9)

    assert [record.folded for record in deleted] == ["88.118.8/A"]
    assert [record.folded for record in active] == ["88.118.8/B"]

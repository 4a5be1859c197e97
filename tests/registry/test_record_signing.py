"""Records signed at registration: what is signed, when, with which key, and what costs those nothing who have none."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest
from harness import NodeUnderTest
from signed import private

from idnode.model.access import ApiKey, Role
from idnode.model.change import Subject, Trace
from idnode.model.errors import Conflict, IdnodeError, InvalidInput, NotFound, Unavailable, VersionMoved
from idnode.model.handle_value import HandleValue, Permission
from idnode.model.identifier import Identifier, Prefix
from idnode.model.record import Operation, Record, State
from idnode.registry.batches import BatchWriter, Registration
from idnode.registry.commands import Asked, Content, Patch, Revision
from idnode.registry.directory_writes import DirectoryWriter
from idnode.registry.group_commit import GroupCommit
from idnode.registry.handle_keys import HandleKeyForm, HandleKeys
from idnode.registry.metrics import RegistryCounters
from idnode.registry.planning import RecordPlanner
from idnode.registry.service import RegistryService
from idnode.registry.signing import KeySealing, Signatures, Signer, UnreadableSigningKey, issuer_of, with_signature
from idnode.registry.signing_keys import SigningKeys
from idnode.storage.changes import ChangeStore
from idnode.storage.directory import Directory
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.identifiers import IdentifierStore
from idnode.storage.keys import KeyStore
from idnode.storage.prefixes import PrefixStore
from idnode.storage.signing_keys import SigningKey, SigningKeyStore
from idnode.storage.templates import TemplateStore
from idnode.wire.record_json import read_record
from idnode.wire.signed_values import SignatureClaims, SignedText
from idnode.wire.trust import value_verdicts
from idnode.wire.typed_values.hs_pubkey import HsPubkey

PREFIX = Prefix.parse("88.118.8")
MOMENT = datetime(2026, 11, 24, 7, 18, 31, 250_000, tzinfo=UTC)
DONE = KeptAnswer(200, "", None, None, b"")
KEY = ApiKey(UUID(int=7), "operator", Role.ADMIN, (), "", MOMENT, None, None, None, None, 1)
ASKED = Asked(KEY, Trace("operator", "request", MOMENT))


def url(index: int, text: str = "https://example.com/a") -> HandleValue:
    return HandleValue(index, "URL", text.encode(), MOMENT.replace(microsecond=0))


def sealing(byte: bytes = b"k") -> KeySealing:
    return KeySealing(lambda: byte * 32, lambda size: b"n" * size)


@dataclass
class Desk:
    """The registries of a node on a database of its own."""

    directory: Directory
    planner: RecordPlanner
    registry: RegistryService
    identifiers: IdentifierStore
    keys: SigningKeys
    store: SigningKeyStore
    batches: BatchWriter
    changes: ChangeStore

    async def give(self, *chain: str) -> SigningKey:
        given: list[SigningKey] = []

        def answer(key: SigningKey) -> KeptAnswer:
            given.append(key)
            return DONE

        await self.keys.give(PREFIX, chain, ASKED, answer)
        self.directory.forget()
        return given[0]

    async def take_away(self) -> None:
        await self.keys.take_away(PREFIX, ASKED, lambda _: DONE)
        self.directory.forget()

    async def register(self, text: str, *values: HandleValue) -> None:
        await self.registry.register(Identifier.parse(text), Content(None, {}, values), ASKED, lambda *_: DONE)

    async def revise(self, text: str, operation: Operation, body: Content | Patch | None = None) -> None:
        await self.registry.revise(Revision(Identifier.parse(text), operation, body), ASKED, lambda *_: DONE)

    async def record(self, text: str) -> Record:
        stored = await self.identifiers.find(text)
        assert stored is not None
        return read_record(stored.document)

    async def verdict(self, text: str) -> tuple[str, dict[int, str]]:
        """Who signed a record, and what that says of its values; the signature fits the public key at its issuer."""
        record = await self.record(text)
        (signature,) = [value for value in record.values if value.type == "HS_SIGNATURE"]
        signed = SignedText.of(signature.data)
        claims = SignatureClaims.of(signed.claims)
        keys = {value.index: value.data for value in (await self.record(claims.issuer.handle)).values}
        assert signed.fits(HsPubkey.decode(keys[claims.issuer.index]))
        assert claims.subject == text
        verdicts = {index: verdict.value for index, verdict in value_verdicts(record.values, claims.digests).items()}
        return f"{claims.issuer.index}:{claims.issuer.handle}", verdicts


@pytest.fixture
async def desk(node: NodeUnderTest) -> AsyncIterator[Desk]:
    await node.prefix("88.118.8")
    database, counters = node.node.database, RegistryCounters()
    stores = (KeyStore(database), PrefixStore(database), TemplateStore(database))
    directory = Directory(*stores, monotonic=time.monotonic)
    identifiers, store = IdentifierStore(database), SigningKeyStore(database)
    planner = RecordPlanner(directory, signing=Signatures(store, sealing()))
    commit = GroupCommit(identifiers.commit, counters, committed=lambda _: None)
    registry = RegistryService(identifiers, planner, commit, counters)
    names = iter("abcdef")
    writer = DirectoryWriter(
        database, counters, committed=lambda _: None, now=lambda: MOMENT, new_id=lambda: UUID(int=1)
    )
    batches = BatchWriter(identifiers, planner, counters, committed=lambda _: None)
    keys = SigningKeys(store, identifiers, batches, directory, writer, sealing(), new_key=lambda: private(next(names)))
    running = [asyncio.create_task(commit.run()), asyncio.create_task(directory.run())]
    yield Desk(directory, planner, registry, identifiers, keys, store, batches, ChangeStore(database))
    for task in running:
        task.cancel()


async def test_a_record_is_signed_when_it_is_registered_replaced_and_patched(desk: Desk) -> None:
    await desk.give()
    await desk.register("88.118.8/A", url(1), url(2)._replace(permissions=Permission.ADMIN_READ), url(400))
    registered = await desk.verdict("88.118.8/A")
    first = [value.index for value in (await desk.record("88.118.8/A")).values]
    await desk.revise("88.118.8/A", Operation.PATCH, Patch(values=(url(1, "https://example.com/b"),)))
    patched = await desk.verdict("88.118.8/A")
    values = (await desk.record("88.118.8/A")).values
    await desk.revise("88.118.8/A", Operation.REPLACE, Content(None, {}, (url(7), *values[-1:])))
    replaced = await desk.verdict("88.118.8/A")
    await desk.revise("88.118.8/A", Operation.SUSPEND)

    assert registered == ("500:0.NA/88.118.8", {1: "verified", 2: "verified", 400: "verified"})
    assert first == [1, 2, 400, 401]
    assert patched == registered
    assert replaced == ("500:0.NA/88.118.8", {7: "verified"})
    assert await desk.verdict("88.118.8/A") == replaced
    assert [value.index for value in (await desk.record("88.118.8/A")).values] == [7, 400]


async def test_a_key_is_given_anew_and_taken_away_and_what_it_signed_can_still_be_checked(desk: Desk) -> None:
    one = await desk.give("400:88.118/ADMIN")
    await desk.register("88.118.8/A", url(1))
    two = await desk.give()
    await desk.register("88.118.8/B", url(1))
    await desk.take_away()
    await desk.register("88.118.8/C", url(1))

    assert (one.place, one.chain, two.place, two.chain) == (500, ("400:88.118/ADMIN",), 501, ())
    assert await desk.verdict("88.118.8/A") == ("500:0.NA/88.118.8", {1: "verified"})
    assert await desk.verdict("88.118.8/B") == ("501:0.NA/88.118.8", {1: "verified"})
    assert [value.type for value in (await desk.record("88.118.8/C")).values] == ["URL"]
    with pytest.raises(NotFound, match="has no signing key"):
        await desk.keys.find(PREFIX, KEY)
    assert [(key.place, key.sealed) for key in await desk.store.all_of(PREFIX)] == [(501, None), (500, None)]
    for place, operations in ((500, ["retire", "give"]), (501, ["retire", "give"])):
        name = f"{place}:0.NA/88.118.8"
        rows = await desk.changes.page(Subject.SIGNING_KEY, name, below_version=9, limit=9)
        assert [row.operation for row in rows] == operations


async def test_the_rows_of_a_batch_are_signed_and_an_unsigned_prefix_is_left_alone(desk: Desk) -> None:
    await desk.give()
    rows = [Registration(Identifier.parse(f"88.118.8/{n}"), Content(None, {}, (url(1),))) for n in range(60)]
    rows.append(Registration(Identifier.parse("88.118/OWN"), Content(None, {}, (url(1),))))

    async def along(*_: object) -> None:
        pass

    verdicts = await desk.batches.write(rows, ASKED, is_atomic=True, along=along)

    assert [verdict.refusal for verdict in verdicts] == [None] * 61
    assert await desk.verdict("88.118.8/59") == ("500:0.NA/88.118.8", {1: "verified"})
    assert [value.type for value in (await desk.record("88.118/OWN")).values] == ["URL"]


async def test_a_signature_that_cannot_be_made_refuses_the_write_rather_than_leave_it_out(desk: Desk) -> None:
    await desk.give()
    identifier, content = Identifier.parse("88.118.8/A"), Content(None, {}, (url(1),))
    without = RecordPlanner(desk.directory)
    foreign = RecordPlanner(desk.directory, signing=Signatures(desk.store, sealing(b"o")))

    with pytest.raises(Unavailable, match="this process has no keys"):
        await without.register(identifier, content, ASKED)
    with pytest.raises(UnreadableSigningKey):
        await foreign.register(identifier, content, ASKED)
    with pytest.raises(InvalidInput, match=r"the signature of 900 values takes 8[0-9]{4} bytes, the limit is 65536"):
        await desk.register("88.118.8/B", *(url(index) for index in range(1, 901)))
    with pytest.raises(VersionMoved):
        await Signatures(desk.store, sealing()).signed(PREFIX, 507, [], MOMENT)


async def test_who_has_no_key_pays_nothing(desk: Desk) -> None:
    class Refusing:
        async def signed(self, *_: object) -> list[IdnodeError]:
            raise AssertionError("asked to sign for a prefix without a key")

    planner = RecordPlanner(desk.directory, signing=Refusing())  # type: ignore[arg-type]  # it only refuses
    record = await planner.register(Identifier.parse("88.118.8/A"), Content(None, {}, (url(1),)), ASKED)

    assert record.state is State.ACTIVE


async def test_the_signing_key_is_no_administrator_and_leaves_those_alone(desk: Desk) -> None:
    administrators = HandleKeys(
        desk.identifiers, desk.registry, desk.directory, new_secret=lambda: "a secret of a test"
    )
    await administrators.give(PREFIX, HandleKeyForm(301), ASKED, lambda *_: DONE)
    await desk.give()
    found, _ = await administrators.find(PREFIX, KEY)

    assert [key.identity.text for key in found] == ["301:0.NA/88.118.8"]
    assert [value.index for value in (await desk.record("0.NA/88.118.8")).values] == [100, 200, 301, 500]
    with pytest.raises(NotFound):
        await administrators.take_away(PREFIX, 500, ASKED, lambda *_: DONE)
    with pytest.raises(NotFound):
        await desk.keys.give(Prefix.parse("88.118.77"), (), ASKED, lambda _: DONE)
    with pytest.raises(VersionMoved):
        await desk.keys.give(PREFIX, (), ASKED._replace(expected_version=2), lambda _: DONE)
    await desk.revise("0.NA/88.118.8", Operation.DELETE)
    with pytest.raises(Conflict, match="restore it first"):
        await desk.keys.give(PREFIX, (), ASKED, lambda _: DONE)


def test_a_signature_of_somebody_else_stays_and_is_signed_too() -> None:
    foreign = url(400)._replace(type="HS_SIGNATURE")
    values: Sequence[HandleValue] = (url(1), foreign)
    record = Record(Identifier.parse("88.118.8/A"), 1, State.ACTIVE, None, {}, tuple(values), MOMENT, MOMENT)
    once = with_signature(record, Signer(issuer_of(PREFIX, 500), private("a")), MOMENT)
    twice = with_signature(once, Signer(issuer_of(PREFIX, 501), private("b")), MOMENT)

    assert [(value.index, value.type) for value in twice.values] == [
        (1, "URL"),
        (400, "HS_SIGNATURE"),
        (401, "HS_SIGNATURE"),
    ]
    claims = SignatureClaims.of(SignedText.of(twice.values[2].data).claims)
    assert (sorted(claims.digests), claims.issuer.index) == ([1, 400], 501)
    assert (claims.issued, claims.span.not_before, claims.span.expires) == (1_795_504_711, 1_795_504_711, 2_111_728_711)

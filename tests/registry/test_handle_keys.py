"""Keys of a prefix's administrators: where they lie, what they prove, who may give and take them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest
from harness import NodeUnderTest

from idnode.frontends.v1.schemas.handle_admins import HandleKeyIn
from idnode.model.access import ApiKey, Role
from idnode.model.change import Trace
from idnode.model.errors import Conflict, Forbidden, IdnodeError, InvalidInput, NotFound, VersionMoved
from idnode.model.identifier import Prefix
from idnode.registry.commands import Asked
from idnode.registry.group_commit import GroupCommit
from idnode.registry.handle_admin import HandleAdministrators, HandleIdentity, Proof
from idnode.registry.handle_keys import HandleKey, HandleKeyForm, HandleKeys
from idnode.registry.metrics import RegistryCounters
from idnode.registry.planning import RecordPlanner
from idnode.registry.service import RegistryService
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.identifiers import IdentifierStore, StoredRecord
from idnode.wire.record_json import read_record
from idnode.wire.typed_values.hs_admin import ADMIN_PERMISSIONS_ALL
from idnode.wire.typed_values.hs_pubkey import HsPubkey, RsaPublicKey

PREFIX = Prefix.parse("88.118.8")
MOMENT = datetime(2026, 11, 24, 7, 18, 31, tzinfo=UTC)
DONE = KeptAnswer(200, "", None, None, b"")
PUBLIC = HsPubkey(RsaPublicKey(65_537, (1 << 2_047) + 1))


def asked(*prefixes: str, version: int | None = None, is_trial: bool = False) -> Asked:
    scope = tuple(Prefix.parse(text) for text in prefixes)
    key = ApiKey(UUID(int=7), "operator", Role.ENTERPRISE, scope, "", MOMENT, None, None, None, None, 1)
    return Asked(key, Trace("operator", "request", MOMENT), dry_run=is_trial, expected_version=version)


@dataclass
class Desk:
    """The registry of a node on a database of its own, and what it answered."""

    keys: HandleKeys
    administrators: HandleAdministrators
    identifiers: IdentifierStore
    given: list[tuple[HandleKey, str | None, StoredRecord]] = field(default_factory=list)

    async def give(self, index: int, public: HsPubkey | None = None, by: Asked | None = None) -> str | None:
        """The secret, if there is one."""

        def answer(key: HandleKey, secret: str | None, stored: StoredRecord) -> KeptAnswer:
            self.given.append((key, secret, stored))
            return DONE

        await self.keys.give(PREFIX, HandleKeyForm(index, public), by or asked("88.118.8"), answer)
        return self.given[-1][1]

    async def take(self, index: int) -> list[str]:
        """Whose keys stand then."""
        left: list[str] = []

        def answer(keys: tuple[HandleKey, ...], _: int) -> KeptAnswer:
            left.extend(key.identity.text for key in keys)
            return DONE

        await self.keys.take_away(PREFIX, index, asked("88.118.8"), answer)
        return left

    async def shape(self) -> list[tuple[int, str, str]]:
        stored = await self.identifiers.find("0.NA/88.118.8")
        assert stored is not None
        return [(v.index, v.type, f"{int(v.permissions):04b}") for v in read_record(stored.document).values]


@pytest.fixture
async def desk(node: NodeUnderTest) -> AsyncIterator[Desk]:
    await node.prefix("88.118.8")
    identifiers = IdentifierStore(node.node.database)
    counters = RegistryCounters()
    commit = GroupCommit(identifiers.commit, counters, committed=lambda _: None)
    registry = RegistryService(identifiers, RecordPlanner(node.node.directory), commit, counters)
    keys = HandleKeys(identifiers, registry, node.node.directory, new_secret=lambda: "a secret of a test")
    running = asyncio.create_task(commit.run())
    yield Desk(keys, HandleAdministrators(identifiers.find_many), identifiers)
    running.cancel()


async def test_the_first_key_makes_the_record_that_names_its_holder_administrator(desk: Desk) -> None:
    secret = await desk.give(301)
    await desk.give(300, PUBLIC)
    holder = await desk.administrators.verify(
        HandleIdentity.parse("301:88.118.8"), Proof.by_password((secret or "").encode())
    )
    stored = await desk.identifiers.find("0.NA/88.118.8")

    assert secret == "a secret of a test"
    assert await desk.shape() == [
        (100, "HS_ADMIN", "1110"),
        (200, "HS_VLIST", "1110"),
        (300, "HS_PUBKEY", "1110"),
        (301, "HS_SECKEY", "1100"),
    ]
    assert stored is not None
    record = read_record(stored.document)
    for identity in (holder, HandleIdentity.parse("300:88.118.8")):
        assert await desk.administrators.rights_in(identity, record) == ADMIN_PERMISSIONS_ALL
    found, version = await desk.keys.find(PREFIX, asked("88.118.8").key)
    assert [(key.identity.text, key.type) for key in found] == [
        ("300:0.NA/88.118.8", "HS_PUBKEY"),
        ("301:0.NA/88.118.8", "HS_SECKEY"),
    ]
    assert version == 2


async def test_a_key_is_given_anew_and_taken_away_but_not_the_last(desk: Desk) -> None:
    await desk.give(301)
    await desk.give(301)
    await desk.give(302)

    assert [index for index, _, _ in await desk.shape()] == [100, 200, 301, 302]
    assert await desk.take(301) == ["302:0.NA/88.118.8"]
    with pytest.raises(NotFound, match="no administrator's key at index 301"):
        await desk.take(301)
    with pytest.raises(Conflict, match="the last administrator's key"):
        await desk.take(302)


async def test_who_is_not_of_the_prefix_gives_nothing(desk: Desk) -> None:
    refusals: list[tuple[Asked, int, type[IdnodeError]]] = [
        (asked("88.118.9"), 301, Forbidden),
        (asked("88.118.8"), 299, InvalidInput),
        (asked("88.118.8"), 400, InvalidInput),
    ]

    for by, index, kind in refusals:
        with pytest.raises(kind):
            await desk.give(index, by=by)
    with pytest.raises(NotFound, match=r"prefix 88\.118\.77 is not registered"):
        await desk.keys.find(Prefix.parse("88.118.77"), asked("88.118.77").key)
    with pytest.raises(NotFound, match="has no administrators' keys yet"):
        await desk.keys.find(PREFIX, asked("88.118.8").key)
    await desk.give(301, by=asked("88.118.8", is_trial=True))
    assert await desk.identifiers.find("0.NA/88.118.8") is None
    await desk.give(301)
    with pytest.raises(VersionMoved):
        await desk.give(302, by=asked("88.118.8", version=7))


def test_a_form_is_a_secret_or_a_public_key() -> None:
    assert HandleKeyIn().form() == HandleKeyForm(301)
    jwk = {"kty": "RSA", "e": "AQAB", "n": "AQAB"}
    public = HandleKeyIn(type="HS_PUBKEY", key=jwk).form()

    assert public == HandleKeyForm(300, HsPubkey(RsaPublicKey(65_537, 65_537)))
    for document in ({"type": "HS_PUBKEY"}, {"key": jwk}, {"index": 299}, {"index": 400}, {"type": "URL"}):
        with pytest.raises(ValueError, match="validation error"):
            HandleKeyIn.model_validate_json(orjson.dumps(document))
    with pytest.raises(InvalidInput, match="/key/d: is no member here"):
        HandleKeyIn(type="HS_PUBKEY", key=jwk | {"d": "AQAB"}).form()

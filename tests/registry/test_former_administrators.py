"""A prefix that goes to another enterprise: what the former one's administrators held opens nothing any more."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from harness import NodeUnderTest
from route_requests import uscc

from idnode.model.access import ApiKey, Role
from idnode.model.change import Subject, Trace
from idnode.model.handle_value import HandleValue
from idnode.model.identifier import Identifier, Prefix
from idnode.model.record import Operation
from idnode.registry.commands import Asked, Patch, Revision
from idnode.registry.group_commit import GroupCommit
from idnode.registry.handle_admin import (
    NO_RIGHTS,
    HandleAdministrators,
    HandleIdentity,
    IdentityNotVerified,
    Proof,
)
from idnode.registry.handle_keys import HandleKeyForm, HandleKeys
from idnode.registry.metrics import RegistryCounters
from idnode.registry.planning import RecordPlanner
from idnode.registry.service import RegistryService
from idnode.storage.changes import ChangeStore
from idnode.storage.handle_sessions import HandleSessionStore
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.identifiers import IdentifierStore
from idnode.storage.signing_keys import SigningKey, SigningKeyStore
from idnode.wire.record_json import read_record
from idnode.wire.typed_values.hs_pubkey import HsPubkey, RsaPublicKey

PREFIX = Prefix.parse("88.118.8")
HANDLE = Identifier.parse("0.NA/88.118.8")
FORMER = HandleIdentity(301, HANDLE)
MOMENT = datetime(2026, 11, 24, 7, 18, 31, tzinfo=UTC)
DONE = KeptAnswer(200, "", None, None, b"")
KEY = ApiKey(UUID(int=7), "operator", Role.ADMIN, (), "", MOMENT, None, None, None, None, 1)
ASKED = Asked(KEY, Trace("operator", "request", MOMENT))
PUBLIC, SIGNING = (HsPubkey(RsaPublicKey(65_537, (1 << 2_047) + odd)) for odd in (1, 3))


async def transfer(node: NodeUnderTest, receiver: str, **query: str) -> dict[str, Any]:
    """The prefix, asked for and approved by the admin."""
    requested = await node.call("POST", "/v1/transfers", {"prefix": "88.118.8", "receiver": receiver})
    assert requested.status == 201, await requested.text()
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    path = f"/v1/transfers/{(await requested.json())['id']}/approve?{asked}"
    approved = await node.call("POST", path)
    assert approved.status == 200, await approved.text()
    if query:
        await node.call("POST", path.split("?", maxsplit=1)[0].replace("approve", "cancel"))
    return dict(await approved.json())


async def test_the_keys_of_the_former_enterprise_end_with_the_transfer(node: NodeUnderTest) -> None:
    receiver = await node.enterprise(uscc=uscc(1))
    await node.prefix("88.118.8")
    database, identifiers, counters = node.node.database, IdentifierStore(node.node.database), RegistryCounters()
    commit = GroupCommit(identifiers.commit, counters, committed=lambda _: None)
    registry = RegistryService(identifiers, RecordPlanner(node.node.directory), commit, counters)
    keys = HandleKeys(identifiers, registry, node.node.directory, new_secret=lambda: "a secret of a test")
    administrators = HandleAdministrators(identifiers.find_many)
    running = asyncio.create_task(commit.run())
    for form in (HandleKeyForm(301), HandleKeyForm(300, PUBLIC)):
        await keys.give(PREFIX, form, ASKED, lambda *_: DONE)
    second = MOMENT.replace(microsecond=0)
    further = (HandleValue(7, "DESC", b"kept", second), HandleValue(500, "HS_PUBKEY", SIGNING.encode(), second))
    change = Revision(HANDLE, Operation.PATCH, Patch(values=further))
    await registry.revise(change, ASKED, lambda *_: DONE)
    signing, sessions = SigningKeyStore(database), HandleSessionStore(database)
    async with database.transaction() as session:
        key = SigningKey(500, SIGNING.encode(), b"sealed", (), 1, MOMENT, MOMENT)
        await signing.insert(session, PREFIX, key)
    for token, identity in ((b"1" * 32, "301:0.na/88.118.8"), (b"2" * 32, "301:0.NA/88.118.9")):
        await sessions.open(token, b"", MOMENT, unverified_max=9)
        await sessions.verify(token, identity, MOMENT)
    proof = Proof.by_password(b"a secret of a test")
    assert await administrators.verify(FORMER, proof) == FORMER

    await transfer(node, receiver, dry_run="true")
    tried = await administrators.verify(FORMER, proof)
    await transfer(node, receiver)
    stored = await identifiers.find("0.NA/88.118.8")
    assert stored is not None
    record = read_record(stored.document)

    assert tried == FORMER
    with pytest.raises(IdentityNotVerified):
        await administrators.verify(FORMER, proof)
    assert [(value.index, value.type) for value in record.values] == [
        (7, "DESC"),
        (100, "HS_ADMIN"),
        (200, "HS_VLIST"),
        (500, "HS_PUBKEY"),
    ]
    assert await administrators.rights_under(FORMER, PREFIX) == NO_RIGHTS
    assert [(each.place, each.sealed) for each in await signing.all_of(PREFIX)] == [(500, None)]
    assert not await sessions.end(b"1" * 32)
    assert await sessions.end(b"2" * 32)
    rows = await ChangeStore(database).page(Subject.IDENTIFIER, "0.NA/88.118.8", below_version=99, limit=1)
    assert [(row.operation, row.version) for row in rows] == [("transfer", record.version)]
    await keys.give(PREFIX, HandleKeyForm(302), ASKED, lambda *_: DONE)
    assert await administrators.verify(HandleIdentity(302, HANDLE), proof) == HandleIdentity(302, HANDLE)
    assert await administrators.rights_under(FORMER, PREFIX) == NO_RIGHTS
    running.cancel()


async def test_a_tombstone_brings_no_keys_back_when_it_is_restored(node: NodeUnderTest) -> None:
    receiver = await node.enterprise(uscc=uscc(1))
    await node.prefix("88.118.8")
    values = [{"index": 300, "type": "HS_PUBKEY", "data": {"format": "key", "value": PUBLIC.to_json()}}]
    path = "/v1/identifiers"
    made = await node.call("POST", path, {"identifier": "0.NA/88.118.8", "values": values})
    assert made.status == 201, await made.text()
    await node.call("DELETE", f"{path}/0.NA/88.118.8")

    await transfer(node, receiver)
    await node.call("POST", "/v1/restore/0.NA/88.118.8")
    read = await (await node.call("GET", f"{path}/0.NA/88.118.8")).json()

    assert [value["type"] for value in read["values"] if value["type"] != "HS_SITE"] == ["HS_ADMIN", "HS_VLIST"]

"""The package's own client administers a node: challenged each time, in a session, after a login."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from harness import NodeUnderTest

from idnode.app_secrets import NodeSignature
from idnode.frontends.fastpath.front import FrontLimits
from idnode.frontends.native.tcp import NativeConnection
from idnode.frontends.native.udp import Datagrams
from idnode.handle_client.administrator import HandleAdministrator
from idnode.handle_client.client import HandleClient, World
from idnode.handle_client.errors import ServerRefused, WrongAnswer
from idnode.handle_client.keys import Key, PrivateKey, SecretKey
from idnode.handle_client.links import ServerAddress
from idnode.model.handle_value import HandleValue, Permission, Reference
from idnode.wire.encoded_bytes import base64url_of
from idnode.wire.typed_values.hs_pubkey import HsPubkey, RsaPublicKey

ADMIN = "0.NA/88.118.8"
PRIVATE = generate_private_key(65_537, 2_048)
OTHERS = HsPubkey(RsaPublicKey(65_537, generate_private_key(65_537, 2_048).public_key().public_numbers().n))
SECRET = "a secret of a test"
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
URL = HandleValue(1, "URL", b"https://example.com/1", LONG_AGO)
HIDDEN = HandleValue(2, "NOTE", b"hidden", LONG_AGO, permissions=Permission.ADMIN_READ | Permission.ADMIN_WRITE)


@dataclass
class Native:
    """A node that speaks the protocol, a client of it, and the key of an administrator of 88.118.8."""

    node: NodeUnderTest
    client: HandleClient

    def by(self, key: Key) -> HandleAdministrator:
        return HandleAdministrator(self.client, key)

    @property
    def secret_key(self) -> SecretKey:
        return SecretKey(Reference(ADMIN, 301), SECRET.encode())

    @property
    def private_key(self) -> PrivateKey:
        return PrivateKey(Reference(ADMIN, 300), PRIVATE)


@pytest.fixture
async def native(node: NodeUnderTest) -> AsyncIterator[Native]:
    await node.prefix("88.118.8")
    jwk = {"kty": "RSA", "e": "AQAB", "n": base64url_of(PRIVATE.public_key().public_numbers().n.to_bytes(256, "big"))}
    group = [{"handle": ADMIN, "index": 300}, {"handle": ADMIN, "index": 301}]
    all_rights = {"handle": ADMIN, "index": 200, "permissions": "111111111111"}
    values = [
        {"index": 100, "type": "HS_ADMIN", "data": {"format": "admin", "value": all_rights}},
        {"index": 200, "type": "HS_VLIST", "data": {"format": "vlist", "value": group}},
        {"index": 300, "type": "HS_PUBKEY", "data": {"format": "key", "value": jwk}},
        {"index": 301, "type": "HS_SECKEY", "permissions": "1100", "data": SECRET},
    ]
    assert (await node.call("PUT", f"/api/handles/{ADMIN}", values)).status == 201
    front = node.node.make_native(FrontLimits(100, 10, 60))
    loop = asyncio.get_running_loop()
    serving = await loop.create_server(lambda: NativeConnection(front), "127.0.0.1", 0)
    port = serving.sockets[0].getsockname()[1]
    listening, _ = await loop.create_datagram_endpoint(lambda: Datagrams(front), ("127.0.0.1", port))
    world = World(time.time, time.monotonic, os.urandom)
    async with HandleClient.connected(ServerAddress("127.0.0.1", port, port), world) as client:
        yield Native(node, client)
    listening.close()
    serving.close()


async def _lives(administrator: HandleAdministrator, client: HandleClient, handle: str) -> None:
    """A handle is created, read, changed in every way, and deleted."""
    assert await administrator.create(handle, [URL, HIDDEN]) == handle
    with pytest.raises(ServerRefused) as refusal:
        await administrator.create(handle, [URL])
    assert refusal.value.response_code == 101
    await administrator.add(handle, [URL._replace(index=3, data=b"https://example.com/3")])
    await administrator.modify(handle, [URL._replace(data=b"https://example.com/new")])
    seen = await administrator.resolve(handle)
    assert [(one.index, one.data) for one in seen.values] == [
        (1, b"https://example.com/new"),
        (2, b"hidden"),
        (3, b"https://example.com/3"),
    ]
    await administrator.remove(handle, [3])
    assert [one.index for one in (await client.resolve(handle)).values] == [1]
    assert handle.upper() in await administrator.list_handles("88.118.8")
    await administrator.delete(handle)
    with pytest.raises(ServerRefused) as gone:
        await client.resolve(handle)
    assert gone.value.response_code == 100


async def test_a_handle_lives_by_challenges_to_a_secret_and_to_a_private_key(native: Native) -> None:
    await _lives(native.by(native.secret_key), native.client, "88.118.8/Secret")
    await _lives(native.by(native.private_key), native.client, "88.118.8/Private")
    with pytest.raises(ServerRefused) as refusal:
        await native.by(SecretKey(Reference(ADMIN, 301), b"wrong")).create("88.118.8/1", [URL])
    assert refusal.value.response_code == 403
    minted = await native.by(native.private_key).create("88.118.8/", [URL], mints=True)

    assert minted.startswith("88.118.8/")
    assert (await native.client.resolve(minted)).values[0].data == URL.data


async def test_a_handle_lives_in_a_session_in_the_open_and_encrypted(native: Native) -> None:
    for encrypts in (False, True):
        administrator = native.by(native.secret_key)
        await administrator.open_session(encrypts=encrypts)
        await _lives(administrator, native.client, f"88.118.8/Session-{encrypts}")
        await administrator.end_session()


async def test_after_a_login_nothing_is_challenged(native: Native) -> None:
    await native.by(native.private_key).log_in()
    stranger = native.by(SecretKey(Reference(ADMIN, 301), b"wrong"))

    await _lives(stranger, native.client, "88.118.8/Login")


async def test_a_certified_answer_carries_the_signature_of_the_nodes_key(native: Native, tmp_path: Path) -> None:
    await native.node.identifier("88.118.8/JX-1")
    key = NodeSignature(tmp_path).public_key()

    assert (await native.client.resolve("88.118.8/JX-1", key=key)).values[0].type == "URL"
    with pytest.raises(WrongAnswer, match="the signature of the answer is not that of the server's key"):
        await native.client.resolve("88.118.8/JX-1", key=OTHERS)

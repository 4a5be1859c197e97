"""Administration over the native protocol, as real clients do it: a whole node, challenged and answered over TCP."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from harness import NodeUnderTest
from native_client import REC_AND_CA, NativeClient, PrivateKey, SecretKey, Session, challenge_in, request

from idnode.frontends.fastpath.front import FrontLimits
from idnode.frontends.native.tcp import NativeConnection
from idnode.frontends.native.udp import Datagrams
from idnode.model.handle_value import HandleValue, Permission, Reference
from idnode.wire.cursor import Reader
from idnode.wire.encoded_bytes import base64url_of
from idnode.wire.messages.authentication import Verification, identity_body
from idnode.wire.messages.bodies import (
    HandleIndexes,
    HandleValues,
    ResolutionRequest,
    read_handles_body,
    read_text_body,
    text_body,
)
from idnode.wire.messages.codes import OpCode, OpFlag, SessionMode
from idnode.wire.messages.credential import Credential, signed_bytes
from idnode.wire.messages.digests import read_digest
from idnode.wire.messages.envelope import Envelope
from idnode.wire.messages.message import Message, read_message
from idnode.wire.messages.packets import Assembler, packets_of
from idnode.wire.messages.sessions import SessionSetup
from idnode.wire.session_crypto import mac_fits
from idnode.wire.typed_values.hs_admin import AdminPermission, HsAdmin

ADMIN = "0.NA/88.118.8"
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
TEXT = {"format": "string", "value": "x"}
SECRET = "a secret of a test"
PRIVATE = rsa.generate_private_key(65_537, 2_048)


@dataclass
class Administered:
    """A node that speaks the protocol, with two administrators of 88.118.8: by secret and by key."""

    node: NodeUnderTest
    port: int
    client: NativeClient
    secret: SecretKey
    private: PrivateKey

    async def values(self, handle: str) -> list[tuple[int, str, bytes]]:
        answer = await self.client.ask(ResolutionRequest(handle, (), ()).encode(), OpCode.RESOLUTION)
        if answer.header.response_code != 1:
            return [(0, str(answer.header.response_code), b"")]
        return [(value.index, value.type, value.data) for value in HandleValues.decode(answer.body).values]

    async def create(self, handle: str, *values: HandleValue, flags: int = REC_AND_CA) -> Message:
        body = HandleValues(handle, values or (url(1),)).encode()
        return await self.client.act(body, OpCode.CREATE_HANDLE, self.secret, flags=flags)


@pytest.fixture
async def native(node: NodeUnderTest) -> AsyncIterator[Administered]:
    await node.prefix("88.118.8")
    group = [{"handle": ADMIN, "index": 300}, {"handle": ADMIN, "index": 301}]
    numbers = PRIVATE.public_key().public_numbers()
    jwk = {"kty": "RSA", "e": "AQAB", "n": base64url_of(numbers.n.to_bytes(256, "big"))}
    all_rights = {"handle": ADMIN, "index": 200, "permissions": "111111111111"}
    values = [
        {"index": 100, "type": "HS_ADMIN", "data": {"format": "admin", "value": all_rights}},
        {"index": 200, "type": "HS_VLIST", "data": {"format": "vlist", "value": group}},
        {"index": 300, "type": "HS_PUBKEY", "data": {"format": "key", "value": jwk}},
        {"index": 301, "type": "HS_SECKEY", "permissions": "1100", "data": SECRET},
    ]
    given = await node.call("PUT", f"/api/handles/{ADMIN}", values)
    assert given.status == 201, await given.text()
    front = node.node.make_native(FrontLimits(100, 10, 60))
    loop = asyncio.get_running_loop()
    serving = await loop.create_server(lambda: NativeConnection(front), "127.0.0.1", 0)
    port = serving.sockets[0].getsockname()[1]
    listening, _ = await loop.create_datagram_endpoint(lambda: Datagrams(front), ("127.0.0.1", port))
    client = NativeClient(port)
    yield Administered(
        node,
        port,
        client,
        SecretKey(Reference(ADMIN, 301), SECRET.encode()),
        PrivateKey(Reference(ADMIN, 300), PRIVATE),
    )
    client.close()
    listening.close()
    serving.close()


def url(index: int, text: str = "https://example.com/1") -> HandleValue:
    return HandleValue(index, "URL", text.encode(), LONG_AGO)


def code_and_text(message: Message) -> tuple[int, str]:
    return message.header.response_code, read_text_body(message.body)


async def test_a_handle_lives_by_the_native_protocol(native: Administered) -> None:
    client, key = native.client, native.secret

    created = await native.create("88.118.8/JX-1", url(1), url(2))

    assert created.header.op_code == OpCode.CREATE_HANDLE
    assert created.header.response_code == 1
    assert created.envelope.session_id == 0
    assert read_text_body(created.body) == "88.118.8/JX-1"

    added = HandleValues("88.118.8/jx-1", (url(3, "c"), url(4, "d")))
    assert (await client.act(added.encode(), OpCode.ADD_VALUE, key)).header.response_code == 1
    modified = HandleValues("88.118.8/JX-1", (url(1, "a"),))
    assert (await client.act(modified.encode(), OpCode.MODIFY_VALUE, native.private)).body == b""
    removed = HandleIndexes("88.118.8/JX-1", (2, 4))
    assert (await client.act(removed.encode(), OpCode.REMOVE_VALUE, key)).header.response_code == 1
    assert await native.values("88.118.8/JX-1") == [(1, "URL", b"a"), (3, "URL", b"c")]

    history = await (await native.node.call("GET", "/v1/history/88.118.8/JX-1")).json()
    assert {change["actor"] for change in history["items"]} == {f"301:{ADMIN}", f"300:{ADMIN}"}
    record = await (await native.node.call("GET", "/v1/identifiers/88.118.8/JX-1")).json()
    assert not record["values"][0]["timestamp"].startswith("2001")

    deleted = await client.act(text_body("88.118.8/JX-1"), OpCode.DELETE_HANDLE, key)
    assert (deleted.header.op_code, deleted.header.response_code, deleted.body) == (OpCode.DELETE_HANDLE, 1, b"")
    assert await native.values("88.118.8/JX-1") == [(0, "100", b"")]


async def test_a_challenge_is_answered_on_another_connection_and_once(native: Administered) -> None:
    body = HandleValues("88.118.8/JX-1", (url(1),)).encode()
    asked = request(body, OpCode.CREATE_HANDLE)
    challenged = read_message(await native.client.raw(asked))

    assert challenged.header.response_code == 402
    assert challenged.header.op_code == OpCode.CREATE_HANDLE
    assert challenged.header.flags == 0x98800000
    assert challenged.envelope.session_id > 0
    assert len(challenged.body) == 53
    assert challenged.body[0] == 3
    # A second time on the way: the answer was lost.
    other = NativeClient(native.port)
    answer = native.private.answers(challenge_in(challenged)).encode()
    again = request(answer, OpCode.CHALLENGE_ANSWER, session_id=challenged.envelope.session_id)
    created = read_message(await other.raw(again))

    assert created.header.op_code == OpCode.CREATE_HANDLE
    assert created.header.response_code == 1
    assert created.envelope.request_id == Envelope.decode(again).request_id
    late = read_message(await other.raw(again))
    assert (late.header.op_code, late.header.response_code) == (OpCode.CHALLENGE_ANSWER, 405)
    unknown = await other.ask(answer, OpCode.CHALLENGE_ANSWER, session_id=77)
    assert unknown.header.response_code == 405
    other.close()


async def test_who_proves_nothing_gets_nothing(native: Administered) -> None:
    body = HandleValues("88.118.8/JX-1", (url(1),)).encode()
    wrong = SecretKey(Reference(ADMIN, 301), b"something else")
    foreign = SecretKey(Reference("88.118.8/NOBODY", 301), b"something else")
    for key in (wrong, foreign):
        assert (await native.client.act(body, OpCode.CREATE_HANDLE, key)).header.response_code == 403

    # The right key of somebody who is no administrator.
    stranger = HandleValue(301, "HS_SECKEY", b"own secret", LONG_AGO, permissions=Permission(0x0C))
    admin = HandleValue(100, "HS_ADMIN", HsAdmin(AdminPermission.READ_VALUE, "88.118.8/S", 301).encode(), LONG_AGO)
    assert (await native.create("88.118.8/S", stranger, admin, url(1))).header.response_code == 1
    weak = SecretKey(Reference("88.118.8/S", 0), b"own secret")
    refused = code_and_text(await native.client.act(body, OpCode.CREATE_HANDLE, weak))
    assert refused == (400, "301:88.118.8/S lacks the permission to add handle")
    # It may read what is secret of its own record, and nothing else of it.
    everything = ResolutionRequest("88.118.8/S", (), ()).encode()
    read = await native.client.act(everything, OpCode.RESOLUTION, weak)
    assert [value.data for value in HandleValues.decode(read.body).values if value.index == 301] == [b"own secret"]
    modified = HandleValues("88.118.8/S", (url(1, "mine"),)).encode()
    assert (await native.client.act(modified, OpCode.MODIFY_VALUE, weak)).header.response_code == 400
    # A value that names an administrator takes another right than the others.
    may_add = HsAdmin(AdminPermission.ADD_VALUE | AdminPermission.READ_VALUE, "88.118.8/S", 0).encode()
    replaced = HandleValues("88.118.8/S", (admin._replace(data=may_add),)).encode()
    assert (await native.client.act(replaced, OpCode.MODIFY_VALUE, weak)).header.response_code == 400
    # The prefix's own administrators have no rights in it: it names its own.
    assert (await native.client.act(everything, OpCode.RESOLUTION, native.secret)).header.response_code == 400


async def test_secrets_prove_themselves_in_every_way_here_and_for_other_servers(native: Administered) -> None:
    for number in (2, 3, 0x12, 0x13):
        challenged = await native.client.ask(text_body("88.118.8/NONE"), OpCode.DELETE_HANDLE)
        answer = native.secret.answers_plainly(challenge_in(challenged), number).encode()
        missing = await native.client.ask(answer, OpCode.CHALLENGE_ANSWER, session_id=challenged.envelope.session_id)

        assert (missing.header.op_code, missing.header.response_code) == (OpCode.DELETE_HANDLE, 100), number
    challenge = challenge_in(await native.client.ask(text_body("88.118.8/X"), OpCode.DELETE_HANDLE))
    right = native.secret.answers(challenge).answer
    for answer, verdict in ((right, b"\1"), (right[:-1] + bytes([right[-1] ^ 1]), b"\0")):
        asked = Verification(native.secret.identity, challenge.nonce, challenge.digest, answer).encode()
        told = await native.client.ask(asked, OpCode.VERIFY_CHALLENGE, flags=REC_AND_CA | OpFlag.RETURN_DIGEST)
        reader = Reader(told.body)
        read_digest(reader)

        assert (told.header.response_code, reader.rest()) == (1, verdict)


async def test_what_is_refused_before_the_challenge_and_what_after(native: Administered) -> None:
    client, key = native.client, native.secret
    assert (
        await native.create("88.118.8/JX-1", url(1), url(2)._replace(permissions=Permission(0x0A)))
    ).header.response_code == 1

    async def at_once(op_code: int, body: bytes, flags: int = REC_AND_CA) -> tuple[int, str]:
        return code_and_text(await client.ask(body, op_code, flags=flags))

    def put(*values: HandleValue, handle: str = "88.118.8/JX-1") -> bytes:
        return HandleValues(handle, values).encode()

    assert await at_once(OpCode.CREATE_HANDLE, put(url(0), url(0))) == (202, "Value indexes must be positive")
    assert await at_once(OpCode.CREATE_HANDLE, put(url(-1))) == (202, "Value indexes must be positive")
    assert await at_once(OpCode.CREATE_HANDLE, put(url(7), url(7))) == (201, "Index conflict for 7")
    assert (await at_once(OpCode.CREATE_HANDLE, put(url(1))))[0] == 101
    foreign = put(url(1), handle="11.22/A")
    assert await at_once(OpCode.CREATE_HANDLE, foreign) == (301, "That prefix doesn't live here")
    assert (await at_once(OpCode.CREATE_HANDLE, b"\x00\x00\x00\x05ab"))[0] == 4
    assert (await at_once(OpCode.CREATE_HANDLE, put(url(1), handle="88.118.8/")))[0] == 102
    assert (await at_once(OpCode.ADD_VALUE, put()))[0] == 202
    assert (await at_once(OpCode.ADD_VALUE, put(url(1), handle="88.118.8/NONE")))[0] == 100
    assert (await at_once(OpCode.MODIFY_VALUE, put(url(9))))[0] == 200
    assert (await at_once(OpCode.MODIFY_VALUE, put(url(1), handle="88.118.8/NONE")))[0] == 100
    assert (await at_once(OpCode.REMOVE_VALUE, HandleIndexes("88.118.8/JX-1", ()).encode()))[0] == 202

    async def after(op_code: int, body: bytes, flags: int = REC_AND_CA) -> tuple[int, str]:
        challenged = await client.ask(body, op_code, flags=flags)
        assert challenged.header.response_code == 402
        return code_and_text(await client.answer(challenged, key))

    assert await after(OpCode.ADD_VALUE, put(url(1))) == (201, "Index conflict for 1")
    assert (await after(OpCode.MODIFY_VALUE, put(url(2, "x"))))[0] == 401
    assert (await after(OpCode.REMOVE_VALUE, HandleIndexes("88.118.8/JX-1", (1, 9)).encode()))[0] == 200
    assert (await after(OpCode.DELETE_HANDLE, text_body("88.118.8/NONE")))[0] == 100
    assert [index for index, *_ in await native.values("88.118.8/JX-1")] == [1, 2]
    # The same rules as everywhere, in the words of the first violation.
    long = HandleValue(1, "X" * 70_000, b"", LONG_AGO)
    assert (await at_once(OpCode.CREATE_HANDLE, put(long, handle="88.118.8/NEW")))[0] == 4
    data = HandleValue(1, "TEXT", bytes(70_000), LONG_AGO)
    too_long = await at_once(OpCode.CREATE_HANDLE, put(data, handle="88.118.8/NEW"))
    assert too_long[0] == 202
    assert too_long[1].startswith("/values/0/data")


async def test_overwriting_is_told_and_suffixes_are_made(native: Administered) -> None:
    overwriting = REC_AND_CA | OpFlag.OVERWRITE
    first = await native.create("88.118.8/JX-1", url(1), flags=overwriting)
    second = await native.create("88.118.8/JX-1", url(2), flags=overwriting)
    minted = await native.create("88.118.8/", url(1), flags=REC_AND_CA | OpFlag.MINT_SUFFIX)

    assert (first.header.response_code, first.header.flags & OpFlag.OVERWRITE) == (1, 0)
    assert (second.header.response_code, bool(second.header.flags & OpFlag.OVERWRITE)) == (1, True)
    assert [index for index, *_ in await native.values("88.118.8/JX-1")] == [2]
    handle = read_text_body(minted.body)
    assert len(handle) == len("88.118.8/") + 36
    assert [index for index, *_ in await native.values(handle)] == [1]


async def test_two_hundred_handles_are_listed_in_parts(native: Administered) -> None:
    rows = [
        {"identifier": f"88.118.8/jx-{n:03}", "values": [{"index": 1, "type": "U", "data": TEXT}]} for n in range(210)
    ]
    assert (await (await native.node.call("POST", "/v1/identifiers:batch", {"rows": rows})).json())["done"] == 210
    challenged = await native.client.ask(text_body(ADMIN), OpCode.LIST_HANDLES)
    part = await native.client.answer(challenged, native.secret)
    parts = [part]
    while parts[-1].header.flags & OpFlag.CONTINUOUS:
        parts.append(read_message(await native.client.next()))

    handles = [handle for each in parts for handle in read_handles_body(each.body)]
    assert handles == [f"88.118.8/JX-{n:03}" for n in range(210)]
    assert [len(read_handles_body(each.body)) for each in parts] == [58, 58, 58, 36]
    assert max(len(each.body) for each in parts) <= 1_400
    assert {each.envelope.request_id for each in parts} == {part.envelope.request_id}
    # Only whoever administers the node's own prefix sees the others.
    homed = await native.client.act(text_body("0.NA/88.118"), OpCode.LIST_HOMED_PREFIXES, native.secret)
    assert homed.header.response_code == 400
    derived = await native.client.act(text_body(ADMIN), OpCode.LIST_DERIVED_PREFIXES, native.secret)
    assert (derived.header.response_code, read_handles_body(derived.body)) == (1, ())


async def test_a_session_is_agreed_upon_proved_once_and_ended(native: Administered) -> None:
    client = native.client
    session = await client.session()
    body = HandleValues("88.118.8/JX-1", (url(1),)).encode()
    challenged = await client.within(session, body, OpCode.CREATE_HANDLE)

    assert challenged.header.response_code == 402
    assert challenged.envelope.session_id == session.id
    answer = native.secret.answers(challenge_in(challenged)).encode()
    created = await client.within(session, answer, OpCode.CHALLENGE_ANSWER)
    assert (created.header.op_code, created.header.response_code) == (OpCode.CREATE_HANDLE, 1)
    # From now on nobody asks; on another connection neither.
    other = NativeClient(native.port)
    added = await other.within(
        session, HandleValues("88.118.8/JX-1", (url(2),)).encode(), OpCode.ADD_VALUE, encrypts=False
    )
    assert (added.header.response_code, added.envelope.is_encrypted, added.credential) == (1, False, b"")
    certain = REC_AND_CA | OpFlag.CERTIFY
    asked = ResolutionRequest("88.118.8/JX-1", (), ()).encode()
    for encrypts in (True, False):
        resolved = await other.within(session, asked, OpCode.RESOLUTION, flags=certain, encrypts=encrypts)
        assert [value.index for value in HandleValues.decode(resolved.body).values] == [1, 2]
        assert resolved.envelope.is_encrypted is encrypts
        mac = Credential.decode(resolved.credential)
        signed = signed_bytes(resolved.envelope, mac.counter, resolved.header_and_body)
        assert (mac.type, mac.algorithm) == ("HS_MAC", "HMAC-SHA256")
        assert mac_fits(session.key, signed, mac.signature)
    ended = await other.within(session, b"", OpCode.SESSION_TERMINATE)
    assert (ended.header.op_code, ended.header.response_code) == (OpCode.SESSION_TERMINATE, 1)
    late = read_message(await client.raw(session.sealed(asked, OpCode.RESOLUTION)))
    assert code_and_text(late) == (500, "Session information not available or time out, try again")
    # Without encryption it is a request without a session: challenged when it takes to know who asks.
    plain = session.sealed(text_body("88.118.8/JX-1"), OpCode.DELETE_HANDLE, encrypts=False)
    assert read_message(await client.raw(plain)).header.response_code == 402
    other.close()


async def test_messages_of_a_session_count_and_cannot_be_repeated_or_forged(native: Administered) -> None:
    client = native.client
    session = await client.session()
    asked = ResolutionRequest("88.118.8/NONE", (), ()).encode()

    def at(counter: int, key: bytes = session.key, *, encrypts: bool = False) -> bytes:
        bare = request(asked, OpCode.RESOLUTION, session_id=session.id)
        return Session(session.id, key).with_mac(bare, counter, encrypts=encrypts)

    async def code(data: bytes) -> int:
        return read_message(await client.raw(data)).header.response_code

    # Any order within the window, each once.
    for counter in (5, 4, 400, 201, 399, 1_000, 999):
        assert await code(at(counter)) == 100, counter
        assert await code(at(counter)) == 505, counter
    # 200 and more behind the highest.
    for counter in (6, 200, 800):
        assert await code(at(counter)) == 505, counter
    assert await code(at(801)) == 100
    forged = at(2_000, b"\x01" * 32)
    assert await code(forged) == 404
    assert await code(at(2_000, b"\x01" * 32, encrypts=True)) == 404
    assert await code(at(2_000)) == 100

    async def refused(setup: SessionSetup) -> int:
        return (await native.client.ask(setup.encode(), OpCode.SESSION_SETUP)).header.response_code

    who = Reference(ADMIN, 300)
    assert await refused(SessionSetup(SessionMode.KEY_IN_HANDLE, 60, who, key_at=who)) == 504
    assert await refused(SessionSetup(SessionMode.SERVER_KEY, 60, who)) == 504
    assert await refused(SessionSetup(SessionMode.DIFFIE_HELLMAN, 60, who, b"junk")) == 4
    assert (await native.client.ask(b"", OpCode.SESSION_KEY_EXCHANGE)).header.response_code == 504
    assert (await native.client.ask(b"", OpCode.SESSION_TERMINATE)).header.response_code == 500


async def test_a_login_by_key_holds_for_its_connection_alone(native: Administered) -> None:
    body = identity_body(native.private.identity)
    client = native.client
    # The number of a session that the client chose itself.
    challenged = await client.ask(body, 2001, flags=REC_AND_CA | OpFlag.RETURN_DIGEST, session_id=1)
    answer = native.private.answers(challenge_in(challenged)).encode()
    logged_in = await client.ask(answer, OpCode.CHALLENGE_ANSWER, session_id=1)

    assert challenged.header.response_code == 402
    assert (logged_in.header.op_code, logged_in.header.response_code) == (2001, 1)
    put = HandleValues("88.118.8/JX-1", (url(1),)).encode()
    assert (await client.ask(put, OpCode.CREATE_HANDLE, session_id=1)).header.response_code == 1
    other = NativeClient(native.port)
    assert (await other.ask(text_body("88.118.8/JX-1"), OpCode.DELETE_HANDLE)).header.response_code == 402
    wrong = await other.ask(body, 2001, flags=REC_AND_CA | OpFlag.RETURN_DIGEST)
    assert (await other.answer(wrong, native.secret)).header.response_code == 403
    assert (await other.ask(text_body("88.118.8/JX-1"), OpCode.DELETE_HANDLE)).header.response_code == 402
    by_password = await other.ask(b"", 2000)
    assert by_password.header.response_code == 5
    assert "by password" in read_text_body(by_password.body)
    assert (await other.ask(b"", OpCode.HOME_PREFIX)).header.response_code == 5
    # A session that was never set up is none; who asks for nothing secret is answered.
    asked = ResolutionRequest("88.118.8/JX-1", (), ()).encode()
    assert (await other.ask(asked, OpCode.RESOLUTION, session_id=2)).header.response_code == 1
    other.close()


async def test_answers_without_a_session_are_signed_by_the_node(native: Administered, tmp_path: Path) -> None:
    await native.create("88.118.8/JX-1")
    body = ResolutionRequest("88.118.8/JX-1", (), ()).encode()
    for op_code, asked, code in (
        (OpCode.RESOLUTION, body, 1),
        (OpCode.RESOLUTION, body, 1),
        (OpCode.DELETE_HANDLE, text_body("88.118.8/JX-1"), 402),
    ):
        answer = await native.client.ask(asked, op_code, flags=REC_AND_CA | OpFlag.CERTIFY)
        credential = Credential.decode(answer.credential)
        key = load_pem_private_key((tmp_path / "native.key").read_bytes(), password=None)
        signed = signed_bytes(answer.envelope, 0, answer.header_and_body)

        assert answer.header.response_code == code
        assert (credential.type, credential.algorithm) == ("HS_SIGNED", "SHA-256")
        assert isinstance(key, rsa.RSAPrivateKey)
        key.public_key().verify(credential.signature, signed, padding.PKCS1v15(), hashes.SHA256())
    assert (tmp_path / "native.key").stat().st_mode & 0o777 == 0o600


class Heard(asyncio.DatagramProtocol):
    """A client's end of datagrams."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[bytes] = asyncio.Queue()
        self._assembler = Assembler()

    def datagram_received(self, data: bytes, addr: object) -> None:
        envelope = Envelope.decode(data)
        whole = data if envelope.size == len(data) - 20 else self._assembler.take(addr, data, envelope, 0.0)
        if whole is not None:
            self.messages.put_nowait(whole)


async def test_a_datagram_that_comes_twice_is_done_once(native: Administered) -> None:
    loop = asyncio.get_running_loop()
    sending, heard = await loop.create_datagram_endpoint(Heard, remote_addr=("127.0.0.1", native.port))

    async def told(data: bytes) -> Message:
        for packet in packets_of(data, tells_truncation=True):
            sending.sendto(packet)
        async with asyncio.timeout(10):
            return read_message(await heard.messages.get())

    asked = request(HandleValues("88.118.8/JX-1", (url(1),)).encode(), OpCode.CREATE_HANDLE)
    first, again = await told(asked), await told(asked)
    answer = native.private.answers(challenge_in(first)).encode()
    proof = request(answer, OpCode.CHALLENGE_ANSWER, session_id=first.envelope.session_id)
    created, repeated = await told(proof), await told(proof)
    login = await told(request(identity_body(native.private.identity), 2001, flags=REC_AND_CA))
    sending.close()

    assert first == again
    assert created.header.response_code == 1
    assert created == repeated
    assert code_and_text(login) == (5, "a login is its connection's; log in over TCP")

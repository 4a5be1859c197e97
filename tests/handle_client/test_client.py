"""The client against servers that play tricks: what does not fit is refused, what is late or lost is asked again."""

import asyncio

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from played_servers import LONG_AGO, NOW, PATIENCE, continued, played, records, told, value, world

from idnode.handle_client.administrator import HandleAdministrator
from idnode.handle_client.client import HandleClient
from idnode.handle_client.errors import RecursionStopped, ServerRefused, ServerUnreachable, WrongAnswer
from idnode.handle_client.following import followed
from idnode.handle_client.keys import SecretKey
from idnode.handle_client.links import Patience, ServerAddress
from idnode.model.errors import IdnodeError
from idnode.model.handle_value import HandleValue, Reference
from idnode.wire.messages.bodies import HandleValues, handles_body, text_body
from idnode.wire.messages.codes import OpFlag, ResponseCode
from idnode.wire.messages.credential import SIGNED, Credential, signed_bytes
from idnode.wire.messages.digests import request_digest
from idnode.wire.messages.envelope import Envelope, Version
from idnode.wire.messages.message import Message, read_message, reply_envelope, reply_header, write_message
from idnode.wire.typed_values.hs_pubkey import HsPubkey, RsaPublicKey
from idnode.wire.typed_values.hs_site import HsSite

URL = value(1, "URL", b"https://example.com/1")
FOUND = records({"88.118.8/JX-1": (URL,), "88.118.8/LONG": (value(2, "NOTE", b"x" * 3_000),)})
ADMINISTRATOR = SecretKey(Reference("0.NA/88.118.8", 301), b"a secret of a test")
SIGNER = generate_private_key(65_537, 2_048)


async def test_a_handle_is_resolved_over_datagrams_in_one_piece_and_in_many() -> None:
    types = tuple(f"TYPE{number:04}" for number in range(200))
    async with played(FOUND) as server, HandleClient.connected(server.address, world(), PATIENCE) as client:
        short = await client.resolve("88.118.8/jx-1")
        long = await client.resolve("88.118.8/LONG", types=types)

    assert short.values == (URL,)
    assert long.values[0].data == b"x" * 3_000
    assert (server.datagrams, server.connections) == (2, 0)


async def test_a_lost_answer_is_asked_for_again_with_the_same_number() -> None:
    numbers: list[int] = []

    def answer(request: Message) -> list[bytes]:
        numbers.append(request.envelope.request_id)
        return FOUND(request) if len(numbers) == 3 else []

    async with played(answer) as server, HandleClient.connected(server.address, world(), PATIENCE) as client:
        found = await client.resolve("88.118.8/JX-1")

    assert found.values == (URL,)
    assert len(numbers) == 3
    assert len(set(numbers)) == 1


async def test_who_does_not_answer_datagrams_is_asked_over_a_connection() -> None:
    patience = Patience(tries_seconds=(0.02, 0.02), connect_seconds=2.0, answer_seconds=2.0)

    def answer(request: Message) -> list[bytes]:
        return FOUND(request) if server.datagrams < 3 and server.connections else []

    async with played(answer) as server, HandleClient.connected(server.address, world(), patience) as client:
        found = await client.resolve("88.118.8/JX-1")

    assert found.values == (URL,)
    assert (server.datagrams, server.connections) == (2, 1)


async def test_one_connection_carries_many_questions_whose_answers_come_in_another_order() -> None:
    held: list[Message] = []

    def answer(request: Message) -> list[bytes]:
        held.append(request)
        return [each for one in reversed(held) for each in FOUND(one)] if len(held) == 3 else []

    async with (
        played(answer, udp=False) as server,
        HandleClient.connected(server.address, world(), PATIENCE) as client,
    ):
        await client._connection_link()
        found = await asyncio.gather(
            *(client.resolve(handle) for handle in ("88.118.8/JX-1", "88.118.8/LONG", "88.118.8/jx-1"))
        )

    assert [one.values[0].type for one in found] == ["URL", "NOTE", "URL"]
    assert server.connections == 1


async def test_nobody_there_is_said_so() -> None:
    patience = Patience(tries_seconds=(0.02,), connect_seconds=1.0, answer_seconds=1.0)
    async with HandleClient.connected(ServerAddress("127.0.0.1", 1, 1), world(), patience) as client:
        with pytest.raises(ServerUnreachable, match=r"cannot reach 127\.0\.0\.1 port 1"):
            await client.resolve("88.118.8/JX-1")


def _about(request: Message, handle: str, **how: int) -> list[bytes]:
    return [told(request, ResponseCode.SUCCESS, HandleValues(handle, (URL,)).encode(), **how)]


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (lambda r: _about(r, "88.118.8/OTHER"), WrongAnswer, "the answer is about '88.118.8/OTHER'"),
        (lambda r: _about(r, "88.118.8/JX-1", expires=NOW - 5), WrongAnswer, "expired 5 seconds ago"),
        (lambda r: [told(r, 0)], WrongAnswer, "a request came instead of an answer"),
        (lambda r: [told(r, 1, b"\0\0")], WrongAnswer, "cannot be read: need 4 bytes, have 2 at byte 0"),
        (
            lambda r: _about(r._replace(header=r.header._replace(op_code=2)), "88.118.8/JX-1"),
            WrongAnswer,
            "the answer is to operation 2, asked was 1",
        ),
        (
            lambda r: [told(r, 1, request_digest(Version(2, 7), b"other").encode(), flags=OpFlag.RETURN_DIGEST)],
            WrongAnswer,
            "the digest of another request",
        ),
        (lambda r: [told(r, 301, text_body("not here"))], ServerRefused, r"code 301 \(not responsible\): not here"),
        (lambda r: [told(r, 3001)], ServerRefused, "the server answers with code 3001$"),
    ],
)
async def test_an_answer_that_does_not_fit_is_refused(answer: object, error: type[IdnodeError], text: str) -> None:
    assert callable(answer)
    async with played(answer) as server, HandleClient.connected(server.address, world(), PATIENCE) as client:
        with pytest.raises(error, match=text):
            await client.resolve("88.118.8/JX-1")


async def test_an_answer_to_nobodys_question_is_dropped() -> None:
    def answer(request: Message) -> list[bytes]:
        other = request._replace(envelope=request.envelope._replace(request_id=request.envelope.request_id ^ 1))
        return [b"junk", *_about(other, "88.118.8/JX-1"), *FOUND(request)]

    async with played(answer) as server, HandleClient.connected(server.address, world(), PATIENCE) as client:
        assert (await client.resolve("88.118.8/JX-1")).values == (URL,)


async def test_a_signed_answer_is_believed_and_others_are_not() -> None:
    numbers = SIGNER.public_key().public_numbers()
    key = HsPubkey(RsaPublicKey(numbers.e, numbers.n))
    signs = [True, False]

    def answer(request: Message) -> list[bytes]:
        whole = read_message(FOUND(request)[0])
        signed = signed_bytes(whole.envelope, 0, whole.header_and_body if signs[0] else b"other")
        credential = Credential(0, SIGNED, "SHA-256", SIGNER.sign(signed, PKCS1v15(), SHA256())).encode()
        assert request.header.flags & OpFlag.CERTIFY
        return [write_message(whole.envelope, whole.header, whole.body, credential)]

    async with played(answer) as server, HandleClient.connected(server.address, world(), PATIENCE) as client:
        assert (await client.resolve("88.118.8/JX-1", key=key)).values == (URL,)
        signs.pop(0)
        with pytest.raises(WrongAnswer, match="the signature of the answer is not that of the server's key"):
            await client.resolve("88.118.8/JX-1", key=key)


async def test_from_its_site_on_a_server_is_spoken_to_in_its_version() -> None:
    versions: list[Version] = []

    def answer(request: Message) -> list[bytes]:
        versions.append(request.envelope.version)
        if request.header.op_code == 2:
            site = HsSite(servers=(), protocol_version=(2, 9)).encode()
            envelope = reply_envelope(request.envelope)._replace(version=Version(2, 9))
            return [write_message(envelope, reply_header(request.header, 1, serial=1, expiration=NOW), site)]
        return FOUND(request)

    async with played(answer) as server, HandleClient.connected(server.address, world(), PATIENCE) as client:
        assert (await client.site()).protocol_version == (2, 9)
        await client.resolve("88.118.8/JX-1")

    assert versions == [(2, 3), (2, 9)]


async def test_a_list_comes_in_many_messages() -> None:
    names = [f"88.118.8/{number}" for number in range(120)]

    def answer(request: Message) -> list[bytes]:
        return continued(request, [handles_body(names[at : at + 50]) for at in range(0, 120, 50)])

    async with (
        played(answer, udp=False) as server,
        HandleClient.connected(server.address, world(), PATIENCE) as client,
    ):
        assert await HandleAdministrator(client, ADMINISTRATOR).list_handles("88.118.8") == names


async def test_a_challenge_to_another_request_is_not_answered() -> None:
    def answer(request: Message) -> list[bytes]:
        foreign = request_digest(Version(2, 11), b"delete everything").encode() + (16).to_bytes(4, "big") + bytes(16)
        assert request.header.op_code == 101
        return [told(request, ResponseCode.AUTHENTICATION_NEEDED, foreign, flags=OpFlag.RETURN_DIGEST)]

    async with (
        played(answer, udp=False) as server,
        HandleClient.connected(server.address, world(), PATIENCE) as client,
    ):
        with pytest.raises(WrongAnswer, match="the digest of another request"):
            await HandleAdministrator(client, ADMINISTRATOR).delete("88.118.8/JX-1")


async def test_a_server_that_closes_after_each_answer_is_connected_to_again() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.read(65_536)
        assert Envelope.decode(data).request_id
        writer.write(FOUND(read_message(data))[0])
        writer.close()

    serving = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = ServerAddress("127.0.0.1", None, serving.sockets[0].getsockname()[1])
    async with HandleClient.connected(address, world(), PATIENCE) as client:
        for _ in range(3):
            assert (await client.resolve("88.118.8/JX-1")).values == (URL,)
    serving.close()


def alias(of: str) -> tuple[HandleValue, ...]:
    return (HandleValue(1, "HS_ALIAS", of.encode(), LONG_AGO),)


async def test_an_alias_is_followed_and_a_circle_is_not() -> None:
    found = records(
        {
            "88.118.8/A": alias("88.118.8/b"),
            "88.118.8/B": alias("88.118.8/JX-1"),
            "88.118.8/JX-1": (URL,),
            "88.118.8/X": alias("88.118.8/Y"),
            "88.118.8/Y": alias("88.118.8/x"),
        }
    )
    async with played(found) as server, HandleClient.connected(server.address, world(), PATIENCE) as client:
        end = await followed("88.118.8/A", client.resolve)
        with pytest.raises(RecursionStopped, match=r"the aliases of 88\.118\.8/X lead in a circle"):
            await followed("88.118.8/X", client.resolve)

    assert end.handles == ("88.118.8/A", "88.118.8/b", "88.118.8/JX-1")
    assert end.resolved.values == (URL,)

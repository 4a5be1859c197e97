"""Lists in parts, repeated datagrams, and answers that are sealed: without a node."""

from idnode.frontends.native.callers import NativeSession
from idnode.frontends.native.lists import parts
from idnode.frontends.native.repeats import REMEMBERED_MAX, Repeats
from idnode.frontends.native.replies import Outcome, reply
from idnode.frontends.native.sealing import SessionSeal, Signing
from idnode.model.errors import Unavailable
from idnode.wire.messages.bodies import read_handles_body, text_body
from idnode.wire.messages.codes import OpFlag, ResponseCode
from idnode.wire.messages.credential import Credential
from idnode.wire.messages.envelope import Envelope, Version
from idnode.wire.messages.header import Header
from idnode.wire.messages.message import Message, read_content, read_message
from idnode.wire.session_crypto import decrypted

SESSION = NativeSession(7_000_000, bytes(range(32)), None)
OUTCOME = Outcome(ResponseCode.SUCCESS, text_body("88.118.8/JX-1"))


def request(flags: int) -> Message:
    envelope = Envelope(Version(2, 3), Version(2, 11), False, False, 0, 7, 0, 0)
    return Message(envelope, Header(100, 0, flags, 0xFFFF, 0, 1_900_000_000, 0), b"", b"", b"")


class Told:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.times = 0

    def __call__(self, *messages: bytes) -> None:
        self.messages += messages
        self.times += 1


def test_a_part_of_a_list_has_58_handles_or_the_bytes_of_a_packet() -> None:
    assert [len(read_handles_body(part)) for part in parts(["88.118.8/JX-1"] * 120)] == [58, 58, 4]
    assert [len(read_handles_body(part)) for part in parts(["88.118.8/" + "X" * 200] * 7)] == [6, 1]
    assert [len(read_handles_body(part)) for part in parts(["88.118.8/" + "织" * 600] * 2)] == [1, 1]
    assert parts([]) == (bytes(4),)


def test_what_comes_twice_is_answered_as_before_and_later_anew() -> None:
    now = 0.0
    repeats = Repeats(lambda: now)
    told, again = Told(), Told()
    first = repeats.first("192.0.2.1", b"request", told)

    assert first is not None
    # Still under way: answered once.
    assert repeats.first("192.0.2.1", b"request", again) is None
    assert again.messages == []
    first(b"answer", b"more")
    assert repeats.first("192.0.2.1", b"request", again) is None
    assert told.messages == again.messages == [b"answer", b"more"]
    assert repeats.first("192.0.2.2", b"request", again) is not None
    now = 10.5
    assert repeats.first("192.0.2.1", b"request", again) is not None


def test_the_memory_of_datagrams_is_bounded() -> None:
    repeats = Repeats(lambda: 0.0)
    for number in range(REMEMBERED_MAX + 10):
        first = repeats.first("192.0.2.1", number.to_bytes(4), Told())
        assert first is not None
        first(bytes(1_024))

    assert len(repeats) <= REMEMBERED_MAX
    large = repeats.first("192.0.2.1", b"large", Told())
    assert large is not None
    large(bytes(5 << 20))
    assert len(repeats) == 0


def test_an_answer_of_a_session_has_its_number_and_is_encrypted_as_the_request_was() -> None:
    told = Told()
    plain = reply(request(0), OUTCOME, now=1_800_000_000)
    SessionSeal(told, SESSION, 3, encrypts=True, random=bytes)(plain)
    envelope = Envelope.decode(told.messages[0])
    opened = read_content(envelope, decrypted(SESSION.key, told.messages[0][20:]))

    assert (envelope.session_id, envelope.is_encrypted, envelope.size) == (7_000_000, True, len(told.messages[0]) - 20)
    assert (opened.body, opened.credential) == (OUTCOME.body, b"")
    # Not encrypted, not asked to be certain: only the number is another one.
    SessionSeal(told, SESSION, 3, encrypts=False, random=bytes)(plain)
    assert told.messages[1] == plain[:4] + (7_000_000).to_bytes(4) + plain[8:]
    # Asked to be secret by its flag.
    SessionSeal(told, SESSION, 3, encrypts=False, random=bytes)(reply(request(OpFlag.ENCRYPT), OUTCOME, now=0))
    assert Envelope.decode(told.messages[2]).is_encrypted


def test_an_answer_is_signed_where_that_was_asked_for() -> None:
    told, signed = Told(), []

    def sign(octets: bytes) -> bytes:
        signed.append(octets)
        return b"signature"

    certain = reply(request(OpFlag.CERTIFY), OUTCOME, now=1_800_000_000)
    plain = reply(request(0), OUTCOME, now=1_800_000_000)
    Signing(told, sign)(certain, plain)

    answer = read_message(told.messages[0])
    assert Credential.decode(answer.credential) == Credential(0, "HS_SIGNED", "SHA-256", b"signature")
    # Version, suggested version, session, request, counter; then header and body.
    assert signed == [bytes.fromhex("020b020b 00000000 00000007 00000000") + answer.header_and_body]
    assert told.messages[1] == plain
    assert told.times == 1


def test_an_answer_goes_out_without_a_signature_that_cannot_be_made() -> None:
    told = Told()

    def sign(_: bytes) -> bytes:
        raise Unavailable("no key")

    certain = reply(request(OpFlag.CERTIFY), OUTCOME, now=1_800_000_000)
    Signing(told, sign)(certain)

    assert told.messages == [certain]

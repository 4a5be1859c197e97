"""Whatever is written is read alike, in any split; junk is refused and never crashes."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idnode.model.handle_value import HandleValue, Permission, Reference, TimeToLive
from idnode.wire.cursor import MalformedMessage, Reader
from idnode.wire.messages.authentication import (
    Challenge,
    ChallengeAnswer,
    Verification,
    identity_body,
    read_identity,
)
from idnode.wire.messages.bodies import (
    HandleIndexes,
    HandleValues,
    Referral,
    ResolutionRequest,
    handles_body,
    read_handles_body,
    read_text_body,
    text_body,
)
from idnode.wire.messages.codes import OpCode, ResponseCode
from idnode.wire.messages.credential import MAC, Credential, signed_bytes
from idnode.wire.messages.digests import MD5, SHA1, SHA256, RequestDigest, read_digest, request_digest
from idnode.wire.messages.envelope import OWN_VERSION, Envelope, Version
from idnode.wire.messages.header import Header
from idnode.wire.messages.message import read_message, reply_header, write_message
from idnode.wire.messages.packets import (
    ASSEMBLIES_MAX,
    ASSEMBLY_SECONDS_MAX,
    PACKET_BYTES_MAX,
    Assembler,
    packets_of,
)
from idnode.wire.messages.sessions import SessionAnswer, SessionCipher, SessionSetup
from idnode.wire.messages.stream import MessageStream

ENVELOPE = Envelope(OWN_VERSION, OWN_VERSION, False, False, 0, 7, 0, 0)
HEADER = Header(1, 0, 0x19000000, 0xFFFF, 0, 1_800_000_000, 0)
INT4 = st.integers(0, 0xFFFF_FFFF)
NAMES = st.text(max_size=40)
REFERENCES = st.builds(Reference, NAMES, INT4)
MOMENTS = st.integers(0, 0xFFFF_FFFF).map(lambda second: datetime.fromtimestamp(second, UTC))
VALUES = st.builds(
    HandleValue,
    st.integers(-5, 2**31 - 1),
    NAMES.filter(lambda text: len(text.encode()) <= 128),
    st.binary(max_size=60),
    MOMENTS,
    st.builds(TimeToLive, INT4, st.booleans()),
    st.integers(0, 15).map(Permission),
    st.lists(REFERENCES, max_size=3).map(tuple),
)


@given(handle=NAMES, values=st.lists(VALUES, max_size=4).map(tuple))
def test_values_come_back(handle: str, values: tuple[HandleValue, ...]) -> None:
    assert HandleValues.decode(HandleValues(handle, values).encode()) == (handle, values)
    assert Referral.decode(Referral(handle, values).encode()) == (handle, values)


@given(
    handle=NAMES, indexes=st.lists(st.integers(-1, 2**31 - 1), max_size=5).map(tuple), types=st.lists(NAMES, max_size=3)
)
def test_questions_come_back(handle: str, indexes: tuple[int, ...], types: list[str]) -> None:
    asked = ResolutionRequest(handle, indexes, tuple(types))

    assert ResolutionRequest.decode(asked.encode()) == asked
    assert HandleIndexes.decode(HandleIndexes(handle, indexes).encode()) == (handle, indexes)
    assert read_handles_body(handles_body(types)) == tuple(types)
    assert read_text_body(text_body(handle)) == handle


@given(identity=REFERENCES, octets=st.binary(max_size=40), digest=st.binary(min_size=32, max_size=32))
def test_authentication_comes_back(identity: Reference, octets: bytes, digest: bytes) -> None:
    by_sha256 = RequestDigest(SHA256, digest)

    for body in (
        Challenge(by_sha256, octets),
        Challenge(RequestDigest(MD5, digest[:16]), octets),
        ChallengeAnswer("HS_PUBKEY", identity, octets),
        Verification(identity, octets, by_sha256, digest),
        SessionSetup(4, 86_400, identity, public_key=octets),
        SessionSetup(3, 60, identity, key_at=identity),
        SessionCipher(3, octets),
        Credential(9, MAC, "HMAC-SHA256", octets),
    ):
        assert type(body).decode(body.encode()) == body
    assert read_identity(identity_body(identity)) == identity
    answer = SessionAnswer(4, octets)
    assert SessionAnswer.read(Reader(answer.encode())) == answer


def test_a_session_setup_without_the_trailing_bytes_is_read_too() -> None:
    setup = SessionSetup(4, 86_400, Reference("0.NA/88.118.8", 300), public_key=b"key")

    assert SessionSetup.decode(setup.encode()[:-2]) == setup


@pytest.mark.parametrize(
    ("version", "algorithm", "size", "head"),
    [
        (Version(2, 11), SHA256, 32, "03"),
        (Version(2, 7), SHA256, 32, "03"),
        (Version(2, 6), SHA1, 20, "02"),
        (Version(2, 1), SHA1, 20, "02"),
        (Version(2, 0), MD5, 16, "00000010"),
    ],
)
def test_the_digest_depends_on_the_version(version: Version, algorithm: int, size: int, head: str) -> None:
    digest = request_digest(version, b"header and body")

    assert (digest.algorithm, len(digest.octets)) == (algorithm, size)
    assert digest.encode().hex().startswith(head)
    assert read_digest(Reader(digest.encode())) == digest


def test_what_is_signed_depends_on_the_version() -> None:
    envelope = Envelope(Version(2, 8), Version(2, 11), False, False, 3, 5, 0, 0)

    assert signed_bytes(envelope, 7, b"hb") == bytes.fromhex("0208 020b 00000003 00000005 00000007 6862")
    assert signed_bytes(envelope._replace(version=Version(2, 7)), 7, b"hb") == bytes.fromhex(
        "0207 00000003 00000005 00000007 6862"
    )
    assert signed_bytes(envelope._replace(version=Version(2, 4)), 7, b"hb") == b"hb"


def test_a_message_that_claims_to_be_huge_is_refused() -> None:
    with pytest.raises(MalformedMessage, match=r"^4294967295 bytes of message, the limit is 262144 at byte 16$"):
        Envelope.decode(ENVELOPE._replace(size=0xFFFF_FFFF).encode())


def test_a_body_that_is_not_there_is_refused() -> None:
    data = write_message(ENVELOPE, HEADER, b"abcd")
    lying = data[:40] + (9_999).to_bytes(4, "big") + data[44:]

    with pytest.raises(MalformedMessage, match=r"^need 9999 bytes of body, have 8 at byte 20$"):
        read_message(lying)


def test_a_credential_that_was_left_away_is_none() -> None:
    assert read_message(write_message(ENVELOPE, HEADER, b"abcd")[:-4]).credential == b""


@given(bodies=st.lists(st.binary(max_size=80), min_size=1, max_size=4), cuts=st.lists(st.integers(1, 60), min_size=1))
def test_a_stream_gives_its_messages_in_any_split(bodies: list[bytes], cuts: list[int]) -> None:
    messages = [write_message(ENVELOPE, HEADER, body) for body in bodies]
    data, stream, got, at, turn = b"".join(messages), MessageStream(), [], 0, 0
    while at < len(data):
        size = cuts[turn % len(cuts)]
        stream.feed(data[at : at + size])
        at, turn = at + size, turn + 1
        while (message := stream.next_message()) is not None:
            got.append(message)

    assert got == messages
    assert stream.bytes_held == 0


@given(body=st.binary(max_size=3_000), order=st.randoms(use_true_random=False))
def test_packets_in_any_order_and_twice_make_the_message(body: bytes, order: object) -> None:
    message = write_message(ENVELOPE, HEADER, body)
    packets = packets_of(message, tells_truncation=True)
    assert all(len(packet) <= PACKET_BYTES_MAX for packet in packets)
    if len(packets) == 1:
        assert packets == [message]
        return
    shuffled = [*packets, packets[0]]
    order.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assembler = Assembler()
    whole = [assembler.take("sender", packet, Envelope.decode(packet), 0.0) for packet in shuffled]

    assert message in whole


def test_what_never_becomes_whole_is_forgotten() -> None:
    assembler, first = Assembler(), packets_of(write_message(ENVELOPE, HEADER, bytes(2_000)), tells_truncation=True)[0]
    envelope = Envelope.decode(first)
    for number in range(ASSEMBLIES_MAX + 10):
        assert assembler.take(number, first, envelope, 0.0) is None

    assert len(assembler) == ASSEMBLIES_MAX
    assert assembler.bytes_held == ASSEMBLIES_MAX * 492
    assembler.take("late", first, envelope, ASSEMBLY_SECONDS_MAX)
    assert len(assembler) == 1


@given(data=st.binary(max_size=200))
def test_junk_is_refused_and_nothing_else(data: bytes) -> None:
    for read in (
        read_message,
        ResolutionRequest.decode,
        HandleValues.decode,
        HandleIndexes.decode,
        Referral.decode,
        read_text_body,
        read_handles_body,
        Challenge.decode,
        ChallengeAnswer.decode,
        Verification.decode,
        SessionSetup.decode,
        SessionCipher.decode,
        Credential.decode,
        read_identity,
    ):
        with suppress(MalformedMessage):
            read(data)


def test_flags_that_nobody_knows_leave_nothing_behind() -> None:
    header = Header(OpCode.RESOLUTION, 0, 0x1900_00FF, 0xFFFF, 0, 1_900_000_000, 0)
    answer = reply_header(header, ResponseCode.SUCCESS, serial=1, expiration=1_900_000_000)

    assert answer.flags == 0x9900_00FF
    # An IntFlag would have kept the combination, for each that is ever sent.
    assert type(answer.flags) is int

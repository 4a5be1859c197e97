"""Messages as they were seen on the wire (handle-protocol.md §1.10): read, and written again to the byte."""

from datetime import UTC, datetime

from idnode.model.handle_value import HandleValue, Permission, Reference, TimeToLive
from idnode.wire.cursor import Reader
from idnode.wire.messages.authentication import Challenge, ChallengeAnswer
from idnode.wire.messages.bodies import HandleValues, ResolutionRequest, read_text_body, text_body
from idnode.wire.messages.codes import OpCode, ResponseCode
from idnode.wire.messages.digests import SHA256, RequestDigest
from idnode.wire.messages.envelope import Version, spoken
from idnode.wire.messages.header import Header
from idnode.wire.messages.message import read_message, reply_envelope, reply_header, write_message
from idnode.wire.messages.values import read_value, value_bytes

REQUEST = bytes.fromhex(
    "0203020b 00000000 4120ada3 00000000 00000048"
    "00000001 00000000 19000000 ffff 00 00 6b05d025 0000002c"
    "00000015 38382e3130302e313233342f70726f647563742d31"
    "00000001 00000064 00000001 00000003 55524c"
    "00000000"
)
REPLY = bytes.fromhex(
    "020b020b 00000000 4120ada3 00000000 000000ac"
    "00000001 00000001 99000000 0001 00 00 6b05d025 00000090"
    "00000015 38382e3130302e313233342f70726f647563742d31  00000002"
    "00000001 6553f100 00 00015180 0e 00000003 55524c 0000001a 68747470733a2f2f6578616d706c652e636f6d2f6974656d2f31"
    "00000000"
    "00000064 6553f100 00 00015180 0e 00000008 48535f41444d494e 0000001a"
    "0fff 00000010 302e4e412f38382e3130302e31323334 000000c8 00000000"
    "00000000"
)
MOMENT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
URL = HandleValue(1, "URL", b"https://example.com/item/1", MOMENT)
ADMIN = HandleValue(100, "HS_ADMIN", bytes.fromhex("0fff00000010302e4e412f38382e3130302e31323334000000c8"), MOMENT)
EXPIRATION = 0x6B05D025


def test_a_resolution_request_is_read_and_written() -> None:
    message = read_message(REQUEST)

    assert message.envelope.version == (2, 3)
    assert message.envelope.suggested == (2, 11)
    assert message.envelope.request_id == 0x4120ADA3
    assert message.header == Header(OpCode.RESOLUTION, 0, 0x19000000, 0xFFFF, 0, EXPIRATION, 44)
    assert ResolutionRequest.decode(message.body) == ("88.100.1234/product-1", (100,), ("URL",))
    assert message.credential == b""
    assert write_message(message.envelope, message.header, ResolutionRequest.decode(message.body).encode()) == REQUEST


def test_the_reply_to_it_is_written_to_the_byte() -> None:
    request = read_message(REQUEST)
    body = HandleValues("88.100.1234/product-1", (URL, ADMIN)).encode()
    header = reply_header(request.header, ResponseCode.SUCCESS, serial=1, expiration=EXPIRATION)

    assert write_message(reply_envelope(request.envelope), header, body) == REPLY
    assert HandleValues.decode(read_message(REPLY).body) == ("88.100.1234/product-1", (URL, ADMIN))


def test_not_found_has_an_empty_text() -> None:
    request = read_message(REQUEST)
    header = reply_header(request.header, ResponseCode.HANDLE_NOT_FOUND, serial=1, expiration=EXPIRATION)
    written = write_message(reply_envelope(request.envelope), header, text_body(""))

    assert written[20:] == bytes.fromhex("00000001 00000064 99000000 0001 0000 6b05d025 00000004 00000000 00000000")


def test_a_foreign_prefix_is_told_in_words() -> None:
    assert read_text_body(text_body("That prefix doesn't live here")) == "That prefix doesn't live here"


def test_a_challenge_is_read_and_written() -> None:
    digest = bytes(range(32))
    nonce = bytes.fromhex("4cc22872ccfbaef4307eb4287d52f155")
    body = bytes.fromhex("03") + digest + bytes.fromhex("00000010") + nonce
    header = bytes.fromhex("00000064 00000192 99800000 0001 0000 6b05d025 00000035")
    data = bytes.fromhex("020b020b 00000019 06f5a3d3 00000000 00000051") + header + body + bytes(4)
    message = read_message(data)

    assert (message.header.op_code, message.header.response_code) == (100, 402)
    assert message.envelope.session_id == 25
    challenge = Challenge.decode(message.body)
    assert challenge == (RequestDigest(SHA256, digest), nonce)
    assert challenge.challenged == nonce + digest
    assert write_message(message.envelope, message.header, challenge.encode()) == data


def test_an_answer_with_a_secret_key_is_read_and_written() -> None:
    answer = bytes.fromhex("22 00000010") + bytes(16) + bytes.fromhex("00002710 000000a0 00000014") + bytes(20)
    body = (
        bytes.fromhex("00000009 48535f5345434b4559 00000010 302e4e412f38382e3130302e31323334 0000012d 00000035")
        + answer
    )

    read = ChallengeAnswer.decode(body)
    assert read == ("HS_SECKEY", Reference("0.NA/88.100.1234", 301), answer)
    assert len(body) == 0x5E
    assert read.encode() == body


def test_references_and_an_absolute_ttl_are_read_and_written() -> None:
    references = (Reference("88.100.1234/PRODUCT-1", 1), Reference("0.NA/88.100.1234", 300))
    linked = HandleValue(7, "URL", b"x", MOMENT, references=references)
    absolute = HandleValue(8, "URL", b"x", MOMENT, ttl=TimeToLive(0x77359400, is_absolute=True))

    assert value_bytes(linked) == bytes.fromhex(
        "00000007 6553f100 00 00015180 0e 00000003 55524c 00000001 78 00000002"
        "00000015 38382e3130302e313233342f50524f445543542d31 00000001"
        "00000010 302e4e412f38382e3130302e31323334 0000012c"
    )
    assert value_bytes(absolute) == bytes.fromhex(
        "00000008 6553f100 01 77359400 0e 00000003 55524c 00000001 78 00000000"
    )
    for value in (linked, absolute):
        assert read_value(Reader(value_bytes(value))) == value


def test_permissions_are_four_bits() -> None:
    value = read_value(Reader(bytes.fromhex("00000001 00000000 00 00000000 fc 00000000 00000000 00000000")))

    assert value.permissions == Permission.ADMIN_READ | Permission.ADMIN_WRITE


def test_the_answer_is_in_the_version_that_both_speak() -> None:
    envelope = read_message(REQUEST).envelope

    assert spoken(envelope) == (2, 11)
    assert spoken(envelope._replace(suggested=Version(2, 10))) == (2, 10)
    assert spoken(envelope._replace(suggested=Version(3, 0))) == (2, 11)


def test_a_client_that_suggests_nothing_is_answered_in_its_own_version() -> None:
    silent = bytes.fromhex("02010000") + REQUEST[4:]

    assert spoken(read_message(silent).envelope) == (2, 1)

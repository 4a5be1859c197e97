"""What is thrown at the readers: good messages of every kind, and what chance makes of them."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from ipaddress import IPv4Address
from random import Random

from idnode.model.handle_value import HandleValue, Reference
from idnode.wire.handle_secrets import Derivation, SecretAlgorithm, SecretAnswer
from idnode.wire.messages.authentication import Challenge, ChallengeAnswer, Verification, identity_body
from idnode.wire.messages.bodies import (
    HandleIndexes,
    HandleValues,
    Referral,
    ResolutionRequest,
    handles_body,
    text_body,
)
from idnode.wire.messages.codes import REQUEST_FLAGS_DEFAULT, OpCode, ResponseCode, SessionMode
from idnode.wire.messages.credential import Credential
from idnode.wire.messages.digests import request_digest
from idnode.wire.messages.envelope import ENVELOPE_BYTES, Envelope, Version
from idnode.wire.messages.header import Header
from idnode.wire.messages.message import write_message
from idnode.wire.messages.packets import packets_of
from idnode.wire.messages.proofs import secret_answer_bytes, signature_bytes
from idnode.wire.messages.sessions import SessionSetup
from idnode.wire.session_crypto import OAKLEY_GROUP_2, encrypted, public_of
from idnode.wire.typed_values.hs_admin import AdminPermission, HsAdmin
from idnode.wire.typed_values.hs_pubkey import HsPubkey, RsaPublicKey
from idnode.wire.typed_values.hs_site import (
    HsSite,
    InterfaceProtocol,
    InterfaceUse,
    SiteAttribute,
    SiteInterface,
    SiteServer,
)
from idnode.wire.typed_values.hs_vlist import HsVlist

HANDLE = "88.118.8/JX-1"
JUNK_BYTES_MAX = 700
EDITS_MAX = 4
PARTS_WEIGHT = 3
SESSION_KEY = bytes(range(32))
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
EXPIRATION = 1_900_000_000
WHO = Reference("0.NA/88.118.8", 300)
# Sizes, counts, operations and flags at their limits and beyond.
TELLING = (0, 1, 2, 3, 24, 492, 493, 2_048, 2_049, 65_536, 262_144, 262_145, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def request(body: bytes, op_code: int, *, number: int = 7, flags: int = REQUEST_FLAGS_DEFAULT, code: int = 0) -> bytes:
    """A message as clients send it; with a code as servers do."""
    envelope = Envelope(Version(2, 3), Version(2, 11), False, False, 0, number, 0, 0)
    return write_message(envelope, Header(op_code, code, flags, 0xFFFF, 0, EXPIRATION, 0), body)


def good(number: int) -> bytes:
    """A request that has to be answered with success."""
    return request(ResolutionRequest(HANDLE, (), ()).encode(), OpCode.RESOLUTION, number=number)


def typed_values() -> tuple[bytes, ...]:
    """One of each."""
    key = HsPubkey(RsaPublicKey(65_537, (1 << 2_047) + 1))
    interface = SiteInterface(InterfaceUse.ADMIN | InterfaceUse.QUERY, InterfaceProtocol.TCP, 2_641)
    server = SiteServer(1, IPv4Address("192.0.2.7"), key.encode(), (interface, interface))
    site = HsSite((server,), attributes=(SiteAttribute("desc", "a site"),))
    return (
        HsAdmin(AdminPermission(0x0FFF), WHO.handle, WHO.index).encode(),
        HsVlist((WHO, Reference(HANDLE, 0))).encode(),
        key.encode(),
        HsPubkey(OAKLEY_GROUP_2).encode(),
        site.encode(),
    )


def messages() -> tuple[bytes, ...]:
    """Good messages of every operation, and answers; the first is a resolution."""
    types = ("HS_ADMIN", "HS_VLIST", "HS_PUBKEY", "HS_PUBKEY", "HS_SITE")
    values = tuple(
        HandleValue(index, kind, data, MOMENT)
        for index, (kind, data) in enumerate(zip(types, typed_values(), strict=True), 1)
    )
    resolution = good(7)
    digest = request_digest(Version(2, 11), resolution[ENVELOPE_BYTES:-4])
    answer = SecretAnswer(SecretAlgorithm.PBKDF2_HMAC_SHA1, bytes(20), Derivation(bytes(16), 10_000, 160))
    signed = Credential(0, "HS_SIGNED", "SHA-256", bytes(256)).encode()
    bodies = (
        (OpCode.RESOLUTION, ResolutionRequest(HANDLE, (1, 100), ("URL", "HS_.")).encode()),
        (OpCode.GET_SITE, text_body("/")),
        (OpCode.CREATE_HANDLE, HandleValues(HANDLE, values).encode()),
        (OpCode.DELETE_HANDLE, text_body(HANDLE)),
        (OpCode.ADD_VALUE, HandleValues(HANDLE, values[:1]).encode()),
        (OpCode.REMOVE_VALUE, HandleIndexes(HANDLE, (1, 2, 3)).encode()),
        (OpCode.MODIFY_VALUE, HandleValues(HANDLE, values[:2]).encode()),
        (OpCode.LIST_HANDLES, text_body("0.NA/88.118.8")),
        (OpCode.CHALLENGE_ANSWER, ChallengeAnswer("HS_SECKEY", WHO, secret_answer_bytes(answer)).encode()),
        (OpCode.CHALLENGE_ANSWER, ChallengeAnswer("HS_PUBKEY", WHO, signature_bytes(bytes(256))).encode()),
        (OpCode.VERIFY_CHALLENGE, Verification(WHO, bytes(16), digest, bytes(20)).encode()),
        (OpCode.SESSION_SETUP, session_setup()),
        (OpCode.LOGIN_BY_KEY, identity_body(WHO)),
    )
    found = [resolution, *(request(body, op_code) for op_code, body in bodies)]
    found.append(found[1][:-4] + len(signed).to_bytes(4, "big") + signed)
    answers = (
        (ResponseCode.SUCCESS, HandleValues(HANDLE, values).encode()),
        (ResponseCode.AUTHENTICATION_NEEDED, Challenge(digest, bytes(16)).encode()),
        (ResponseCode.PREFIX_REFERRAL, Referral("", values[-1:]).encode()),
        (ResponseCode.SUCCESS, handles_body([HANDLE] * 58)),
    )
    found += [request(body, OpCode.RESOLUTION, code=code) for code, body in answers]
    return tuple(found)


def session_setup() -> bytes:
    """A body that begins a session by Diffie-Hellman."""
    key = HsPubkey(OAKLEY_GROUP_2).encode()
    return SessionSetup(SessionMode.DIFFIE_HELLMAN, 86_400, WHO, key).encode()


def parts() -> tuple[bytes, ...]:
    """What stands inside of messages and has readers of its own."""
    answer = SecretAnswer(SecretAlgorithm.PBKDF2_HMAC_SHA1, bytes(20), Derivation(bytes(16), 10_000, 160))
    return (
        *typed_values(),
        HsPubkey(public_of(OAKLEY_GROUP_2, SESSION_KEY)).encode(),
        Credential(0, "HS_SIGNED", "SHA-256", bytes(256)).encode(),
        secret_answer_bytes(answer),
        signature_bytes(bytes(256)),
        encrypted(SESSION_KEY, good(7)[ENVELOPE_BYTES:], bytes(16)),
        b".".join(map(b64encode, (b'{"alg":"RS256"}', b'{"iss":"300:0.NA/88.118.8"}', bytes(255)))),
    )


def mutated(original: bytes, others: Sequence[bytes], chance: Random) -> bytes:
    """What a few edits make of a message; its sizes may be put right again, so that it is looked at in depth."""
    edited = bytearray(original)
    for _ in range(chance.randint(1, EDITS_MAX)):
        chance.choice(EDITS)(edited, others, chance)
    if chance.random() < 0.5 and len(edited) >= ENVELOPE_BYTES:
        edited[16:20] = (len(edited) - ENVELOPE_BYTES).to_bytes(4, "big")
    if chance.random() < 0.3 and len(edited) >= 48:
        edited[40:44] = (len(edited) - 48).to_bytes(4, "big")
    return bytes(edited)


def inputs(chance: Random) -> Callable[[], bytes]:
    """Makes one after the other."""
    whole = messages()
    packets = tuple(packet for message in whole for packet in packets_of(message, tells_truncation=True))
    originals = whole + packets + tuple(message[ENVELOPE_BYTES:] for message in whole) + parts() * PARTS_WEIGHT

    def one() -> bytes:
        drawn = chance.random()
        original = chance.choice(originals)
        if drawn < 0.1:
            return chance.randbytes(chance.randrange(JUNK_BYTES_MAX))
        if drawn < 0.3:
            return original[: chance.randrange(len(original) + 1)]
        return mutated(original, originals, chance)

    return one


def _flip(edited: bytearray, _: Sequence[bytes], chance: Random) -> None:
    if edited:
        edited[chance.randrange(len(edited))] ^= 1 << chance.randrange(8)


def _number(edited: bytearray, _: Sequence[bytes], chance: Random) -> None:
    at = chance.randrange(len(edited) + 1)
    edited[at : at + 4] = (chance.choice(TELLING)).to_bytes(4, "big")


def _cut(edited: bytearray, _: Sequence[bytes], chance: Random) -> None:
    at = chance.randrange(len(edited) + 1)
    del edited[at : at + chance.randrange(32)]


def _repeat(edited: bytearray, _: Sequence[bytes], chance: Random) -> None:
    at = chance.randrange(len(edited) + 1)
    edited[at:at] = edited[at : at + chance.randrange(64)]


def _splice(edited: bytearray, others: Sequence[bytes], chance: Random) -> None:
    other = chance.choice(others)
    edited[chance.randrange(len(edited) + 1) :] = other[chance.randrange(len(other) + 1) :]


def _fill(edited: bytearray, _: Sequence[bytes], chance: Random) -> None:
    at = chance.randrange(len(edited) + 1)
    edited[at:at] = chance.randbytes(chance.randrange(32))


EDITS = (_flip, _flip, _number, _number, _cut, _repeat, _splice, _fill)

"""What a Handle client shows of itself: `Authorization: Basic …` and `Handle …`, or the same as JSON. Pure (§2)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

import orjson

from idnode.model.errors import InvalidInput, MalformedInput, Violation, shown
from idnode.registry.handle_admin import PUBKEY, SECKEY, HandleIdentity, Proof
from idnode.wire.encoded_bytes import from_base64
from idnode.wire.handle_secrets import (
    Derivation,
    SecretAlgorithm,
    SecretAnswer,
    Signature,
    SignatureAlgorithm,
)

CREDENTIALS_CHARACTERS_MAX = 8_190
"""Of the header; a signature of RSA 16,384 takes 2,732."""

_PARAMETER = re.compile(r'\s*([A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^",\s]+))\s*(?:,|$)')
_PROVING = ("cnonce", "id", "type", "alg", "signature")
_SESSION = "sessionId"
_SECRET_ALGORITHMS = frozenset(each.value for each in SecretAlgorithm)
_SIGNATURE_ALGORITHMS = frozenset(each.value for each in SignatureAlgorithm)


class UnreadableCredentials(MalformedInput):
    """The Authorization header or the session document is not what it should be."""

    code = "unreadable-credentials"


@dataclass(frozen=True, slots=True, repr=False)
class BasicCredentials:
    """An identity and its secret key; `claimed` is None when the user name is no identity."""

    claimed: HandleIdentity | None
    password: bytes


@dataclass(frozen=True, slots=True, repr=False)
class SessionProof:
    """The answer to a session's nonce."""

    claimed: HandleIdentity
    client_nonce: bytes
    answer: SecretAnswer | Signature

    def proof(self, nonce: bytes) -> Proof:
        """It is about both nonces."""
        message = nonce + self.client_nonce
        if isinstance(self.answer, Signature):
            return Proof.by_signature(self.answer, message)
        return Proof.by_secret(self.answer, message)


@dataclass(frozen=True, slots=True, repr=False)
class HandleCredentials:
    """A session, and perhaps the proof that makes it somebody's; `asks_for_certificate`: by a client certificate."""

    session_id: str | None
    proof: SessionProof | None = None
    asks_for_certificate: bool = False


def basic_credentials(text: str) -> BasicCredentials:
    """What follows `Basic `: base64 of user:password, with the user's own `:` escaped. Raises MalformedInput."""
    user, colon, password = (from_base64(text.strip()) or b"").partition(b":")
    if not colon:
        raise _unreadable("Authorization", "Basic takes base64 of user:password")
    try:
        claimed = HandleIdentity.parse(unquote(user.decode(), errors="strict"))
    except (UnicodeDecodeError, InvalidInput):
        return BasicCredentials(None, password)
    return BasicCredentials(claimed, password)


def handle_credentials(text: str) -> HandleCredentials:
    """What follows `Handle `: name="value", …; the id is percent-encoded there. Raises MalformedInput."""
    if len(text) > CREDENTIALS_CHARACTERS_MAX:
        raise _unreadable("Authorization", f"{len(text)} characters, the limit is {CREDENTIALS_CHARACTERS_MAX}")
    members: dict[str, object] = {}
    at = 0
    while at < len(text):
        parameter = _PARAMETER.match(text, at)
        if parameter is None or parameter[1] in members:
            raise _unreadable(
                "Authorization", f'Handle takes name="value" parameters, each once; see {shown(text[at:])}'
            )
        quoted, token = parameter[2], parameter[3]
        members[parameter[1]] = token if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        at = parameter.end()
    if isinstance(identity := members.get("id"), str):
        members["id"] = unquote(identity)
    return _credentials_of(members, "Authorization")


def session_document(body: bytes) -> HandleCredentials:
    """The same fields as a JSON object. Raises MalformedInput."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedInput(f"the body is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise MalformedInput("the body must be an object with sessionId, cnonce, id, type, alg and signature")
    return _credentials_of(document, "")


def _credentials_of(members: Mapping[str, object], place: str) -> HandleCredentials:
    session_id = members.get(_SESSION)
    if session_id is not None and not isinstance(session_id, str):
        raise _unreadable(f"{place}/{_SESSION}", f"{_SESSION} is text")
    given = [name for name in ("id", "type", "alg", "signature") if name in members]
    if not given:
        # A cnonce alone asks the server to sign; this node has no key to sign with.
        return HandleCredentials(session_id, None, members.get("clientCert") in ("true", True))
    missing = [name for name in _PROVING if not isinstance(members.get(name), str)]
    if missing:
        raise _unreadable(f"{place}/{missing[0]}", f"{missing[0]} is required as text beside {given[0]}")
    return HandleCredentials(session_id, _proof_of({name: str(members[name]) for name in _PROVING}, members, place))


def _proof_of(texts: Mapping[str, str], members: Mapping[str, object], place: str) -> SessionProof:
    answer = _octets(texts["signature"], f"{place}/signature")
    algorithm = texts["alg"].upper().replace("-", "").replace("_", "")
    match texts["type"]:
        case "HS_SECKEY" if algorithm in _SECRET_ALGORITHMS:
            proof: SecretAnswer | Signature = SecretAnswer(
                SecretAlgorithm(algorithm), answer, _derivation_of(members, place) if "PBKDF2" in algorithm else None
            )
        case "HS_PUBKEY" if algorithm in _SIGNATURE_ALGORITHMS:
            proof = Signature(SignatureAlgorithm(algorithm), answer)
        case "HS_SECKEY" | "HS_PUBKEY" as kind:
            known = ", ".join(SecretAlgorithm if kind == SECKEY else SignatureAlgorithm)
            raise _unreadable(f"{place}/alg", f"alg of {kind} is one of {known}, not {shown(texts['alg'])}")
        case kind:
            raise _unreadable(f"{place}/type", f"type is {SECKEY} or {PUBKEY}, not {shown(kind)}")
    return SessionProof(HandleIdentity.parse(texts["id"]), _octets(texts["cnonce"], f"{place}/cnonce"), proof)


def _derivation_of(members: Mapping[str, object], place: str) -> Derivation:
    salt = members.get("salt")
    derivation = Derivation(
        _octets(salt if isinstance(salt, str) else "", f"{place}/salt"),
        _number(members, "iterations", place),
        _number(members, "length", place),
    )
    problem = derivation.problem
    if problem is not None:
        raise _unreadable(place, problem)
    return derivation


def _number(members: Mapping[str, object], name: str, place: str) -> int:
    value = members.get(name)
    if type(value) is int:
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 9:
        return int(value)
    raise _unreadable(f"{place}/{name}", f"{name} is required as a number with PBKDF2")


def _octets(text: str, pointer: str) -> bytes:
    # Clients send either alphabet (RFC 4648 §4, §5).
    octets = from_base64(text.replace("-", "+").replace("_", "/"))
    if octets is None:
        raise _unreadable(pointer, f"{pointer.rpartition('/')[2]} is not base64")
    return octets


def _unreadable(pointer: str, detail: str) -> UnreadableCredentials:
    # Never the value: it may be somebody's secret.
    return UnreadableCredentials(detail, violations=(Violation(pointer, "credentials", detail),))

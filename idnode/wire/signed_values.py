"""Signed values: HS_SIGNATURE and HS_CERT as compact JSON Web Signatures under RS256. Pure (handle-protocol.md §4)."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import orjson
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from idnode.model.errors import IdnodeError, InvalidInput
from idnode.model.handle_value import HandleValue, Reference
from idnode.model.limits import VALUE_DATA_BYTES_MAX, VALUE_INDEX_MAX, VALUES_MAX
from idnode.wire.encoded_bytes import base64_of, base64url_of, from_base64, from_base64url
from idnode.wire.json_reader import JsonReader
from idnode.wire.messages.values import UNSIGNED_BYTES, value_bytes
from idnode.wire.typed_values.hs_pubkey import HsPubkey, RsaPublicKey

SIGNATURE, CERTIFICATE = "HS_SIGNATURE", "HS_CERT"
DIGEST_ALGORITHM = "SHA-256"
CHAIN_MAX = 16
"""Certificates from an issuer up to the root."""
PERMISSIONS_MAX = 256
SECONDS_MAX = 1 << 53

_HEADER = {"alg": "RS256", "typ": "JWT"}


class UnreadableSignature(IdnodeError):
    """What stands in an HS_SIGNATURE or HS_CERT is none; the text says what is wrong with it."""

    code = "unreadable-signature"


@dataclass(frozen=True, slots=True)
class Span:
    """From `not_before` up to `expires`, unix seconds."""

    not_before: int
    expires: int

    def problem(self, now: int) -> str | None:
        """Why it is not valid at a second, None when it is."""
        if now < self.not_before:
            return f"is valid from unix second {self.not_before} on, it is {now}"
        return f"expired at unix second {self.expires}, it is {now}" if now >= self.expires else None


@dataclass(frozen=True, slots=True)
class SignatureClaims:
    """What an HS_SIGNATURE says: these digests, by index, are of values of `subject`.

    `chain` leads from the issuer to the root: the first certificate authorises the issuer, the next that one's issuer.
    """

    subject: str
    issuer: Reference
    issued: int
    span: Span
    digests: Mapping[int, bytes]
    chain: tuple[Reference, ...] = ()

    def document(self) -> dict[str, object]:
        """The claims as JSON."""
        listed = [{"index": index, "digest": base64_of(digest)} for index, digest in self.digests.items()]
        document: dict[str, object] = {
            "sub": self.subject,
            "iss": place_text(self.issuer),
            "iat": self.issued,
            "nbf": self.span.not_before,
            "exp": self.span.expires,
            "digests": {"alg": DIGEST_ALGORITHM, "digests": listed},
        }
        if self.chain:
            document["chain"] = [place_text(each) for each in self.chain]
        return document

    @classmethod
    def of(cls, claims: Mapping[str, object]) -> Self:
        """Raises UnreadableSignature."""
        digests = _member(claims, "digests", dict)
        if digests.get("alg") != DIGEST_ALGORITHM:
            raise UnreadableSignature(f"digests.alg must be {DIGEST_ALGORITHM}")
        listed = _list(digests, "digests", VALUES_MAX)
        return cls(
            _member(claims, "sub", str),
            place_of(_member(claims, "iss", str)),
            _seconds(claims, "iat"),
            _span(claims),
            dict(_digest(each) for each in listed),
            tuple(place_of(each) for each in _list(claims, "chain", CHAIN_MAX)) if "chain" in claims else (),
        )


@dataclass(frozen=True, slots=True)
class CertificatePermission:
    """`kind`: everything, thisHandle, derivedPrefixes, handlesUnderThisPrefix; any other one permits nothing."""

    handle: str
    kind: str


@dataclass(frozen=True, slots=True)
class CertificateClaims:
    """What an HS_CERT says: the key of `subject` is this one, and it may sign what `permissions` say."""

    subject: Reference
    issuer: Reference
    span: Span
    public_key: HsPubkey
    permissions: tuple[CertificatePermission, ...]

    def document(self) -> dict[str, object]:
        """The claims as JSON."""
        return {
            "sub": place_text(self.subject),
            "iss": place_text(self.issuer),
            "nbf": self.span.not_before,
            "exp": self.span.expires,
            "publicKey": self.public_key.to_json(),
            "perms": [{"handle": each.handle, "perm": each.kind} for each in self.permissions],
        }

    @classmethod
    def of(cls, claims: Mapping[str, object]) -> Self:
        """Raises UnreadableSignature. Members that the Chinese guide adds (org, sn, exts) are read over."""
        key = JsonReader(_member(claims, "publicKey", dict), "/publicKey")
        try:
            public = HsPubkey.from_json(key)
            key.raise_refusals()
        except InvalidInput as error:
            raise UnreadableSignature(f"publicKey is no JSON Web Key: {error.detail}") from None
        return cls(
            place_of(_member(claims, "sub", str)),
            place_of(_member(claims, "iss", str)),
            _span(claims),
            public,
            tuple(_permission(each) for each in _list(claims, "perms", PERMISSIONS_MAX)),
        )


@dataclass(frozen=True, slots=True)
class SignedText:
    """A compact JWS, taken apart: what was signed, the signature, and the claims, which nothing vouches for yet."""

    signed: bytes
    signature: bytes
    claims: Mapping[str, object]

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Raises UnreadableSignature, also for every other algorithm than RS256."""
        if len(data) > VALUE_DATA_BYTES_MAX:
            raise UnreadableSignature(f"has {len(data)} bytes, the limit is {VALUE_DATA_BYTES_MAX}")
        parts = data.split(b".")
        if len(parts) != 3:
            raise UnreadableSignature("is no compact JWS: three parts with dots between them")
        header, claims, signature = (_octets(part) for part in parts)
        read = _json(header)
        if read.get("alg") != "RS256" or "crit" in read:
            raise UnreadableSignature("its header must say alg RS256, and nothing that is critical")
        return cls(parts[0] + b"." + parts[1], signature, _json(claims))

    def fits(self, key: HsPubkey) -> bool:
        """Whether the holder of this key signed it; False for a key that is not RSA."""
        if not isinstance(key.key, RsaPublicKey):
            return False
        try:
            public = RSAPublicNumbers(key.key.e, key.key.n).public_key()
            public.verify(self.signature, self.signed, padding.PKCS1v15(), SHA256())
        except (InvalidSignature, UnsupportedAlgorithm, ValueError):
            return False
        return True


def signed_text(claims: Mapping[str, object], key: RSAPrivateKey) -> bytes:
    """The claims as the data of a value; takes about a millisecond."""
    parts = (orjson.dumps(_HEADER), orjson.dumps(claims))
    signed = ".".join(base64url_of(part) for part in parts).encode("ascii")
    signature = key.sign(signed, padding.PKCS1v15(), SHA256())
    return signed + b"." + base64url_of(signature).encode("ascii")


def value_digest(value: HandleValue) -> bytes:
    """SHA-256 over the value in bytes, without its index and its timestamp."""
    return hashlib.sha256(value_bytes(value)[UNSIGNED_BYTES:]).digest()


def digests_of(values: Iterable[HandleValue]) -> dict[int, bytes]:
    """By index."""
    return {value.index: value_digest(value) for value in values}


def place_text(place: Reference) -> str:
    """`index:handle`."""
    return f"{place.index}:{place.handle}"


def place_of(text: object) -> Reference:
    """The inverse; a handle without an index means index 0, any. Raises UnreadableSignature."""
    if not isinstance(text, str):
        raise UnreadableSignature("a place must be a text such as 300:0.NA/88.118.8")
    index, colon, handle = text.partition(":")
    if not colon or not index.isascii() or not index.isdigit():
        return Reference(text, 0)
    if len(index) > 10 or int(index) > VALUE_INDEX_MAX or not handle:
        raise UnreadableSignature(f"index {index[:20]} of a place is above {VALUE_INDEX_MAX}, or no handle follows")
    return Reference(handle, int(index))


def _octets(part: bytes) -> bytes:
    try:
        octets = from_base64url(part.decode("ascii"))
    except UnicodeDecodeError:
        octets = None
    if octets is None:
        raise UnreadableSignature("its parts are not base64url without padding")
    return octets


def _json(octets: bytes) -> dict[str, Any]:
    try:
        read = orjson.loads(octets)
    except orjson.JSONDecodeError:
        read = None
    if not isinstance(read, dict):
        raise UnreadableSignature("header and claims must be JSON objects")
    return read


def _member(claims: Mapping[str, object], name: str, kind: type[Any]) -> Any:  # it is of `kind`
    value = claims.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise UnreadableSignature(f"the claim {name} is missing, or is no {kind.__name__}")
    return value


def _list(claims: Mapping[str, object], name: str, items_max: int) -> list[Any]:
    listed: list[Any] = _member(claims, name, list)
    if len(listed) > items_max:
        raise UnreadableSignature(f"{name} has {len(listed)} elements, the limit is {items_max}")
    return listed


def _seconds(claims: Mapping[str, object], name: str) -> int:
    seconds: int = _member(claims, name, int)
    if not 0 <= seconds <= SECONDS_MAX:
        raise UnreadableSignature(f"the claim {name} is no unix second")
    return seconds


def _span(claims: Mapping[str, object]) -> Span:
    return Span(_seconds(claims, "nbf"), _seconds(claims, "exp"))


def _digest(listed: object) -> tuple[int, bytes]:
    if not isinstance(listed, dict):
        raise UnreadableSignature("a digest must be an object of index and digest")
    digest = from_base64(_member(listed, "digest", str))
    if digest is None or len(digest) != hashlib.sha256().digest_size:
        raise UnreadableSignature("a digest must be 32 bytes in base64")
    return _seconds(listed, "index"), digest


def _permission(listed: object) -> CertificatePermission:
    if not isinstance(listed, dict):
        raise UnreadableSignature("a permission must be an object of handle and perm")
    return CertificatePermission(_member(listed, "handle", str), _member(listed, "perm", str))

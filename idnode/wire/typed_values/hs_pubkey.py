"""HS_PUBKEY: a public key of RSA, DSA or Diffie-Hellman (handle-protocol.md §1.5; JSON Web Key, RFC 7517)."""

from dataclasses import dataclass
from typing import ClassVar, Self

from idnode.wire.cursor import MalformedMessage, Reader, Writer
from idnode.wire.encoded_bytes import base64url_of
from idnode.wire.json_reader import JsonReader

KEY_INTEGER_BYTES_MAX = 2_049
"""A modulus of 16,384 bits and the sign byte before it."""

_KEY_TYPE_BYTES_MAX = 64


@dataclass(frozen=True, slots=True)
class RsaPublicKey:
    """RSA: exponent `e` and modulus `n`."""

    key_type: ClassVar[str] = "RSA_PUB_KEY"
    integers: ClassVar[tuple[str, ...]] = ("e", "n")
    # HANDLE.NET allocates four bytes too many and leaves them zero (289 for RSA-2048); other writers do not.
    padding_bytes: ClassVar[int] = 4

    e: int
    n: int


@dataclass(frozen=True, slots=True)
class DsaPublicKey:
    """DSA: the domain parameters `q`, `p`, `g` and the public `y`."""

    key_type: ClassVar[str] = "DSA_PUB_KEY"
    integers: ClassVar[tuple[str, ...]] = ("q", "p", "g", "y")
    padding_bytes: ClassVar[int] = 0

    q: int
    p: int
    g: int
    y: int


@dataclass(frozen=True, slots=True)
class DhPublicKey:
    """Diffie-Hellman: the public `y` in the group `p`, `g`."""

    key_type: ClassVar[str] = "DH_PUB_KEY"
    integers: ClassVar[tuple[str, ...]] = ("y", "p", "g")
    padding_bytes: ClassVar[int] = 0

    y: int
    p: int
    g: int


PublicKey = RsaPublicKey | DsaPublicKey | DhPublicKey

_BY_KEY_TYPE: dict[str, type[PublicKey]] = {kind.key_type: kind for kind in (RsaPublicKey, DsaPublicKey, DhPublicKey)}
_BY_JWK_TYPE: dict[str, type[PublicKey]] = {"RSA": RsaPublicKey, "DSA": DsaPublicKey}
_JWK_TYPE_OF = {kind: kty for kty, kind in _BY_JWK_TYPE.items()}


@dataclass(frozen=True, slots=True)
class HsPubkey:
    """The public key that a value holds."""

    key: PublicKey

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Str key type · int2 flags, reserved and read over · its integers. Raises MalformedMessage.

        RSA with or without the four unused bytes.
        """
        reader = Reader(data)
        key_type = reader.text(bytes_max=_KEY_TYPE_BYTES_MAX)
        kind = _BY_KEY_TYPE.get(key_type)
        if kind is None:
            raise MalformedMessage(f"unknown key type {key_type!r}", offset=0)
        reader.int2()
        key = kind(*(_read_integer(reader) for _ in kind.integers))
        reader.finish(padding_bytes=kind.padding_bytes)
        return cls(key)

    def encode(self) -> bytes:
        """As HANDLE.NET writes it: RSA with the four unused bytes."""
        writer = Writer().text(self.key.key_type).int2(0)
        for name in self.key.integers:
            integer: int = getattr(self.key, name)
            # Big-endian two's complement: the top bit is the sign, so a byte 00 goes before one that has it set.
            writer.octets(integer.to_bytes(integer.bit_length() // 8 + 1, "big"))
        return writer.raw(bytes(self.key.padding_bytes)).written()

    def to_json(self) -> dict[str, object] | None:
        """Format `key` of §2, a JSON Web Key; None for Diffie-Hellman, which has none."""
        kty = _JWK_TYPE_OF.get(type(self.key))
        if kty is None:
            return None
        return {"kty": kty, **{name: _base64url_uint(getattr(self.key, name)) for name in self.key.integers}}

    @classmethod
    def from_json(cls, reader: JsonReader) -> Self:
        """Strict: a member that is not part of the public key, such as the private `d`, is refused."""
        kind = reader.member("kty").choice(_BY_JWK_TYPE)
        if kind is None:
            # Which members belong here depends on `kty`; only its absence is left to be named.
            reader.require("kty")
            return cls(RsaPublicKey(1, 1))
        reader.members(required=("kty", *kind.integers))
        return cls(kind(*(_uint_from_json(reader.member(name)) for name in kind.integers)))


def key_to_json(data: bytes) -> dict[str, object] | None:
    """The JSON Web Key of HS_PUBKEY data if it gives back exactly these bytes, else None."""
    try:
        value = HsPubkey.decode(data)
    except MalformedMessage:
        return None
    return value.to_json() if value.encode() == data else None


def _read_integer(reader: Reader) -> int:
    start = reader.offset
    integer = int.from_bytes(reader.octets(bytes_max=KEY_INTEGER_BYTES_MAX), "big")
    if integer == 0:
        raise MalformedMessage("a public key holds no 0", offset=start)
    return integer


def _base64url_uint(integer: int) -> str:
    # RFC 7518 §2, Base64urlUInt: the fewest bytes, without the sign byte.
    return base64url_of(integer.to_bytes((integer.bit_length() + 7) // 8, "big"))


def _uint_from_json(reader: JsonReader) -> int:
    integer = int.from_bytes(reader.base64url(bytes_max=KEY_INTEGER_BYTES_MAX - 1), "big")
    if integer == 0:
        reader.refuse("range", "must be greater than 0")
    return integer or 1

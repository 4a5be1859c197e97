"""What tests of signed values share: keys that are made once, and values that are signed with them."""

from functools import cache

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from idnode.model.handle_value import HandleValue, Reference
from idnode.wire.signed_values import CertificateClaims, CertificatePermission, SignatureClaims, Span, signed_text
from idnode.wire.typed_values.hs_pubkey import HsPubkey, RsaPublicKey

NOW = 1_800_000_000
SPAN = Span(NOW - 100, NOW + 100)
ISSUER, MIDDLE, ROOT = Reference("0.NA/88.118.8", 500), Reference("0.NA/88.118", 300), Reference("88.111.1/0.0", 300)


@cache
def private(name: str) -> RSAPrivateKey:  # noqa: ARG001  # each name has a key of its own
    """A key for a name."""
    return generate_private_key(65_537, 2_048)


def public(name: str) -> HsPubkey:
    """Its public half."""
    numbers = private(name).public_key().public_numbers()
    return HsPubkey(RsaPublicKey(numbers.e, numbers.n))


def signature(
    values: dict[int, bytes], *, by: str = "issuer", span: Span = SPAN, chain: tuple[Reference, ...] = ()
) -> bytes:
    """A signature of 88.118.8/JX-1 over these digests."""
    claims = SignatureClaims("88.118.8/JX-1", ISSUER, NOW, span, values, chain)
    return signed_text(claims.document(), private(by))


def certificate(
    subject: tuple[Reference, str], issuer: tuple[Reference, str], *permissions: tuple[str, str], span: Span = SPAN
) -> bytes:
    """A certificate: place and key's name of both; permissions as (handle, perm)."""
    (place, name), (above, signer) = subject, issuer
    allowed = tuple(CertificatePermission(handle, kind) for handle, kind in permissions)
    return signed_text(CertificateClaims(place, above, span, public(name), allowed).document(), private(signer))


def value(index: int, value_type: str, data: bytes, like: HandleValue) -> HandleValue:
    """A value with the rest as another has it."""
    return like._replace(index=index, type=value_type, data=data)

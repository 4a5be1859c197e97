"""What a signature is worth: a verdict for each value, and for the way from its issuer up to the root. Pure (§4)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from idnode.model.handle_value import HandleValue, Reference
from idnode.model.identifier import fold
from idnode.model.prefix_registration import RECORDS_OF_PREFIXES
from idnode.wire.signed_values import (
    SIGNATURE,
    CertificateClaims,
    CertificatePermission,
    SignatureClaims,
    SignedText,
    UnreadableSignature,
    place_text,
    value_digest,
)
from idnode.wire.typed_values.hs_pubkey import HsPubkey

_RECORDS = RECORDS_OF_PREFIXES.folded + "/"


class ValueVerdict(StrEnum):
    """What a signature says of one value."""

    VERIFIED = "verified"
    UNSIGNED = "unsigned"
    MISSING = "missing"
    WRONG_DIGEST = "wrong digest"


@dataclass(frozen=True, slots=True)
class Root:
    """Whom everything is trusted for: `handle` is a handle or `index:handle`."""

    place: Reference
    key: HsPubkey

    def is_at(self, place: Reference) -> bool:
        """Whether a place is the root's; index 0 of the root is any."""
        return fold(place.handle) == fold(self.place.handle) and self.place.index in (0, place.index)


@dataclass(frozen=True, slots=True)
class Link:
    """A certificate of the chain: where it stands, and its data."""

    place: Reference
    data: bytes


def value_verdicts(values: Iterable[HandleValue], digests: Mapping[int, bytes]) -> dict[int, ValueVerdict]:
    """By index, of the values that there are and of those that were signed; signatures do not sign each other."""
    verdicts = {}
    for value in values:
        if value.index in digests:
            fits = value_digest(value) == digests[value.index]
            verdicts[value.index] = ValueVerdict.VERIFIED if fits else ValueVerdict.WRONG_DIGEST
        elif fold(value.type) != SIGNATURE:
            verdicts[value.index] = ValueVerdict.UNSIGNED
    missing = {index: ValueVerdict.MISSING for index in digests if index not in verdicts}
    return dict(sorted({**verdicts, **missing}.items()))


def signature_problems(text: SignedText, handle: str, issuer_key: HsPubkey | None, *, now: int) -> list[str]:
    """Why a signature does not hold for the record of `handle`; `now` is a unix second. Raises UnreadableSignature."""
    claims = SignatureClaims.of(text.claims)
    problems = []
    if fold(claims.subject) != fold(handle):
        problems.append(f"it is about {claims.subject}")
    issuer = place_text(claims.issuer)
    if issuer_key is None:
        problems.append(f"there is no public key at its issuer {issuer}")
    elif not text.fits(issuer_key):
        problems.append(f"it was not signed with the key at its issuer {issuer}")
    late = claims.span.problem(now)
    return problems if late is None else [*problems, f"it {late}"]


def chain_problem(
    claims: SignatureClaims, issuer_key: HsPubkey, chain: Sequence[Link], root: Root, *, now: int
) -> str | None:
    """Why the issuer is not trusted for the identifier that it signed, None when it is.

    Each certificate must be of whoever signed what stands below it, be within its times, permit the identifier, and be
    signed with the key of the one above, the last with the root's. So nobody can permit more than he may himself.
    """
    place, key = claims.issuer, issuer_key
    for link in chain:
        if root.is_at(place):
            break
        where = f"certificate {place_text(link.place)}"
        try:
            text = SignedText.of(link.data)
            certificate = CertificateClaims.of(text.claims)
        except UnreadableSignature as error:
            return f"{where} is not readable: {error.detail}"
        problem = _link_problem(certificate, place, key, claims.subject, now=now)
        if problem is not None:
            return f"{where} {problem}"
        above = _key_above(certificate, chain, root)
        if above is None or not text.fits(above):
            return f"{where} was not signed with the key of its issuer {place_text(certificate.issuer)}"
        place, key = certificate.issuer, above
    if not root.is_at(place):
        return f"the chain ends at {place_text(place)}, which is not the root {place_text(root.place)}"
    return None if key.key == root.key.key else "what the root is said to have signed was not signed with its key"


def permits(permission: CertificatePermission, identifier: str) -> bool:
    """Whether a permission is for an identifier.

    derivedPrefixes of 0.NA/88 are the records 0.NA/88.… and what stands below these prefixes; the prefix itself is not.
    """
    handle, folded = _full(permission.handle), _full(identifier)
    prefix = handle.removeprefix(_RECORDS)
    below = folded.removeprefix(_RECORDS) if folded.startswith(_RECORDS) else folded.partition("/")[0]
    rules: dict[str, Callable[[], bool]] = {
        "everything": lambda: True,
        "thisHandle": lambda: folded == handle,
        "derivedPrefixes": lambda: handle.startswith(_RECORDS) and below.startswith(prefix + "."),
        "handlesUnderThisPrefix": lambda: handle.startswith(_RECORDS) and folded.startswith(prefix + "/"),
    }
    return permission.kind in rules and rules[permission.kind]()


def _link_problem(
    certificate: CertificateClaims, place: Reference, key: HsPubkey, identifier: str, *, now: int
) -> str | None:
    if not _is_same(certificate.subject, place):
        return f"is for {place_text(certificate.subject)}, not for {place_text(place)}"
    if certificate.public_key.key != key.key:
        return f"names another key than that of {place_text(place)}"
    late = certificate.span.problem(now)
    if late is not None:
        return late
    if not any(permits(each, identifier) for each in certificate.permissions):
        return f"does not permit to sign {identifier}"
    return None


def _key_above(certificate: CertificateClaims, chain: Sequence[Link], root: Root) -> HsPubkey | None:
    """The key of a certificate's issuer: the root's own, or what the certificate of that issuer in the chain names."""
    if root.is_at(certificate.issuer):
        return root.key
    for link in chain:
        try:
            above = CertificateClaims.of(SignedText.of(link.data).claims)
        except UnreadableSignature:
            continue
        if _is_same(above.subject, certificate.issuer):
            return above.public_key
    return None


def _is_same(one: Reference, other: Reference) -> bool:
    return one.index == other.index and fold(one.handle) == fold(other.handle)


def _full(handle: str) -> str:
    return fold(handle if "/" in handle else _RECORDS + handle)

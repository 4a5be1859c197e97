"""Verdicts on signed values: what was tampered with, what is late or foreign, chains that permit too little."""

from datetime import UTC, datetime

import pytest
from signed import ISSUER, MIDDLE, NOW, ROOT, certificate, public, signature

from idnode.model.handle_value import HandleValue, Reference
from idnode.wire.signed_values import CertificatePermission, SignatureClaims, SignedText, Span, digests_of
from idnode.wire.trust import Link, Root, chain_problem, permits, signature_problems, value_verdicts

MOMENT = datetime(2026, 11, 24, tzinfo=UTC)
VALUES = tuple(HandleValue(index, "URL", b"https://example.com/%d" % index, MOMENT) for index in (1, 2, 3))
SIGNED = HandleValue(400, "HS_SIGNATURE", b"", MOMENT)
DIGESTS = digests_of(VALUES)
AT_ISSUER, AT_MIDDLE, AT_ROOT = (ISSUER, "issuer"), (MIDDLE, "middle"), (ROOT, "root")
OWN, UP = Reference("0.NA/88.118.8", 400), Reference("0.NA/88.118", 400)
HERE = ("0.NA/88.118.8", "handlesUnderThisPrefix")
BELOW = ("0.NA/88.118", "derivedPrefixes")
THE_ROOT = Root(Reference("88.111.1/0.0", 0), public("root"))


def verdicts(*values: HandleValue) -> dict[int, str]:
    return {index: verdict.value for index, verdict in value_verdicts(values, DIGESTS).items()}


def test_values_as_they_were_signed_are_verified_and_the_signature_signs_itself_not() -> None:
    assert verdicts(*VALUES, SIGNED) == {1: "verified", 2: "verified", 3: "verified"}


@pytest.mark.parametrize("index", [1, 2, 3])
def test_each_value_that_was_tampered_with_is_found(index: int) -> None:
    tampered = tuple(each._replace(data=b"other") if each.index == index else each for each in VALUES)
    lacking = tuple(each for each in VALUES if each.index != index)
    rest = dict.fromkeys((1, 2, 3), "verified")

    assert verdicts(*tampered) == rest | {index: "wrong digest"}
    assert verdicts(*lacking) == rest | {index: "missing"}


def test_a_value_that_was_put_in_is_unsigned() -> None:
    assert verdicts(*VALUES, VALUES[0]._replace(index=9)) == {
        1: "verified",
        2: "verified",
        3: "verified",
        9: "unsigned",
    }


def problems(data: bytes, *, handle: str = "88.118.8/jx-1", key: str | None = "issuer", now: int = NOW) -> list[str]:
    return signature_problems(SignedText.of(data), handle, None if key is None else public(key), now=now)


def test_a_signature_holds_for_its_identifier_with_its_key_in_its_time_and_not_otherwise() -> None:
    good = signature(DIGESTS)

    assert problems(good) == []
    assert problems(good, handle="88.118.8/JX-2") == ["it is about 88.118.8/JX-1"]
    assert problems(good, key="other") == ["it was not signed with the key at its issuer 500:0.NA/88.118.8"]
    assert problems(good, key=None) == ["there is no public key at its issuer 500:0.NA/88.118.8"]
    assert problems(good, now=NOW + 100) == ["it expired at unix second 1800000100, it is 1800000100"]
    assert problems(good, now=NOW - 101) == ["it is valid from unix second 1799999900 on, it is 1799999899"]


def chained(*certificates: tuple[Reference, bytes], root: Root = THE_ROOT, key: str = "issuer") -> str | None:
    claims = SignatureClaims.of(SignedText.of(signature(DIGESTS)).claims)
    return chain_problem(claims, public(key), [Link(*each) for each in certificates], root, now=NOW)


def test_a_chain_up_to_the_root_is_trusted() -> None:
    own = certificate(AT_ISSUER, AT_MIDDLE, HERE)
    up = certificate(AT_MIDDLE, AT_ROOT, BELOW)
    roots_own = certificate(AT_ROOT, AT_ROOT, ("0.NA/88.111.1", "everything"))

    assert chained((OWN, own), (UP, up)) is None
    assert chained((OWN, own), (UP, up), (ROOT, roots_own)) is None
    assert chained((OWN, certificate(AT_ISSUER, AT_ROOT, HERE))) is None


def test_a_chain_that_ends_early_or_at_another_root_is_not() -> None:
    own = certificate(AT_ISSUER, AT_MIDDLE, HERE)

    assert chained() == "the chain ends at 500:0.NA/88.118.8, which is not the root 0:88.111.1/0.0"
    assert chained((OWN, own)) == (
        "certificate 400:0.NA/88.118.8 was not signed with the key of its issuer 300:0.NA/88.118"
    )
    direct = certificate(AT_ISSUER, AT_ROOT, HERE)
    assert chained((OWN, direct), root=Root(THE_ROOT.place, public("other"))) == (
        "certificate 400:0.NA/88.118.8 was not signed with the key of its issuer 300:88.111.1/0.0"
    )


@pytest.mark.parametrize(
    ("own", "up", "why"),
    [
        (certificate(AT_ISSUER, (MIDDLE, "other"), HERE), None, "not signed with the key of its issuer"),
        (certificate((ISSUER, "other"), AT_MIDDLE, HERE), None, "names another key than that of 500:0.NA/88.118.8"),
        (certificate((MIDDLE, "issuer"), AT_MIDDLE, HERE), None, "is for 300:0.NA/88.118, not for 500:0.NA/88.118.8"),
        (certificate(AT_ISSUER, AT_MIDDLE, HERE, span=Span(0, NOW)), None, "expired at unix second 1800000000"),
        (certificate(AT_ISSUER, AT_MIDDLE), None, "does not permit to sign 88.118.8/JX-1"),
        (certificate(AT_ISSUER, AT_MIDDLE, ("0.NA/88.118.9", HERE[1])), None, "does not permit"),
        (None, certificate(AT_MIDDLE, AT_ROOT, ("0.NA/88.119", "derivedPrefixes")), "0.NA/88.118 does not permit"),
        (None, certificate(AT_MIDDLE, AT_ROOT, BELOW, span=Span(NOW + 1, NOW + 2)), "is valid from"),
        (
            None,
            certificate(AT_MIDDLE, (ROOT, "other"), BELOW),
            "not signed with the key of its issuer 300:88.111.1/0.0",
        ),
        (b"junk", None, "is not readable"),
        (None, b"", "was not signed with the key of its issuer"),
    ],
)
def test_one_certificate_that_is_not_in_order_is_enough(own: bytes | None, up: bytes | None, why: str) -> None:
    first = own or certificate(AT_ISSUER, AT_MIDDLE, HERE)
    second = certificate(AT_MIDDLE, AT_ROOT, BELOW) if up is None else up

    assert why in str(chained((OWN, first), (UP, second)))


@pytest.mark.parametrize(
    ("handle", "kind", "identifier", "is_permitted"),
    [
        ("0.NA/88.1", "everything", "77.1/A", True),
        ("88.118.8/A", "thisHandle", "88.118.8/a", True),
        ("88.118.8/A", "thisHandle", "88.118.8/AB", False),
        ("0.NA/88.118", "derivedPrefixes", "88.118.8/A", True),
        ("0.NA/88.118", "derivedPrefixes", "0.NA/88.118.8", True),
        ("88.118", "derivedPrefixes", "88.118.8", True),
        ("0.NA/88.118", "derivedPrefixes", "88.118/A", False),
        ("0.NA/88.118", "derivedPrefixes", "0.NA/88.118", False),
        ("0.NA/88.118", "derivedPrefixes", "88.1180/A", False),
        ("0.NA/88.118", "handlesUnderThisPrefix", "88.118/A", True),
        ("0.NA/88.118", "handlesUnderThisPrefix", "88.118.8/A", False),
        ("88.118.8/A", "handlesUnderThisPrefix", "88.118.8/A", False),
        ("0.NA/88.118", "somethingNew", "88.118/A", False),
    ],
)
def test_a_permission_is_for_what_it_says(handle: str, kind: str, identifier: str, is_permitted: bool) -> None:
    assert permits(CertificatePermission(handle, kind), identifier) is is_permitted

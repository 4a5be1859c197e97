"""`idnode verify` and `idnode signing-key` against a played node: verdicts, chains, and an exit code that says it."""

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import orjson
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from played_node import PlayedNode, Said, idnode, played_node
from signed import ISSUER, MIDDLE, ROOT, certificate, private, public, signature

from idnode.model.handle_value import HandleValue, Reference
from idnode.wire.handle_json import values_to_json
from idnode.wire.signed_values import Span, digests_of

MOMENT = datetime(2026, 11, 24, tzinfo=UTC)
ALWAYS = Span(0, 1 << 40)
OWN, UP = Reference("0.NA/88.118.8", 400), Reference("0.NA/88.118", 400)
URL = HandleValue(1, "URL", b"https://example.com/1", MOMENT)
EMAIL = HandleValue(2, "EMAIL", b"a@example.com", MOMENT)
SIGNED = HandleValue(400, "HS_SIGNATURE", b"", MOMENT)


def says(node: PlayedNode, handle: str, *values: HandleValue) -> None:
    document = {"identifier": handle, "values": orjson.loads(values_to_json(values))}
    node.says(f"GET /v1/identifiers/{quote(handle, safe='')}", Said(200, document))


def record(node: PlayedNode, *values: HandleValue, chain: tuple[Reference, ...] = (), span: Span = ALWAYS) -> None:
    """88.118.8/JX-1 with values, of which 1 and 2 were signed as they are here."""
    data = signature(digests_of([URL, EMAIL]), chain=chain, span=span)
    says(node, "88.118.8/JX-1", *values, SIGNED._replace(data=data))
    own = certificate((ISSUER, "issuer"), (MIDDLE, "middle"), ("0.NA/88.118.8", "handlesUnderThisPrefix"), span=ALWAYS)
    up = certificate((MIDDLE, "middle"), (ROOT, "root"), ("0.NA/88.118", "derivedPrefixes"), span=ALWAYS)
    key = URL._replace(index=500, type="HS_PUBKEY", data=public("issuer").encode())
    says(node, "0.NA/88.118.8", key, URL._replace(index=400, type="HS_CERT", data=own))
    says(node, "0.NA/88.118", URL._replace(index=400, type="HS_CERT", data=up))


def root_key(path: Path, name: str) -> str:
    pem = private(name).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    path.write_bytes(pem)
    return str(path)


def test_a_record_as_it_was_signed_holds_up_to_the_root(tmp_path: Path) -> None:
    with played_node() as node:
        record(node, URL, EMAIL, chain=(OWN, UP))
        good = idnode("verify", "88.118.8/JX-1", "--root-key", root_key(tmp_path / "root", "root"), node=node)
        bad = idnode("verify", "88.118.8/JX-1", "--root-key", root_key(tmp_path / "bad", "other"), "--json", node=node)
        unchecked = idnode("verify", "88.118.8/JX-1", node=node)

    assert good.exit == 0, good.error
    assert good.out.splitlines()[:3] == [
        "88.118.8/JX-1 signed by 500:0.NA/88.118.8 (value 400)",
        "signature: holds",
        "chain: trusted",
    ]
    document = orjson.loads(bad.out)
    assert (bad.exit, document["holds"], document["signatures"][0]["problems"]) == (1, False, [])
    assert "was not signed with the key of its issuer 300:88.111.1/0.0" in document["signatures"][0]["chain"]
    assert document["signatures"][0]["verdicts"] == {"1": "verified", "2": "verified"}
    assert (unchecked.exit, "chain: not checked (no root key)" in unchecked.out) == (0, True)


@pytest.mark.parametrize(
    ("values", "verdict", "exits"),
    [
        ((URL,), ["2", "missing"], (1, 0)),
        ((URL, EMAIL._replace(data=b"b@example.com")), ["2", "wrong", "digest"], (1, 1)),
        ((URL, EMAIL, URL._replace(index=3)), ["3", "unsigned"], (1, 1)),
    ],
)
def test_what_is_not_as_it_was_signed_is_told_value_by_value(
    values: tuple[HandleValue, ...], verdict: list[str], exits: tuple[int, int]
) -> None:
    with played_node() as node:
        record(node, *values)
        strict = idnode("verify", "88.118.8/JX-1", node=node)
        lenient = idnode("verify", "88.118.8/JX-1", "--missing-ok", node=node)

    assert (strict.exit, lenient.exit) == exits
    assert verdict in [line.split() for line in strict.out.splitlines()]


def test_a_late_signature_one_without_a_key_and_none_at_all_are_refused(tmp_path: Path) -> None:
    junk = tmp_path / "junk"
    junk.write_text("junk")
    with played_node() as node:
        record(node, URL, EMAIL, span=Span(0, 1))
        late = idnode("verify", "88.118.8/JX-1", node=node)
        says(node, "0.NA/88.118.8", URL)
        keyless = idnode("verify", "88.118.8/JX-1", node=node)
        says(node, "88.118.8/JX-1", URL)
        unsigned = idnode("verify", "88.118.8/JX-1", node=node)
        says(node, "88.118.8/JX-1", URL, SIGNED._replace(data=b"junk"))
        unreadable = idnode("verify", "88.118.8/JX-1", node=node)
        wrong = idnode("verify", "88.118.8/JX-1", "--root-key", str(junk), node=node)
        unknown = idnode("verify", "88.118.8/NONE", node=node)

    assert (late.exit, "signature: it expired at unix second 1" in late.out) == (1, True)
    assert (keyless.exit, "there is no public key at its issuer 500:0.NA/88.118.8" in keyless.out) == (1, True)
    assert (unsigned.exit, "signature: it is not signed" in unsigned.out) == (1, True)
    assert (unreadable.exit, "it is not readable: is no compact JWS" in unreadable.out) == (1, True)
    assert (wrong.exit, unknown.exit) == (2, 5)


def test_a_signing_key_is_added_shown_and_removed() -> None:
    key = {
        "prefix": "88.118.8",
        "issuer": "500:0.NA/88.118.8",
        "index": 500,
        "key": {"kty": "RSA", "n": "AQ", "e": "AQAB"},
        "chain": ["400:88.118/ADMIN"],
        "in_force": True,
        "created": "2026-11-24T07:18:31Z",
        "version": 1,
    }
    with played_node() as node:
        for method in ("PUT", "GET", "DELETE"):
            node.says(f"{method} /v1/signing-keys/88.118.8", Said(200, key | {"in_force": method != "DELETE"}))
        added = idnode("signing-key", "add", "88.118.8", "--chain", "400:88.118/ADMIN", node=node)
        shown = idnode("signing-key", "show", "88.118.8", "--json", node=node)
        removed = idnode("signing-key", "remove", "88.118.8", node=node)

    assert node.asked[0].document == {"chain": ["400:88.118/ADMIN"]}
    rows = [line.split()[:4] for line in added.out.splitlines()]
    assert (added.exit, ["500:0.NA/88.118.8", "in", "force", "400:88.118/ADMIN"] in rows) == (0, True)
    assert orjson.loads(shown.out) == key
    assert "retired" in removed.out

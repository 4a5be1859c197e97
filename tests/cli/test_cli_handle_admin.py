"""`idnode handle-admin` against a played node: the secret once on standard output, and nowhere else."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from played_node import Said, idnode, played_node

KEY = {
    "identity": "301:0.NA/88.118.8",
    "index": 301,
    "type": "HS_SECKEY",
    "username": "301%3A0.NA/88.118.8",
}
MADE = KEY | {"handle": "0.NA/88.118.8", "version": 1}
LIST: dict[str, object] = {"prefix": "88.118.8", "handle": "0.NA/88.118.8", "version": 1, "keys": [KEY]}


def pem(path: Path, key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> str:
    path.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return str(path)


def test_a_secret_goes_to_standard_output_and_what_it_is_beside_it() -> None:
    with played_node() as node:
        node.says("PUT /v1/handle-admins/88.118.8", Said(200, MADE | {"secret": "idn_secret"}))
        ended = idnode("handle-admin", "add", "88.118.8", "--index", "302", node=node)

    assert (ended.exit, ended.out) == (0, "idn_secret\n")
    assert "301:0.NA/88.118.8 administers 88.118.8; its user name for Basic authentication is 301%3A" in ended.error
    assert node.asked[0].document == {"type": "HS_SECKEY", "index": 302}


def test_a_public_key_comes_from_a_pem_file(tmp_path: Path) -> None:
    public = rsa.generate_private_key(65_537, 2_048).public_key()
    with played_node() as node:
        node.says("PUT /v1/handle-admins/88.118.8", Said(200, MADE | {"type": "HS_PUBKEY"}))
        ended = idnode("handle-admin", "add", "88.118.8", "--public-key", pem(tmp_path / "a", public), node=node)

    assert (ended.exit, ended.out) == (0, "")
    sent = node.asked[0].document
    assert isinstance(sent, dict)
    assert (sent["type"], sent["key"]["kty"], sent["key"]["e"]) == ("HS_PUBKEY", "RSA", "AQAB")


def test_a_file_that_is_no_rsa_key_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    curve = pem(tmp_path / "curve", ec.generate_private_key(ec.SECP256R1()).public_key())
    junk = tmp_path / "junk"
    junk.write_text("junk")
    with played_node() as node:
        wrong = idnode("handle-admin", "add", "88.118.8", "--public-key", curve, node=node)
        unreadable = idnode("handle-admin", "add", "88.118.8", "--public-key", str(junk), node=node)

    assert f"{curve} is no RSA key" in wrong.error
    assert f"{junk} is no public key in PEM" in unreadable.error
    assert (wrong.exit, unreadable.exit, node.asked) == (2, 2, [])


def test_keys_are_listed_and_removed() -> None:
    with played_node() as node:
        node.says("GET /v1/handle-admins/88.118.8", Said(200, LIST))
        node.says("DELETE /v1/handle-admins/88.118.8/300", Said(200, LIST))
        listed = idnode("handle-admin", "list", "88.118.8", node=node)
        left = idnode("handle-admin", "remove", "88.118.8", "300", "--json", node=node)

    assert "301:0.NA/88.118.8" in listed.out
    assert left.document == LIST

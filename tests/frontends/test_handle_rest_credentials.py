"""Credentials of the REST interface: what is read from headers and documents, and what is refused."""

from base64 import b64encode
from ipaddress import ip_network

import pytest

from idnode.frontends.rest.credentials import basic_credentials, handle_credentials, session_document
from idnode.frontends.rest.secrecy import Secrecy
from idnode.model.errors import InvalidInput, MalformedInput
from idnode.wire.handle_secrets import Derivation, SecretAlgorithm, SecretAnswer, Signature, SignatureAlgorithm


def basic(text: bytes) -> str:
    return b64encode(text).decode()


def test_a_user_is_an_identity_with_its_colon_escaped_and_the_password_is_what_follows() -> None:
    credentials = basic_credentials(basic(b"301%3A0.NA/88.118.8:a:b%41"))

    assert credentials.claimed is not None
    assert (credentials.claimed.index, credentials.claimed.handle.text) == (301, "0.NA/88.118.8")
    assert credentials.password == b"a:b%41"


@pytest.mark.parametrize("user", [b"301:0.NA/88.118.8", b"x%3A0.NA/88.118.8", b"301%3A", b"\xff", b"99999999999%3Aa/b"])
def test_a_user_that_is_no_identity_is_nobody(user: bytes) -> None:
    assert basic_credentials(basic(user + b":x")).claimed is None


@pytest.mark.parametrize("text", ["", "nonsense!", basic(b"no colon"), basic(b"a:b") + "="])
def test_what_is_no_user_and_password_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(MalformedInput, match=r"Basic takes base64 of user:password$") as refused:
        basic_credentials(text)

    assert refused.value.violations[0].value is None


def test_a_prefix_alone_means_its_own_record() -> None:
    claimed = basic_credentials(basic(b"300%3A88.118.8:x")).claimed

    assert claimed is not None
    assert claimed.handle.folded == "0.NA/88.118.8"


def test_a_header_names_a_session_and_may_prove_whose_it_is() -> None:
    credentials = handle_credentials(
        'sessionId="s1", cnonce="AAEC", id="300%3A0.NA/88.118.8", type=HS_PUBKEY, alg="SHA-256", signature="__8="'
    )

    assert credentials.session_id == "s1"
    assert credentials.proof is not None
    assert credentials.proof.claimed.text == "300:0.NA/88.118.8"
    assert credentials.proof.client_nonce == b"\x00\x01\x02"
    assert credentials.proof.answer == Signature(SignatureAlgorithm.SHA256, b"\xff\xff")


def test_a_document_says_the_same_and_its_id_is_not_escaped() -> None:
    credentials = session_document(
        b'{"sessionId":"s1","cnonce":"AA==","id":"301:0.NA/88.118.8/%41","type":"HS_SECKEY","alg":"PBKDF2-HMAC-SHA1",'
        b'"signature":"AA==","salt":"AQ==","iterations":10000,"length":"160"}'
    )

    assert credentials.proof is not None
    assert credentials.proof.claimed.text == "301:0.NA/88.118.8/%41"
    expected = SecretAnswer(SecretAlgorithm.PBKDF2_HMAC_SHA1, b"\x00", Derivation(b"\x01", 10_000, 160))
    assert credentials.proof.answer == expected


def test_a_session_alone_proves_nothing_and_a_cnonce_alone_asks_for_a_signature_that_there_is_not() -> None:
    assert handle_credentials('sessionId="s1"').proof is None
    assert handle_credentials('sessionId="s1", cnonce="AA=="').proof is None
    assert handle_credentials('clientCert="true"').asks_for_certificate
    assert session_document(b"{}").session_id is None


PROOF = 'sessionId="s", cnonce="AA==", id="1:a/b", type="HS_SECKEY", alg="SHA1", signature="AA=="'


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        ('sessionId="s", sessionId="t"', "each once"),
        ("sessionId", 'takes name="value" parameters'),
        (PROOF.replace('cnonce="AA==", ', ""), "cnonce is required as text beside id"),
        (PROOF.replace('"SHA1"', '"MD5"'), "alg of HS_SECKEY is one of SHA1, SHA256, HMACSHA1, .*, not MD5"),
        (PROOF.replace("HS_SECKEY", "HS_PUBKEY").replace("SHA1", "HMAC-SHA256"), "is one of SHA1, SHA256, not HMAC"),
        (PROOF.replace("HS_SECKEY", "URL"), "type is HS_SECKEY or HS_PUBKEY, not URL"),
        (PROOF.replace('signature="AA=="', 'signature="!"'), "signature is not base64"),
        (PROOF.replace("SHA1", "PBKDF2-HMAC-SHA1"), "iterations is required as a number with PBKDF2"),
        (
            PROOF.replace("SHA1", "PBKDF2-HMAC-SHA1") + ', iterations="100001", length="160"',
            "iterations must be 1 to 100000, not 100001",
        ),
        (PROOF.replace("1:a/b", "x:a/b"), "'x:a/b' is no identity such as 300:0.NA/88.118.8"),
        ("x" * 8_191, "8191 characters, the limit is 8190"),
    ],
)
def test_a_header_that_cannot_be_read_says_why(header: str, detail: str) -> None:
    with pytest.raises(InvalidInput, match=detail):
        handle_credentials(header)


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b'{"sessionId":1}', b'{"id":"1:a/b"}'])
def test_a_document_that_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedInput):
        session_document(body)


@pytest.mark.parametrize(
    ("is_tls", "peer", "proto", "is_forwarded", "holds"),
    [
        (True, "203.0.113.7", None, False, True),
        (False, "203.0.113.7", None, False, False),
        (False, "203.0.113.7", "https", True, False),
        (False, "10.0.0.1", "https", True, True),
        (False, "10.0.0.1", "http, https", True, True),
        (False, "10.0.0.1", "https, http", True, False),
        (False, "10.0.0.1", None, True, False),
        (False, "127.0.0.1", None, False, True),
        (False, "::1", None, False, True),
        (False, "::ffff:127.0.0.1", None, False, True),
        (False, "127.0.0.1", None, True, False),
        (False, "127.0.0.1", "https", True, False),
        (False, "", None, False, False),
    ],
)
def test_secrets_are_taken_where_nobody_on_the_way_can_read(
    is_tls: bool, peer: str, proto: str | None, is_forwarded: bool, holds: bool
) -> None:
    secrecy = Secrecy.of(trusts_loopback=True, trusted=(ip_network("10.0.0.0/8"),))

    assert secrecy.holds(is_tls=is_tls, peer=peer, forwarded_proto=proto, is_forwarded=is_forwarded) is holds


def test_loopback_is_nothing_special_unless_the_setting_says_so() -> None:
    secrecy = Secrecy.of(trusts_loopback=False, trusted=())

    assert not secrecy.holds(is_tls=False, peer="127.0.0.1", forwarded_proto=None, is_forwarded=False)

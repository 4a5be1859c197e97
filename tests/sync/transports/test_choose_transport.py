"""The transport that the settings ask for, and settings that ask for none that there is."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from scripted_top_node import scripted

from idnode.model.errors import InvalidInput
from idnode.model.reporting import Purpose
from idnode.sync.transport import Transport
from idnode.sync.transports import TransportKind, make_transport
from idnode.sync.transports.epp_xml import EppXml
from idnode.sync.transports.file_drop import FileDrop
from idnode.sync.transports.json_https import JsonHttps
from idnode.wire.top_node.messages import verdicts_json
from idnode.wire.top_node.signing import read_signature, verify_rsa

URL = "https://top-node.example:8443/portal"


def test_each_kind_is_made_and_is_a_transport(tmp_path: Path) -> None:
    json: Transport = make_transport(TransportKind.JSON, node="88.118", url=URL)
    files: Transport = make_transport("files", node="88.118", directory=tmp_path)
    epp: Transport = make_transport("epp", node="88.118", url=URL, app_id="app-1", secret="a fictitious secret")

    assert (type(json), type(files), type(epp)) == (JsonHttps, FileDrop, EppXml)
    assert (JsonHttps.has_digests, FileDrop.has_digests, EppXml.has_digests) == (True, False, False)


async def test_a_private_key_signs(tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    path = tmp_path / "app.key"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    async with scripted() as top_node:
        top_node.will(200, verdicts_json([]))
        transport = make_transport("json", node="88.118", url=top_node.url, app_id="app-1", private_key=path)
        await transport.deliver(Purpose.REPORT, [])
        await transport.close()

    asked = top_node.asked[0]
    assert verify_rsa(read_signature(asked.headers), public, "POST", "/v1/batches", asked.body)


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "top-node.example",
        "ftp://top-node.example",
        "https://",
        "https://top-node.example?x=1",
        "https://top-node.example/#x",
        "https://user:word@top-node.example",
        "https://top-node.example:port",
        "https://top-node.example:0",
        "https://顶级节点.example",
    ],
)
def test_an_address_that_will_not_do(url: str | None) -> None:
    with pytest.raises(InvalidInput, match=r"needs the top node's address as http\(s\)://host\[:port\]\[/path\]"):
        make_transport("json", node="88.118", url=url)


def test_files_need_a_directory() -> None:
    with pytest.raises(InvalidInput, match="needs a directory"):
        make_transport("files", node="88.118")


def test_epp_needs_an_app_id() -> None:
    with pytest.raises(InvalidInput, match="needs an app id"):
        make_transport("epp", node="88.118", url=URL)


@pytest.mark.parametrize(
    ("app_id", "secret", "private_key"),
    [
        ("app-1", None, None),
        (None, "a fictitious secret", None),
        (None, None, Path("app.key")),
        ("app-1", "a fictitious secret", Path("app.key")),
    ],
)
def test_an_app_id_has_one_secret_or_one_key(app_id: str | None, secret: str | None, private_key: Path | None) -> None:
    with pytest.raises(InvalidInput, match="an app id needs either a secret or a private key"):
        make_transport("json", node="88.118", url=URL, app_id=app_id, secret=secret, private_key=private_key)


@pytest.mark.parametrize("app_id", ["", "a" * 129, "应用", "a\r\nb"])
def test_an_app_id_that_no_header_can_carry(app_id: str) -> None:
    with pytest.raises(InvalidInput, match="an app id is 1 to 128 printable characters of ASCII"):
        make_transport("json", node="88.118", url=URL, app_id=app_id, secret="a fictitious secret")


def test_a_key_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"the private key .*absent\.key cannot be read: No such file"):
        make_transport("json", node="88.118", url=URL, app_id="app-1", private_key=tmp_path / "absent.key")

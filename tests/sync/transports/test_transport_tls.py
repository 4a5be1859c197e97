"""TLS in both directions against a real server: who is trusted, who is let in, and which files will not do."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from certificates import Authority
from scripted_top_node import TopNode, scripted

from idnode.model.errors import InvalidInput
from idnode.model.reporting import Purpose, RecordState, Report, ReportedRecord, Verdict
from idnode.sync.transport import TransportFailed
from idnode.sync.transports import TlsFiles, make_transport
from idnode.wire.top_node.messages import verdicts_json

RECORD = ReportedRecord("a", Report.T9, "s", 1, "2026-11-24T02:03:04Z", {})
VERDICT = Verdict("a", RecordState.ACCEPTED, "r-1")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Whom the top node and the node both trust."""
    return Authority(tmp_path, "authority")


@pytest.fixture
async def top_node(authority: Authority) -> AsyncIterator[TopNode]:
    """A server that wants a certificate of its clients."""
    pair = authority.pair("top-node")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority.path)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(pair.certificate, pair.key)
    async with scripted(tls=context) as server:
        server.will(200, verdicts_json([VERDICT]))
        yield server


async def delivered(top_node: TopNode, files: TlsFiles) -> list[Verdict]:
    """What comes of a batch."""
    transport = make_transport("json", node="88.118", url=top_node.url, tls=files)
    try:
        return list(await transport.deliver(Purpose.REPORT, [RECORD]))
    finally:
        await transport.close()


async def test_both_know_each_other_by_the_authority(top_node: TopNode, authority: Authority) -> None:
    client = authority.pair("node")

    assert await delivered(top_node, TlsFiles(client.certificate, client.key, authority.path)) == [VERDICT]


async def test_a_client_without_certificate_is_not_let_in(top_node: TopNode, authority: Authority) -> None:
    with pytest.raises(TransportFailed):
        await delivered(top_node, TlsFiles(ca=authority.path))

    assert top_node.asked == []


async def test_a_client_of_another_authority_is_not_let_in(
    top_node: TopNode, authority: Authority, tmp_path: Path
) -> None:
    client = Authority(tmp_path, "stranger").pair("node")

    with pytest.raises(TransportFailed):
        await delivered(top_node, TlsFiles(client.certificate, client.key, authority.path))
    assert top_node.asked == []


async def test_a_top_node_of_another_authority_is_not_trusted(
    top_node: TopNode, authority: Authority, tmp_path: Path
) -> None:
    client = authority.pair("node")
    stranger = Authority(tmp_path, "stranger")

    for ca in (stranger.path, None):
        with pytest.raises(
            TransportFailed, match=r"its certificate is not trusted: .*certificate.* \(IDNODE_SYNC_CA names"
        ):
            await delivered(top_node, TlsFiles(client.certificate, client.key, ca))
    assert top_node.asked == []


async def test_a_top_node_of_another_name_is_not_trusted(top_node: TopNode, authority: Authority) -> None:
    client = authority.pair("node")
    top_node.url = top_node.url.replace("127.0.0.1", "localhost")

    with pytest.raises(TransportFailed, match=r"[Hh]ostname mismatch"):
        await delivered(top_node, TlsFiles(client.certificate, client.key, authority.path))


def test_files_that_will_not_do_are_refused_at_once(authority: Authority, tmp_path: Path) -> None:
    one, other = authority.pair("one"), authority.pair("other")
    locked = authority.pair("locked", password=b"a fictitious password")
    junk = tmp_path / "junk.pem"
    junk.write_text("no certificate")

    for files, reason in (
        (TlsFiles(key=one.key), "the client's key needs its certificate"),
        (TlsFiles(ca=tmp_path / "absent.pem"), r"absent\.pem is no file of certificates"),
        (TlsFiles(ca=junk), r"junk\.pem is no file of certificates"),
        (TlsFiles(one.certificate, other.key), "are no certificate and its unencrypted key"),
        (TlsFiles(locked.certificate, locked.key), "are no certificate and its unencrypted key"),
        (TlsFiles(tmp_path / "absent.pem", one.key), "are no certificate and its unencrypted key"),
    ):
        with pytest.raises(InvalidInput, match=reason):
            make_transport("json", node="88.118", url="https://top-node.example", tls=files)

"""HTTP over TLS: the same connections as over plain HTTP, certificates that are looked at before anything begins."""

import asyncio
import ssl
from pathlib import Path

import pytest
from certificates import Authority
from harness import NodeUnderTest

from idnode.app_answering import answering
from idnode.config import Settings
from idnode.frontends.tls import CertificateRefused, secured, server_context
from idnode.lifecycle import listening_socket

HOST = "127.0.0.1"


async def answers(port: int, context: ssl.SSLContext, *requests: bytes) -> list[bytes]:
    """One connection, one request after the other; status line and body of each answer."""
    reader, writer = await asyncio.open_connection(HOST, port, ssl=context)
    found = []
    for request in requests:
        writer.write(request + b"\r\nHost: localhost\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")).split()[1])
        found.append(head.split(b"\r\n")[0] + b" " + await reader.readexactly(size))
    writer.close()
    return found


async def test_every_interface_is_served_over_tls(node: NodeUnderTest, tmp_path: Path) -> None:
    await node.prefix("88.118.8")
    await node.identifier("88.118.8/JX-1")
    authority = Authority(tmp_path, "authority")
    pair = authority.pair("node")
    listener = listening_socket(HOST, 0)
    port = listener.getsockname()[1]
    client = ssl.create_default_context(cafile=authority.path)
    door = secured(listener, server_context(pair.certificate, pair.key))

    async with answering(node.node, Settings(drain_seconds=0), door):
        read = b"GET /api/handles/88.118.8/JX-1 HTTP/1.1"
        first, again, secret, sessions, record = await answers(
            port,
            client,
            read,
            read,
            read.replace(b" HTTP", b"?publicOnly=false HTTP"),
            b"POST /api/sessions HTTP/1.1\r\nContent-Length: 0",
            b"GET /v1/identifiers/88.118.8/JX-1 HTTP/1.1",
        )
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await plainly(port)

    assert first.startswith(b'HTTP/1.1 200 OK {"responseCode":1,"handle":"88.118.8/JX-1"')
    assert again == first
    assert secret == first
    assert sessions.startswith(b'HTTP/1.1 201 Created {"sessionId":')
    assert record.startswith(b'HTTP/1.1 200 OK {"identifier":"88.118.8/JX-1"')


async def plainly(port: int) -> None:
    """Plain HTTP where TLS is spoken."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    try:
        await reader.readuntil(b"HTTP/1.1")
    finally:
        writer.close()


async def test_secret_values_without_credentials_are_401_over_tls(node: NodeUnderTest, tmp_path: Path) -> None:
    await node.prefix("88.118.8")
    secret = {"index": 301, "type": "HS_SECKEY", "permissions": "1100", "data": "x"}
    assert (await node.call("PUT", "/api/handles/88.118.8/JX-1", [secret])).status == 201
    authority = Authority(tmp_path, "authority")
    pair = authority.pair("node")
    listener = listening_socket(HOST, 0)
    port = listener.getsockname()[1]

    async with answering(
        node.node, Settings(drain_seconds=0), secured(listener, server_context(pair.certificate, pair.key))
    ):
        client = ssl.create_default_context(cafile=authority.path)
        [told] = await answers(port, client, b"GET /api/handles/88.118.8/JX-1?publicOnly=false HTTP/1.1")

    assert told.startswith(b'HTTP/1.1 401 Unauthorized {"responseCode":402,')
    over_plain = await node.client.get("/api/handles/88.118.8/JX-1?publicOnly=false")
    assert over_plain.status == 403


def test_files_that_cannot_be_used_are_named_with_their_fault(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    one, other = authority.pair("one"), authority.pair("other")
    locked = authority.pair("locked", password=b"secret")
    junk = tmp_path / "junk.pem"
    junk.write_bytes(b"junk")
    empty = tmp_path / "empty.pem"
    empty.write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    missing = tmp_path / "none.pem"

    faults = {
        (missing, one.key): f"IDNODE_TLS_CERTIFICATE: cannot read {missing}: No such file or directory",
        (one.certificate, tmp_path): f"IDNODE_TLS_KEY: cannot read {tmp_path}: Is a directory",
        (one.certificate, junk): f"IDNODE_TLS_KEY: {junk} is no PEM file",
        (empty, one.key): f"IDNODE_TLS_CERTIFICATE {empty} and IDNODE_TLS_KEY {one.key} are no certificate",
        (one.certificate, other.key): f"IDNODE_TLS_CERTIFICATE {one.certificate} and IDNODE_TLS_KEY {other.key} are no",
        (locked.certificate, locked.key): f"IDNODE_TLS_CERTIFICATE {locked.certificate} and IDNODE_TLS_KEY",
    }

    for (certificate, key), fault in faults.items():
        with pytest.raises(CertificateRefused) as refused:
            server_context(certificate, key)
        assert refused.value.detail.startswith(fault)
    assert server_context(one.certificate, one.key).minimum_version is ssl.TLSVersion.TLSv1_2

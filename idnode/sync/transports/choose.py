"""Builds the transport that the settings ask for, from plain arguments."""

import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit

from idnode.model.errors import InvalidInput
from idnode.sync.transports.channel import Channel
from idnode.sync.transports.epp_xml import EppXml
from idnode.sync.transports.file_drop import FileDrop
from idnode.sync.transports.json_https import JsonHttps
from idnode.sync.transports.tls import TlsFiles, client_context
from idnode.wire.top_node.signing import HEADER_CHARACTERS_MAX, HmacSigner, RsaSigner, Signer

AnyTransport = JsonHttps | FileDrop | EppXml

NONCE_BYTES = 16
SIGNED_INSTEAD = "signed"
"""Stands for the password of an EPP login whose requests are signed with a private key."""


class TransportKind(StrEnum):
    """How the node reports."""

    JSON = "json"
    FILES = "files"
    EPP = "epp"


def make_transport(
    kind: TransportKind | str,
    *,
    node: str,
    url: str | None = None,
    directory: Path | None = None,
    app_id: str | None = None,
    secret: str | None = None,
    private_key: Path | None = None,
    tls: TlsFiles | None = None,
    has_gzip: bool = False,
    clock: Callable[[], float] = time.time,
    nonce: Callable[[], str] = lambda: token_hex(NONCE_BYTES),
) -> AnyTransport:
    """A transport for the node of prefix `node`. Opens nothing yet, but reads keys and certificates.

    Raises InvalidInput when what this kind needs is missing, contradicts itself, or cannot be read.
    """
    kind = TransportKind(kind)
    signer = _signer(app_id, secret, private_key)
    if kind is TransportKind.FILES:
        if directory is None:
            raise InvalidInput("reporting by files needs a directory")
        return FileDrop(directory, node=node, signer=signer, clock=clock, nonce=nonce)
    if url is None or not _is_plain_address(url):
        raise InvalidInput(f"reporting by {kind} needs the top node's address as http(s)://host[:port][/path]")
    context = client_context(tls or TlsFiles()) if url.startswith("https://") else None
    channel = Channel(url, signer=signer, tls=context, clock=clock, nonce=nonce, has_gzip=has_gzip)
    if kind is TransportKind.JSON:
        return JsonHttps(channel, node=node)
    if app_id is None:
        raise InvalidInput("reporting by epp needs an app id, and a secret or a private key")
    return EppXml(channel, node=node, client=app_id, password=secret or SIGNED_INSTEAD, nonce=nonce)


def _is_plain_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0
    except ValueError:
        return False
    is_bare = not (parts.query or parts.fragment or "?" in url or "#" in url or "@" in parts.netloc)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and has_port and is_bare and url.isascii()


def _signer(app_id: str | None, secret: str | None, private_key: Path | None) -> Signer | None:
    if app_id is None and secret is None and private_key is None:
        return None
    if app_id is None or (secret is None) is (private_key is None):
        raise InvalidInput("an app id needs either a secret or a private key, and each of these an app id")
    if not (app_id.isascii() and app_id.isprintable() and 0 < len(app_id) <= HEADER_CHARACTERS_MAX):
        raise InvalidInput(f"an app id is 1 to {HEADER_CHARACTERS_MAX} printable characters of ASCII")
    if secret is not None:
        return HmacSigner(app_id, secret)
    try:
        pem = private_key.read_bytes() if private_key is not None else b""
    except OSError as error:
        raise InvalidInput(f"the private key {private_key} cannot be read: {error.strerror}") from error
    return RsaSigner(app_id, pem)

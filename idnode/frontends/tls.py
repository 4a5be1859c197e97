"""How the node shows itself over TLS: certificate and key from PEM files, TLS 1.2 or newer."""

import socket
import ssl
from pathlib import Path

from idnode.model.errors import InvalidInput


class CertificateRefused(InvalidInput):
    """The files of IDNODE_TLS_CERTIFICATE and IDNODE_TLS_KEY cannot be used."""

    code = "certificate-refused"


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Raises CertificateRefused, naming the file and what is wrong with it."""
    for variable, path in (("IDNODE_TLS_CERTIFICATE", certificate), ("IDNODE_TLS_KEY", key)):
        try:
            text = path.read_bytes()
        except OSError as error:
            raise CertificateRefused(f"{variable}: cannot read {path}: {error.strerror}") from error
        if b"-----BEGIN " not in text:
            raise CertificateRefused(f"{variable}: {path} is no PEM file")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        # An empty password: a key that needs one must fail here, not ask at a terminal that nobody watches.
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        detail = f"IDNODE_TLS_CERTIFICATE {certificate} and IDNODE_TLS_KEY {key} are no certificate and its own key"
        raise CertificateRefused(f"{detail}, unencrypted, in PEM: {error}") from error
    return context


def secured(listening: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
    """A listening socket whose clients are spoken to over TLS. Takes it over."""
    return context.wrap_socket(listening, server_side=True, do_handshake_on_connect=False)

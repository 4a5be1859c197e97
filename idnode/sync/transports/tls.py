"""How the node shows itself to the top node, and by whom it knows it: client certificate and authorities (mTLS)."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from idnode.model.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Paths of PEM files; without `ca` the system's authorities are trusted."""

    certificate: Path | None = None
    key: Path | None = None
    ca: Path | None = None


def client_context(files: TlsFiles) -> ssl.SSLContext:
    """Verifies the top node's certificate and name always. Raises InvalidInput for files that cannot be used."""
    if files.key is not None and files.certificate is None:
        raise InvalidInput("the client's key needs its certificate")
    try:
        context = ssl.create_default_context(cafile=files.ca)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{files.ca} is no file of certificates in PEM: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if files.certificate is None:
        return context
    try:
        # An empty password: a key that needs one must fail here, not ask at a terminal that nobody watches.
        context.load_cert_chain(files.certificate, files.key, password="")
    except (OSError, ValueError) as error:
        place = files.certificate if files.key is None else f"{files.certificate} and {files.key}"
        raise InvalidInput(f"{place} are no certificate and its unencrypted key in PEM: {error}") from error
    return context

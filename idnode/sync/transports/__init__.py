"""Ways to a top node: JSON over HTTPS, files, XML shaped like EPP. Nothing else of sync knows a protocol."""

from idnode.sync.transports.choose import TransportKind, make_transport
from idnode.sync.transports.tls import TlsFiles

__all__ = ["TlsFiles", "TransportKind", "make_transport"]

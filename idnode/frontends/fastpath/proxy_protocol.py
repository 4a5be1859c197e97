"""The PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt): who a proxy's client is. Pure, incremental."""

import re
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from idnode.frontends.client_address import Address, plain
from idnode.model.errors import MalformedInput

V1_BYTES_MAX = 107
"""§2.1: the longest line, CR LF included."""
V2_HEAD_BYTES = 16
V2_REST_BYTES_MAX = 2_048
"""Addresses (216 bytes at most) and TLVs; the certificate's names and ids that proxies add have room in this."""
V1_BEGINNING = b"PROXY "
V2_BEGINNING = b"\r\n\r\n\x00\r\nQUIT\n"

_PORT = rb"(?:0|[1-9][0-9]{0,4})"
_V1_LINE = re.compile(rb"PROXY (TCP4|TCP6) ([0-9A-Fa-f.:]+) ([0-9A-Fa-f.:]+) (%b) (%b)" % (_PORT, _PORT))
_V1_UNKNOWN = re.compile(rb"PROXY UNKNOWN(?: .*)?", re.DOTALL)
_PORT_MAX = 65_535
_LOCAL, _PROXY = 0x20, 0x21
# §2.2: address family and transport, and how many bytes the addresses take. None: there is no address to take.
_FAMILIES: dict[int, tuple[type[Address] | None, int]] = {
    0x00: (None, 0),
    0x11: (IPv4Address, 12),
    0x12: (IPv4Address, 12),
    0x21: (IPv6Address, 36),
    0x22: (IPv6Address, 36),
    0x31: (None, 216),
    0x32: (None, 216),
}


class MalformedProxyHeader(MalformedInput):
    """A connection that has to begin with a PROXY header begins with something else."""

    code = "malformed-proxy-header"


class Opened(NamedTuple):
    """A header that was read: the client's address (None: the peer speaks for itself), and the bytes behind it."""

    address: str | None
    rest: bytes


class ProxyHeader:
    """Reads the header of one connection."""

    __slots__ = ("_received",)

    def __init__(self) -> None:
        self._received = b""

    def feed(self, data: bytes) -> Opened | None:
        """What the header says, once it is complete; None asks for more bytes. Raises MalformedProxyHeader."""
        received = self._received = self._received + data
        if received.startswith(V2_BEGINNING):
            return _read_v2(received)
        if received.startswith(V1_BEGINNING):
            return _read_v1(received)
        if V1_BEGINNING.startswith(received) or V2_BEGINNING.startswith(received):
            return None
        raise MalformedProxyHeader("the connection does not begin with a PROXY header")


def _read_v1(received: bytes) -> Opened | None:
    end = received.find(b"\r\n", 0, V1_BYTES_MAX)
    if end < 0:
        if len(received) >= V1_BYTES_MAX:
            raise MalformedProxyHeader(
                f"no end of line in {V1_BYTES_MAX} bytes, the limit of a PROXY header, version 1"
            )
        return None
    line, rest = received[:end], received[end + 2 :]
    if _V1_UNKNOWN.fullmatch(line):
        return Opened(None, rest)
    fields = _V1_LINE.fullmatch(line)
    if fields is None or max(int(fields[4]), int(fields[5])) > _PORT_MAX:
        raise MalformedProxyHeader("the PROXY line is not `TCP4|TCP6 source destination port port` nor UNKNOWN")
    kind = IPv4Address if fields[1] == b"TCP4" else IPv6Address
    try:
        source, _ = kind(fields[2].decode("ascii")), kind(fields[3].decode("ascii"))
    except ValueError:
        raise MalformedProxyHeader(f"an address of the PROXY line is not one of {fields[1].decode()}") from None
    return Opened(str(plain(source)), rest)


def _read_v2(received: bytes) -> Opened | None:
    if len(received) < V2_HEAD_BYTES:
        return None
    command, family = received[12], received[13]
    size = int.from_bytes(received[14:16], "big")
    if command not in (_LOCAL, _PROXY):
        raise MalformedProxyHeader(f"version and command of the PROXY header are {command:#04x}, not 0x20 or 0x21")
    if size > V2_REST_BYTES_MAX:
        raise MalformedProxyHeader(f"the PROXY header announces {size} bytes, the limit is {V2_REST_BYTES_MAX}")
    if len(received) < V2_HEAD_BYTES + size:
        return None
    rest = received[V2_HEAD_BYTES + size :]
    if command == _LOCAL:
        return Opened(None, rest)
    return Opened(_v2_source(family, received[V2_HEAD_BYTES : V2_HEAD_BYTES + size]), rest)


def _v2_source(family: int, addresses: bytes) -> str | None:
    if family not in _FAMILIES:
        raise MalformedProxyHeader(f"the PROXY header's address family and transport are {family:#04x}, which is none")
    kind, size = _FAMILIES[family]
    if len(addresses) < size:
        raise MalformedProxyHeader(f"the PROXY header's addresses have {len(addresses)} bytes, not {size}")
    if kind is None:
        return None
    return str(plain(kind(addresses[: 4 if kind is IPv4Address else 16])))

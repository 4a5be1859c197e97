"""Which address a request comes from, where proxies that we trust stand between the client and us: pure."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Literal

Setting = Literal["connection", "x-forwarded-for", "proxy-protocol"]
Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

HOPS_MAX = 32
"""Entries of X-Forwarded-For that are looked at, from the right; an address further left is nobody's."""
ANSWERS_REMEMBERED_MAX = 4_096
FORWARDED_BYTES_REMEMBERED_MAX = 256
"""Proxies repeat themselves; what is longer is worked out each time."""


class ClientAddress:
    """Finds the client. Only what a trusted peer says is believed; addresses come out in one spelling each."""

    def __init__(self, setting: Setting, trusted: Iterable[Network]) -> None:
        self._setting = setting
        self._trusted = tuple(trusted)
        self._remembered: dict[tuple[str, bytes], str] = {}

    def of(self, peer: str, forwarded: bytes | None) -> str:
        """The client's address; `forwarded` is X-Forwarded-For, several headers of it joined by commas in their order.

        The list is walked from the right as long as the hop before is trusted, and ends before junk. A peer without an
        address (of a Unix socket) is nobody's proxy and comes out as it is.
        """
        said = b"" if forwarded is None or self._setting != "x-forwarded-for" else forwarded
        known = self._remembered.get((peer, said))
        if known is not None:
            return known
        found = self._walked(peer, said)
        if len(said) <= FORWARDED_BYTES_REMEMBERED_MAX:
            if len(self._remembered) >= ANSWERS_REMEMBERED_MAX:
                self._remembered.clear()
            self._remembered[(peer, said)] = found
        return found

    @property
    def remembered(self) -> int:
        """Answers that are remembered now."""
        return len(self._remembered)

    def speaks_proxy_protocol(self, peer: str) -> bool:
        """Whether connections from this address begin with a PROXY header."""
        return self._setting == "proxy-protocol" and self._is_trusted(address_of(peer))

    def _walked(self, peer: str, forwarded: bytes) -> str:
        address = address_of(peer)
        if address is None:
            return peer
        # What is left of the last comma looked at stays in one piece at the front; it is no address.
        for entry in reversed(forwarded.rsplit(b",", HOPS_MAX)):
            if not self._is_trusted(address):
                break
            hop = _hop_of(entry)
            if hop is None:
                break
            address = hop
        return str(address)

    def _is_trusted(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._trusted)


def address_of(text: str) -> Address | None:
    """The address, an IPv4 one if it is IPv4 in IPv6 (RFC 4291 §2.5.5.2); without its zone; None for anything else."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return plain(address)


def plain(address: Address) -> Address:
    """The IPv4 address in an IPv4-mapped one, else the address itself."""
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _hop_of(entry: bytes) -> Address | None:
    """One entry: an address, perhaps in brackets, perhaps with a port."""
    text = entry.strip(b" \t").decode("latin-1")
    if text.startswith("["):
        inside, bracket, port = text[1:].partition("]")
        is_whole = bracket == "]" and ":" in inside and (port == "" or _is_port(port[1:], port[:1]))
        return address_of(inside) if is_whole else None
    if text.count(":") == 1:
        text, colon, port = text.partition(":")
        if not _is_port(port, colon):
            return None
    return address_of(text)


def _is_port(text: str, colon: str) -> bool:
    return colon == ":" and text.isascii() and text.isdigit() and len(text) <= 5

"""Which server of a site is asked for a handle, and whether anybody is sent to its address; pure (§1.5)."""

import hashlib
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network

from idnode.handle_client.errors import RecursionStopped
from idnode.handle_client.links import ServerAddress
from idnode.model.handle_value import HandleValue
from idnode.model.identifier import fold
from idnode.wire.cursor import MalformedMessage
from idnode.wire.typed_values.hs_site import HashOption, HsSite, InterfaceProtocol, InterfaceUse, SiteServer

SITES_MAX = 16
"""Sites of one service that are looked at."""
_TRANSLATED = IPv6Network("64:ff9b::/96")
"""IPv4 behind a translator (RFC 6052)."""


def sites_in(values: Iterable[HandleValue]) -> list[HsSite]:
    """The sites that values tell of, in their order; those that cannot be read are left out."""
    found: list[HsSite] = []
    for value in values:
        if fold(value.type) == "HS_SITE" and len(found) < SITES_MAX:
            try:
                found.append(HsSite.decode(value.data))
            except MalformedMessage:
                continue
    return found


def server_for(site: HsSite, handle: str) -> SiteServer | None:
    """The one that the hash of the upper-case handle, its prefix or suffix chooses; None where there is no server."""
    if not site.servers:
        return None
    prefix, _, suffix = handle.partition("/")
    hashed = {HashOption.PREFIX: prefix, HashOption.SUFFIX: suffix, HashOption.WHOLE: handle}[site.hash_option]
    digest = hashlib.md5(fold(hashed).encode(), usedforsecurity=False).digest()
    chosen = abs(int.from_bytes(digest[-4:], "big", signed=True)) % len(site.servers)
    return site.servers[chosen]


def address_of_server(server: SiteServer, *, allows_private: bool) -> ServerAddress | None:
    """Where it answers questions; None without such an interface. Raises RecursionStopped for a private address."""
    ports = {
        interface.protocol: interface.port
        for interface in reversed(server.interfaces)
        if InterfaceUse.QUERY in interface.use
    }
    udp, tcp = ports.get(InterfaceProtocol.UDP), ports.get(InterfaceProtocol.TCP)
    if udp is None and tcp is None:
        return None
    if not allows_private and not is_public(server.address):
        raise RecursionStopped(f"the way leads to {server.address}, which is no address of the public internet")
    return ServerAddress(str(server.address), udp, tcp)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether it is one of the public internet, not this machine's, a private network's, or one in disguise."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped
        if inner is not None:
            return is_public(inner)
        if address.sixtofour is not None or address.teredo is not None or address in _TRANSLATED:
            return False
    return address.is_global and not address.is_multicast

"""Sites that this node tells of: its own, and those of enterprises that answer themselves (handle-protocol.md §1.5)."""

from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address

from idnode.model.handle_value import HandleValue
from idnode.model.prefix_registration import SiteEndpoint
from idnode.wire.typed_values.hs_site import HsSite, InterfaceProtocol, InterfaceUse, SiteInterface, SiteServer

SITE = "HS_SITE"
SITE_INDEX = 1
"""Where the site stands in the record of a prefix and in a referral, if nothing else does."""
SERVER_ID = 1

NO_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
"""Of a value that is made for the answer and kept nowhere."""


def own_site(address: IPv4Address | IPv6Address, *, native_port: int, http_port: int, public_key: bytes) -> HsSite:
    """This node: one server with TCP, UDP and HTTP, in this order; without a native port (0) HTTP alone.

    `public_key` is the data of an HS_PUBKEY, or empty.
    """
    ports = [(InterfaceProtocol.HTTP, http_port)]
    if native_port:
        ports = [(InterfaceProtocol.TCP, native_port), (InterfaceProtocol.UDP, native_port), *ports]
    return _site(address, ports, public_key)


def address_problem(text: str) -> str | None:
    """Why clients cannot be told this address, None when they can."""
    try:
        address = ip_address("127.0.0.1" if text == "localhost" else text)
    except ValueError:
        return "must be an IP address such as 192.0.2.7"
    if address.is_unspecified:
        return f"{text} is no address that a client could call; name the one that leads here"
    # HS_SITE takes 16 bytes, of which twelve zeros say IPv4.
    if isinstance(address, IPv6Address) and (address.scope_id is not None or not any(address.packed[:12])):
        return f"{text} has no place in HS_SITE: it begins with 96 zero bits, or has a zone"
    return None


def told_address(text: str) -> IPv4Address | IPv6Address | None:
    """The address that clients are told, None where there is a problem with it."""
    return None if address_problem(text) else ip_address("127.0.0.1" if text == "localhost" else text)


def beginning_with(site: HsSite, protocol: InterfaceProtocol) -> HsSite:
    """The same site, each server's interfaces of this protocol in front: some clients take the first (§3.2)."""
    servers = tuple(
        replace(server, interfaces=tuple(sorted(server.interfaces, key=lambda each: each.protocol is not protocol)))
        for server in site.servers
    )
    return replace(site, servers=servers)


def enterprise_site(endpoint: SiteEndpoint) -> HsSite:
    """Where an enterprise answers itself: one interface for each port that there is, TCP first."""
    ports = (
        (InterfaceProtocol.TCP, endpoint.tcp_port),
        (InterfaceProtocol.UDP, endpoint.udp_port),
        (InterfaceProtocol.HTTP, endpoint.http_port),
    )
    return _site(ip_address(endpoint.ip), [(protocol, port) for protocol, port in ports if port is not None], b"")


def site_value(site: HsSite, *, index: int = SITE_INDEX, moment: datetime = NO_MOMENT) -> HandleValue:
    """The site as a value; `moment` is a whole second."""
    return HandleValue(index, SITE, site.encode(), moment)


def _site(address: IPv4Address | IPv6Address, ports: list[tuple[InterfaceProtocol, int]], public_key: bytes) -> HsSite:
    both = InterfaceUse.ADMIN | InterfaceUse.QUERY
    interfaces = tuple(SiteInterface(both, protocol, port) for protocol, port in ports)
    return HsSite(servers=(SiteServer(SERVER_ID, address, public_key, interfaces),))

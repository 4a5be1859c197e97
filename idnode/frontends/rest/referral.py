"""The referral to an enterprise that answers itself: its HS_SITE value (handle-protocol.md §1.5, code 303)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import ip_address

from idnode.model.handle_value import HandleValue
from idnode.wire.typed_values.hs_site import HsSite, InterfaceProtocol, InterfaceUse, SiteInterface, SiteServer

SITE_INDEX = 1
# The value is made for the answer and kept nowhere: it has no moment of its own.
_NO_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
_PORTS = (
    ("tcp_port", InterfaceProtocol.TCP),
    ("udp_port", InterfaceProtocol.UDP),
    ("http_port", InterfaceProtocol.HTTP),
)


def site_value(site: Mapping[str, object]) -> HandleValue:
    """The value for an endpoint as `directory_json.site_document` describes it: one server, one interface a port."""
    both = InterfaceUse.ADMIN | InterfaceUse.QUERY
    interfaces = tuple(
        SiteInterface(both, protocol, port) for name, protocol in _PORTS if isinstance(port := site[name], int)
    )
    server = SiteServer(id=1, address=ip_address(str(site["ip"])), public_key=b"", interfaces=interfaces)
    return HandleValue(SITE_INDEX, "HS_SITE", HsSite(servers=(server,)).encode(), _NO_MOMENT)

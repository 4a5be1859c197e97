"""Tables T2 and T7: at which addresses a prefix is resolved; and the application for a prefix. Pure."""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from idnode.model.prefix_registration import Hosting, PrefixState

Document = Mapping[str, Any]
Route = Mapping[str, object]

SCHEME = "Handle"
"""Of prefixes that their enterprises host: what this node refers clients to are Handle sites (HS_SITE)."""
PROTOCOL_OF_PORT = {"tcp_port": "TCP", "udp_port": "UDP", "http_port": "HTTP"}
RESOLVED = frozenset({PrefixState.ACTIVE, PrefixState.TO_DELETE})


def enterprise_routes(prefix: Document, node_routes: Sequence[Route]) -> list[dict[str, object]]:
    """The routes of an enterprise's prefix: the node's own where it is hosted, none where it is not resolved."""
    if prefix["state"] not in RESOLVED:
        return []
    if prefix["hosting"] == Hosting.HOSTED:
        return [{**route, "prefix": prefix["prefix"]} for route in node_routes]
    return [_site_route(prefix["prefix"], prefix["site"])]


def needs_node_routes(prefix: Document) -> bool:
    """Whether the node's own addresses are wanted to tell the routes of this prefix."""
    return prefix["state"] in RESOLVED and prefix["hosting"] == Hosting.HOSTED


def prefix_application(prefix: Document, *, name: str, uscc: str) -> dict[str, object]:
    """The application for an enterprise's prefix."""
    data: dict[str, object] = {
        "prefix": prefix["prefix"],
        "enterprise": {"name": name, "uscc": uscc},
        "hosting": prefix["hosting"],
    }
    if prefix["site"] is not None:
        data["site"] = {member: value for member, value in prefix["site"].items() if value is not None}
    return data


def _site_route(prefix: str, site: Document) -> dict[str, object]:
    protocols = [
        {"protocol": protocol, "port": site[member]}
        for member, protocol in PROTOCOL_OF_PORT.items()
        if site[member] is not None
    ]
    return {
        "scheme": SCHEME,
        "prefix": prefix,
        "ip_type": f"IPv{ip_address(site['ip']).version}",
        "ip": site["ip"],
        "protocols": protocols,
    }

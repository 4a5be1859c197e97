"""The referral to an enterprise that answers itself: its HS_SITE value (handle-protocol.md §1.5, code 303)."""

from collections.abc import Mapping

from idnode.model.handle_value import HandleValue
from idnode.model.prefix_registration import SiteEndpoint
from idnode.wire.sites import enterprise_site
from idnode.wire.sites import site_value as value_of


def site_value(site: Mapping[str, object]) -> HandleValue:
    """The value for an endpoint as `directory_json.site_document` describes it: one server, one interface a port."""
    tcp, udp, http = (
        port if isinstance(port := site[name], int) else None for name in ("tcp_port", "udp_port", "http_port")
    )
    return value_of(enterprise_site(SiteEndpoint(str(site["ip"]), tcp, udp, http)))

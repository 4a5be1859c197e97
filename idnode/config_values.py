"""Single settings that are more than a number or a word: what they may be, said for people."""

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from idnode.handle_client.links import ServerAddress
from idnode.model.errors import InvalidPrefix, shown
from idnode.model.identifier import Prefix
from idnode.wire.sites import address_problem

TRUSTED_PROXIES_MAX = 256
PROBE_URLS_MAX = 16


def host_setting(text: str) -> str:
    """An address to listen on. Raises ValueError."""
    if text != "localhost":
        try:
            ip_address(text)
        except ValueError:
            raise ValueError("must be an IP address such as 127.0.0.1, 0.0.0.0 or ::, or localhost") from None
    return text


def site_address_setting(text: str) -> str:
    """An address that clients can be told. Raises ValueError."""
    problem = address_problem(text)
    if problem is not None:
        raise ValueError(problem)
    return text


def prefix_setting(text: str) -> str:
    """A prefix, as it is written. Raises ValueError."""
    try:
        return Prefix.parse(text).text
    except InvalidPrefix as error:
        raise ValueError(error.detail) from None


def server_setting(text: str | None) -> str | None:
    """host:port, or nothing. Raises ValueError."""
    if text is not None:
        ServerAddress.parse(text)
    return text


def networks_setting(given: object) -> object:
    """The elements of an array, or of one text with commas between them."""
    elements = given.split(",") if isinstance(given, str) else given
    if not isinstance(elements, list | tuple):
        raise ValueError("must be addresses and networks, as an array or with commas between them")  # noqa: TRY004
    if len(elements) > TRUSTED_PROXIES_MAX:
        raise ValueError(f"has {len(elements)} elements, the limit is {TRUSTED_PROXIES_MAX}")
    return tuple(network_setting(element) for element in elements)


def network_setting(element: object) -> IPv4Network | IPv6Network:
    """One address or network. Raises ValueError."""
    if isinstance(element, IPv4Network | IPv6Network):
        return element
    try:
        # A number would be taken for an address; nobody writes addresses so.
        return ip_network(element.strip() if isinstance(element, str) else "")
    except ValueError:
        detail = f"'{shown(element)}' is no IP address or network such as 10.0.0.7, 10.0.0.0/8 or fd00::/8"
        raise ValueError(detail) from None


def web_address_setting(text: str) -> str:
    """A base that paths can be appended to."""
    try:
        parts = urlsplit(text)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        has_host = False
    if not has_host or not text.isascii() or parts.scheme not in ("http", "https") or set("?#@") & set(text):
        raise ValueError("must be an address such as https://top-node.example.com/report, without query or password")
    return text.rstrip("/")


def web_addresses_setting(given: object) -> object:
    """The elements of an array, or of one text with commas between them."""
    elements = given.split(",") if isinstance(given, str) else given
    if not isinstance(elements, list | tuple) or not all(isinstance(element, str) for element in elements):
        raise ValueError("must be addresses, as an array or with commas between them")
    if len(elements) > PROBE_URLS_MAX:
        raise ValueError(f"has {len(elements)} elements, the limit is {PROBE_URLS_MAX}")
    return tuple(web_address_setting(element.strip()) for element in elements)

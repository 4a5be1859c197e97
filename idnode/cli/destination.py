"""Which node a command calls, and with which key."""

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from idnode.app_node import ADMIN_KEY_FILE
from idnode.cli.errors import WrongUsage
from idnode.config import Settings, environment_settings


@dataclass(frozen=True, slots=True)
class Destination:
    """A node's base URL without a slash at its end, and the key; `keyless_because` says why there is none."""

    url: str
    key: str | None = field(repr=False)
    keyless_because: str = ""


def destination_of(
    url: str | None, key: str | None, *, load: Callable[[], Settings] = environment_settings
) -> Destination:
    """From the options --url and --key; `load` gives the settings, asked for only when an option is missing.

    The admin key in the home directory goes to this machine's node only, never to a host that --url names.
    Raises WrongUsage, InvalidSettings.
    """
    secret = None if key is None else _checked_key(key, "--key")
    if url is not None:
        url = _checked_url(url)
        if secret is not None:
            return Destination(url, secret)
        if not _is_this_machine(url):
            return Destination(url, None, "give --key or IDNODE_KEY")
    settings = load()
    url = url or settings.own_url
    return _with_admin_key(url, settings.home / ADMIN_KEY_FILE) if secret is None else Destination(url, secret)


def _with_admin_key(url: str, path: Path) -> Destination:
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return Destination(url, None, f"give --key or IDNODE_KEY; there is no {path}")
    except (OSError, UnicodeDecodeError) as error:
        return Destination(url, None, f"give --key or IDNODE_KEY; cannot read {path}: {error}")
    return Destination(url, _checked_key(text, str(path)))


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or parts.query or parts.fragment or parts.username is not None:
        raise WrongUsage("--url must be http://host:port or https://host:port")
    return url.rstrip("/")


def _checked_key(key: str, source: str) -> str:
    text = key.strip()
    if not (text and text.isascii() and text.isprintable() and " " not in text):
        raise WrongUsage(f"what {source} holds is no API key")
    return text


def _is_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

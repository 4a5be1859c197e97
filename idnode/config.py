"""Settings: from IDNODE_* variables and an optional TOML file; every error at once."""

import os
import tomllib
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from idnode.model.errors import IdnodeError, InvalidPrefix, Violation, shown
from idnode.model.identifier import Prefix

VARIABLE_PREFIX = "IDNODE_"
CLIENT_VARIABLES = frozenset({"config", "key", "url"})
"""Variables that are read elsewhere: the path of the TOML file, and what the command line calls a node with."""
FIXED_SETTINGS = ("home", "prefix", "http_host", "http_port", "database_url", "pg_bindir")
"""What a reload cannot change."""
SECRET_SETTINGS = frozenset({"database_url"})
TRUSTED_PROXIES_MAX = 256
CACHE_BYTES_MIN = 1_048_576
WORKERS_MAX = 64


class InvalidSettings(IdnodeError):
    """Some settings are wrong; `violations` lists all of them, the pointer being the variable's name."""

    code = "invalid-settings"


def _host(text: str) -> str:
    if text != "localhost":
        try:
            ip_address(text)
        except ValueError:
            raise ValueError("must be an IP address such as 127.0.0.1, 0.0.0.0 or ::, or localhost") from None
    return text


def _node_prefix(text: str) -> str:
    try:
        return Prefix.parse(text).text
    except InvalidPrefix as error:
        raise ValueError(error.detail) from None


def _networks(given: object) -> object:
    """The elements of an array, or of one text with commas between them."""
    elements = given.split(",") if isinstance(given, str) else given
    if not isinstance(elements, list | tuple):
        raise ValueError("must be addresses and networks, as an array or with commas between them")  # noqa: TRY004
    if len(elements) > TRUSTED_PROXIES_MAX:
        raise ValueError(f"has {len(elements)} elements, the limit is {TRUSTED_PROXIES_MAX}")
    return tuple(_network(element) for element in elements)


def _network(element: object) -> IPv4Network | IPv6Network:
    if isinstance(element, IPv4Network | IPv6Network):
        return element
    try:
        # A number would be taken for an address; nobody writes addresses so.
        return ip_network(element.strip() if isinstance(element, str) else "")
    except ValueError:
        detail = f"'{shown(element)}' is no IP address or network such as 10.0.0.7, 10.0.0.0/8 or fd00::/8"
        raise ValueError(detail) from None


def _cores() -> int:
    """Processors that this process may use, as many as there may be workers."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(available, WORKERS_MAX)


Port = Annotated[int, Field(ge=1, le=65_535)]


class Settings(BaseModel):
    """Every setting of the node. The variable of `http_port` is IDNODE_HTTP_PORT; in the TOML file it is http_port."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    home: Path = Path(".idnode")
    """Directory of data and secrets (mode 0700): the embedded PostgreSQL, admin.key."""
    prefix: Annotated[str, AfterValidator(_node_prefix)] = "88.118"
    """The node's own prefix; enterprises get prefixes one label below it."""
    http_host: Annotated[str, AfterValidator(_host)] = "127.0.0.1"
    """Address to listen on; `::` listens on IPv6 and IPv4."""
    http_port: Port = 8000
    """TCP port of every HTTP interface."""
    workers: int = Field(default_factory=_cores, ge=1, le=WORKERS_MAX)
    """Processes that answer requests."""
    database_url: Annotated[str | None, Field(repr=False)] = None
    """postgresql:// URL of a PostgreSQL >= 14 to use instead of the embedded one."""
    database_connections: Annotated[int, Field(ge=2, le=500)] = 12
    """Connections to PostgreSQL that one worker holds at most."""
    pg_bindir: Path | None = None
    """Directory of PostgreSQL programs for the embedded server, instead of those of the wheel."""
    seed: Literal["demo", "none"] = "demo"
    """What to put into an empty database: a demo operator with one enterprise of each industry, or nothing."""
    seed_products: Annotated[int, Field(ge=1, le=100_000)] = 200
    """Products of each demo enterprise."""
    body_seconds: Annotated[float, Field(gt=0, le=600)] = 20.0
    """Time for the body of a request to arrive, seconds."""
    idle_seconds: Annotated[float, Field(gt=0, le=600)] = 60.0
    """Time that a connection may be idle, or take to send its header, seconds."""
    header_seconds: Annotated[float, Field(gt=0, le=600)] = 10.0
    """Time for the header of a request to arrive once it has begun, seconds."""
    connections: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Client connections that one worker holds at most; further ones are refused with 503."""
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], BeforeValidator(_networks)] = ()
    """Addresses and networks of the proxies whose word on the client's address is believed."""
    client_address: Literal["connection", "x-forwarded-for", "proxy-protocol"] = "connection"
    """Whose word holds: the connection's own, a trusted proxy's X-Forwarded-For, or its PROXY header."""
    requests_per_second: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)] = 0.0
    """Requests that one client address (IPv6: one /64) may make in a second at each worker; 0 is no limit."""
    requests_burst: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    """Requests that one client address may make at once, before IDNODE_REQUESTS_PER_SECOND holds."""
    cache_bytes: Annotated[int, Field(ge=CACHE_BYTES_MIN, le=1 << 40)] = 268_435_456
    """Memory for kept answers in each worker, bytes."""
    negative_cache_bytes: Annotated[int, Field(ge=CACHE_BYTES_MIN, le=1 << 40)] = 16_777_216
    """Memory for kept answers about identifiers that do not exist in each worker, bytes."""
    stale_seconds: Annotated[int, Field(ge=0, le=2_592_000)] = 86_400
    """How old a kept answer may be that is given while the database is away, seconds."""
    drain_seconds: Annotated[float, Field(ge=0, le=600)] = 10.0
    """Time that requests under way get at shutdown, seconds."""
    idempotency_hours: Annotated[int, Field(ge=1, le=720)] = 24
    """How long answers to writes with an Idempotency-Key are kept, hours."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe level that is logged. One line per request is logged at info."""
    log_format: Literal["json", "console"] = "json"
    """One JSON object per line, or text for people."""


def load_settings(environment: Mapping[str, str], *, file: Path | None = None) -> Settings:
    """Variables win over the file (`file`, else IDNODE_CONFIG). Raises InvalidSettings with every violation."""
    path = file if file is not None else _path_of(environment.get(VARIABLE_PREFIX + "CONFIG"))
    members = {} if path is None else _read_file(path)
    for name, text in environment.items():
        setting = name.removeprefix(VARIABLE_PREFIX).lower()
        if name.startswith(VARIABLE_PREFIX) and setting not in CLIENT_VARIABLES and text != "":
            members[setting] = text
    try:
        return Settings.model_validate(members)
    except ValidationError as error:
        violations = tuple(_violation(str(d["loc"][0]), d["type"], d["msg"], d["input"]) for d in error.errors())
        listed = "; ".join(f"{v.pointer}: {v.detail}" for v in violations)
        raise InvalidSettings(listed, violations=violations) from None


def reloaded(present: Settings, fresh: Settings) -> tuple[Settings, tuple[str, ...]]:
    """What holds after a reload, and the variables of what it cannot change."""
    kept = {name: getattr(present, name) for name in FIXED_SETTINGS}
    ignored = tuple(VARIABLE_PREFIX + name.upper() for name, value in kept.items() if getattr(fresh, name) != value)
    return fresh.model_copy(update=kept), ignored


def describe_settings() -> list[tuple[str, str, str]]:
    """Variable, default and meaning of every setting, for `idnode check-config` and the documentation."""
    return [
        (VARIABLE_PREFIX + name.upper(), _shown_default(field), field.description or "")
        for name, field in Settings.model_fields.items()
    ]


def _shown_default(field: FieldInfo) -> str:
    return "cores" if field.default_factory is not None else shown_setting_value(field.default)


def shown_setting_value(value: object) -> str:
    """A value as a variable would say it; "" for nothing."""
    match value:
        case None:
            return ""
        case tuple():
            return ",".join(str(element) for element in value)
        case _:
            return str(value)


def _path_of(text: str | None) -> Path | None:
    return Path(text) if text else None


def _read_file(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        violation = Violation(VARIABLE_PREFIX + "CONFIG", "file", f"cannot read {path}: {error}", str(path))
        raise InvalidSettings(violation.detail, violations=(violation,)) from error


def _violation(setting: str, rule: str, message: str, value: object) -> Violation:
    variable = VARIABLE_PREFIX + setting.upper()
    if rule == "extra_forbidden":
        return Violation(variable, "unknown-setting", "there is no such setting")
    value_shown = "(secret)" if setting in SECRET_SETTINGS else shown(value)
    return Violation(variable, rule.replace("_", "-"), message.removeprefix("Value error, "), value_shown)


def environment_settings(*, file: Path | None = None) -> Settings:
    """Settings of this process."""
    return load_settings(os.environ, file=file)

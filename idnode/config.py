"""Settings: from IDNODE_* variables and an optional TOML file; every error at once."""

import os
import tomllib
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from idnode.config_values import (
    host_setting,
    networks_setting,
    prefix_setting,
    server_setting,
    site_address_setting,
    web_address_setting,
    web_addresses_setting,
)
from idnode.model.errors import IdnodeError, Violation, shown
from idnode.model.reporting import BATCH_RECORDS_MAX

VARIABLE_PREFIX = "IDNODE_"
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "127.0.0.1", "localhost": "127.0.0.1"}  # noqa: S104  # nothing binds here
CLIENT_VARIABLES = frozenset({"config", "key", "simulator_secret", "trust_root", "trust_root_key", "url"})
"""Variables that are read elsewhere: the path of the TOML file, and what other commands than `serve` take."""
FIXED_SETTINGS = ("home", "prefix", "http_host", "http_port", "tls_port", "native_port", "database_url", "pg_bindir")
"""What a reload cannot change."""
SECRET_SETTINGS = frozenset({"database_url", "sync_secret"})
SYNC_NEEDS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "json": (("sync_url",), ("sync_app_id",), ("sync_secret", "sync_private_key")),
    "epp": (("sync_url",), ("sync_app_id",), ("sync_secret", "sync_private_key")),
    "files": (("sync_directory",),),
}
"""For each transport what it cannot do without: one of each group, and not two."""
DEPOSIT_NEEDS = ("deposit_key_file", "deposit_signing_key")
"""What a destination of deposits cannot do without; SFTP_NEEDS for one behind SFTP."""
SFTP_NEEDS = ("deposit_sftp_known_hosts", "deposit_sftp_key")
TLS_NEEDS = ("tls_port", "tls_certificate", "tls_key")
HTTP_PORT_DEFAULT = 8000
NATIVE_PORT_DEFAULT = 2641
TLS_SETTINGS = ("sync_client_certificate", "sync_client_key", "sync_ca")
URL_CHARACTERS_MAX = 2_048
APP_ID_CHARACTERS_MAX = 128
CACHE_BYTES_MIN = 1_048_576
WORKERS_MAX = 64


class InvalidSettings(IdnodeError):
    """Some settings are wrong; `violations` lists all of them, the pointer being the variable's name."""

    code = "invalid-settings"


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
    prefix: Annotated[str, AfterValidator(prefix_setting)] = "88.118"
    """The node's own prefix; enterprises get prefixes one label below it."""
    http_host: Annotated[str, AfterValidator(host_setting)] = "127.0.0.1"
    """Address to listen on; `::` listens on IPv6 and IPv4."""
    http_port: Port = HTTP_PORT_DEFAULT
    """TCP port of every HTTP interface."""
    native_port: Annotated[int, Field(ge=0, le=65_535)] = NATIVE_PORT_DEFAULT
    """UDP and TCP port of the native Handle protocol; 0 turns it off."""
    site_address: Annotated[str, AfterValidator(site_address_setting)] | None = None
    """Address that Handle clients are told (HS_SITE), instead of IDNODE_HTTP_HOST."""
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
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], BeforeValidator(networks_setting)] = ()
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
    restore_days: Annotated[int, Field(ge=0, le=3_650)] = 30
    """How long a deleted identifier can be restored, days."""
    transfer_days: Annotated[int, Field(ge=1, le=365)] = 30
    """How long a requested transfer waits for an answer before it expires, days."""
    import_bytes: Annotated[int, Field(ge=1_048_576, le=1 << 50)] = 1 << 36
    """Size of an import's rows at most, unpacked, bytes."""
    import_processes: Annotated[int, Field(ge=0, le=WORKERS_MAX)] = Field(default_factory=_cores)
    """Processes that read and write the rows of imports; 0: this host runs none."""
    import_days: Annotated[int, Field(ge=1, le=3_650)] = 30
    """How long the file and the verdicts of a finished import are kept, days."""
    secret_file: Path | None = None
    """File of the key (32 bytes, or 64 hexadecimal digits) that the passwords of SNMS users are encrypted with."""
    files_directory: Path | None = None
    """Directory of files that were uploaded with applications, instead of `files` in IDNODE_HOME."""
    tls_port: Port | None = None
    """TCP port of every HTTP interface over TLS; none without it."""
    tls_certificate: Path | None = None
    """PEM file of the certificate that the node shows on IDNODE_TLS_PORT, with its chain."""
    tls_key: Path | None = None
    """PEM file of that certificate's key."""
    trusts_loopback: bool = False
    """Whether Handle clients on this machine may show secrets over plain HTTP."""
    recursion: bool = False
    """Whether identifiers of prefixes that are not this node's are fetched from whoever answers for them."""
    recursion_top: Annotated[str | None, AfterValidator(server_setting)] = None
    """Top node that recursion begins at, host:port of its native Handle protocol."""
    recursion_private: bool = False
    """Whether recursion may be led to addresses that are not of the public internet."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe level that is logged. One line per request is logged at info."""
    log_format: Literal["json", "console"] = "json"
    """One JSON object per line, or text for people."""
    sync_transport: Literal["none", "json", "files", "epp"] = "none"
    """How the top node is reported to: not at all, JSON over HTTPS, files in a directory, EPP-shaped XML over HTTP."""
    sync_url: Annotated[str, Field(max_length=URL_CHARACTERS_MAX), AfterValidator(web_address_setting)] | None = None
    """Address of the top node's interface, for `json` and `epp`."""
    sync_directory: Path | None = None
    """Directory that batches are put into and verdicts are read from, for `files`."""
    sync_app_id: Annotated[str | None, Field(min_length=1, max_length=APP_ID_CHARACTERS_MAX, pattern=r"^[!-~]+$")] = (
        None
    )
    """App id that the top node's portal has issued, for `json` and `epp`."""
    sync_secret: Annotated[str | None, Field(min_length=1, max_length=1_024, repr=False)] = None
    """Secret that requests to the top node are signed with (HMAC-SHA-256)."""
    sync_private_key: Path | None = None
    """PEM file of the RSA key that requests are signed with instead (RSA-PSS, SHA-256)."""
    sync_client_certificate: Path | None = None
    """PEM file of the certificate that the node shows to the top node (mTLS)."""
    sync_client_key: Path | None = None
    """PEM file of that certificate's key."""
    sync_ca: Path | None = None
    """PEM file of the authorities that the top node's certificate must be from, instead of the system's."""
    sync_batch_records: Annotated[int, Field(ge=1, le=BATCH_RECORDS_MAX)] = 2_000
    """Records of one batch to the top node at most."""
    sync_tries_max: Annotated[int, Field(ge=1, le=100)] = 8
    """How often a record that the top node refuses to take is delivered before it is given up."""
    sync_verdict_hours: Annotated[int, Field(ge=1, le=720)] = 24
    """How long to wait for the verdict on a delivered record before it is delivered again, hours."""
    sync_cadence: Literal["contract", "real-time"] = "contract"
    """When records are sent: at the contract's hours, days and months (Beijing time), or all of them at once."""
    sync_repair: bool = True
    """Whether the comparison with the top node each morning puts right what differs, or only tells of it."""
    probe_seconds: Annotated[int, Field(ge=0, le=3_600)] = 30
    """How often the relay probes the node and its enterprises, seconds; 0 turns it off."""
    probe_urls: Annotated[tuple[str, ...], BeforeValidator(web_addresses_setting)] = ()
    """Addresses of this node to probe, each a probe point of the 51 % rule; none: the node's own."""
    deposit_destination: Annotated[str | None, Field(min_length=1, max_length=URL_CHARACTERS_MAX)] = None
    """Where deposits go: a directory, or sftp://user@host:port/directory; without it none are made."""
    deposit_key_file: Path | None = None
    """File of the key that deposits are sealed with: 32 bytes, or 64 hexadecimal digits."""
    deposit_signing_key: Path | None = None
    """PEM file of the private key (Ed25519 or RSA) that deposits are signed with."""
    deposit_cipher: Literal["aes-256-gcm", "sm4-gcm"] = "aes-256-gcm"
    """What deposits are sealed with."""
    deposit_part_bytes: Annotated[int, Field(ge=1_048_576, le=1 << 40)] = 1 << 30
    """Size of a deposit's parts at most, bytes."""
    deposit_full_days: Annotated[int, Field(ge=1, le=90)] = 7
    """Days from one full deposit to the next; in between there are differentials."""
    deposit_hour: Annotated[int, Field(ge=0, le=23)] = 2
    """Hour of the day (Beijing time) from which the day's deposit is made."""
    deposit_sftp_known_hosts: Path | None = None
    """File of the backup node's host key, as in OpenSSH's known_hosts."""
    deposit_sftp_key: Path | None = None
    """File of the SSH key that the node shows to the backup node."""

    @property
    def is_reporting(self) -> bool:
        """There is a way to the top node."""
        return self.sync_transport != "none"

    @property
    def own_url(self) -> str:
        """Where the node answers on its own machine."""
        host = _ANY_ADDRESS.get(self.http_host, self.http_host)
        return f"http://[{host}]:{self.http_port}" if ":" in host else f"http://{host}:{self.http_port}"


def load_settings(environment: Mapping[str, str], *, file: Path | None = None) -> Settings:
    """Variables win over the file (`file`, else IDNODE_CONFIG). Raises InvalidSettings with every violation."""
    path = file if file is not None else _path_of(environment.get(VARIABLE_PREFIX + "CONFIG"))
    members = {} if path is None else _read_file(path)
    for name, text in environment.items():
        setting = name.removeprefix(VARIABLE_PREFIX).lower()
        if name.startswith(VARIABLE_PREFIX) and setting not in CLIENT_VARIABLES and text != "":
            members[setting] = text
    settings, violations = _checked(members)
    violations += _misfits(members) + _tls_misfits(members) + _native_misfits(members)
    violations += _deposit_misfits(members) + _recursion_misfits(settings)
    if settings is None or violations:
        listed = "; ".join(f"{v.pointer}: {v.detail}" for v in violations)
        raise InvalidSettings(listed, violations=violations)
    return settings


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


def _checked(members: Mapping[str, object]) -> tuple[Settings | None, tuple[Violation, ...]]:
    """Each setting by itself."""
    try:
        return Settings.model_validate(members), ()
    except ValidationError as error:
        return None, tuple(_violation(str(d["loc"][0]), d["type"], d["msg"], d["input"]) for d in error.errors())


def _misfits(members: Mapping[str, object]) -> tuple[Violation, ...]:
    """Settings of the way to the top node that do not go together; without a transport none of them is looked at."""
    transport = members.get("sync_transport")
    if not isinstance(transport, str) or transport not in SYNC_NEEDS:
        return ()
    violations: list[Violation] = []
    for group in SYNC_NEEDS[transport]:
        given = [name for name in group if name in members]
        names = " or ".join(VARIABLE_PREFIX + name.upper() for name in group)
        if len(given) != 1:
            detail = f"{names} is required" if not given else f"either {names}, not both"
            violations.append(_misfit(given[-1] if given else group[0], f"with the transport {transport} {detail}"))
    if ("sync_client_certificate" in members) != ("sync_client_key" in members):
        violations.append(_misfit("sync_client_certificate", "certificate and IDNODE_SYNC_CLIENT_KEY belong together"))
    needless = [name for name in TLS_SETTINGS if name in members]
    if needless and not str(members.get("sync_url", "")).lower().startswith("https://"):
        violations += [_misfit(name, "is of use with an https:// address in IDNODE_SYNC_URL only") for name in needless]
    return tuple(violations)


def _tls_misfits(members: Mapping[str, object]) -> tuple[Violation, ...]:
    """A port of TLS, its certificate and its key: all three or none, and a port of its own."""
    given = [name for name in TLS_NEEDS if name in members]
    missing = [name for name in TLS_NEEDS if given and name not in members]
    violations = [
        _misfit(name, f"{VARIABLE_PREFIX}{given[0].upper()} requires {VARIABLE_PREFIX}{name.upper()}")
        for name in missing
    ]
    if "tls_port" in members and str(members["tls_port"]) == str(members.get("http_port", HTTP_PORT_DEFAULT)):
        violations.append(_misfit("tls_port", "must be another port than IDNODE_HTTP_PORT"))
    return tuple(violations)


def _native_misfits(members: Mapping[str, object]) -> tuple[Violation, ...]:
    """The native protocol has a port of its own."""
    native = str(members.get("native_port", NATIVE_PORT_DEFAULT))
    http, tls = str(members.get("http_port", HTTP_PORT_DEFAULT)), str(members.get("tls_port", ""))
    return tuple(
        _misfit("native_port", f"must be another port than {VARIABLE_PREFIX}{other}; 0 turns it off")
        for other, port in (("HTTP_PORT", http), ("TLS_PORT", tls))
        if port == native
    )


def _deposit_misfits(members: Mapping[str, object]) -> tuple[Violation, ...]:
    """What deposits need beside a destination; without one nothing of it is looked at."""
    destination = members.get("deposit_destination")
    if not isinstance(destination, str):
        return ()
    needed = DEPOSIT_NEEDS + SFTP_NEEDS if destination.startswith("sftp://") else DEPOSIT_NEEDS
    return tuple(
        _misfit(name, f"deposits to {shown(destination)} require {VARIABLE_PREFIX}{name.upper()}")
        for name in needed
        if name not in members
    )


def _recursion_misfits(settings: Settings | None) -> tuple[Violation, ...]:
    """Recursion needs somewhere to begin."""
    if settings is None or not settings.recursion or settings.recursion_top is not None:
        return ()
    return (_misfit("recursion", f"requires {VARIABLE_PREFIX}RECURSION_TOP"),)


def _misfit(setting: str, detail: str) -> Violation:
    return Violation(VARIABLE_PREFIX + setting.upper(), "setting-combination", detail)


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

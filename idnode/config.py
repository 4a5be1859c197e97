"""Settings: from IDNODE_* variables and an optional TOML file; every error at once."""

import os
import tomllib
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from idnode.model.errors import IdnodeError, InvalidPrefix, Violation, shown
from idnode.model.identifier import Prefix

VARIABLE_PREFIX = "IDNODE_"
CLIENT_VARIABLES = frozenset({"config", "key", "url"})
"""Variables that are read elsewhere: the path of the TOML file, and what the command line calls a node with."""
SECRET_SETTINGS = frozenset({"database_url"})


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


def describe_settings() -> list[tuple[str, str, str]]:
    """Variable, default and meaning of every setting, for `idnode check-config` and the documentation."""
    return [
        (VARIABLE_PREFIX + name.upper(), "" if field.default is None else str(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    ]


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

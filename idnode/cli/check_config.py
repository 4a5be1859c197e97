"""`idnode check-config`: every setting as this process would take it, or everything that is wrong."""

from urllib.parse import parse_qsl, urlencode, urlsplit

from idnode.cli.console import show_json, show_table
from idnode.cli.options import ConfigOption, JsonOption
from idnode.cli.running import failures_shown
from idnode.config import SECRET_SETTINGS, Settings, describe_settings, environment_settings, shown_setting_value
from idnode.frontends.tls import server_context

SECRET = "(secret)"  # noqa: S105  # what stands in the place of one
_HARMLESS = frozenset({"host", "port", "dbname", "sslmode", "target_session_attrs", "application_name"})
"""Parameters of a database URL that may be shown; any other may be a password or hold one."""


def check_config(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Print every setting with its value, variable and meaning, or all errors at once (exit code 2)."""
    with failures_shown(as_json=as_json):
        settings = environment_settings(file=config)
        if settings.tls_certificate is not None and settings.tls_key is not None:
            server_context(settings.tls_certificate, settings.tls_key)
    described = [
        {"variable": variable, "value": shown_setting(settings, variable), "default": default, "meaning": meaning}
        for variable, default, meaning in describe_settings()
    ]
    if as_json:
        show_json({"settings": described})
        return
    rows = [(each["variable"], each["value"], each["default"], each["meaning"]) for each in described]
    show_table(("variable", "value", "default", "meaning"), rows)


def shown_setting(settings: Settings, variable: str) -> str:
    """The value of a setting as it may be shown: of a secret, at most what tells one from another."""
    name = variable.removeprefix("IDNODE_").lower()
    value = getattr(settings, name)
    if value is None:
        return ""
    if name in SECRET_SETTINGS:
        return shown_database_url(str(value))
    return shown_setting_value(value)


def shown_database_url(url: str) -> str:
    """A database URL with its host and database, and without its password and parameters that may hold one."""
    try:
        parts = urlsplit(url)
        user, at, address = parts.netloc.rpartition("@")
        parameters = [(name, value) for name, value in parse_qsl(parts.query) if name in _HARMLESS]
    except ValueError:
        return SECRET
    if parts.scheme not in ("postgresql", "postgres"):
        return SECRET
    name, has_password, _ = user.partition(":")
    shown_user = f"{name}:{SECRET}" if has_password else name
    query = f"?{urlencode(parameters, safe='/')}" if parameters else ""
    return f"{parts.scheme}://{shown_user}{at}{address}{parts.path}{query}"

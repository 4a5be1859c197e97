"""Settings: every one from a variable and from the file, every error at once, no secret shown."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import orjson
import pytest

from idnode.config import InvalidSettings, Settings, describe_settings, load_settings, reloaded

# For each setting: what a variable says, what a TOML file says (another value), and what both mean.
EVERY_SETTING = {
    "home": ("/srv/one", '"/srv/two"', Path("/srv/one"), Path("/srv/two")),
    "prefix": ("88.119", '"88.120"', "88.119", "88.120"),
    "http_host": ("::1", '"0.0.0.0"', "::1", "0.0.0.0"),  # noqa: S104  # nothing binds here
    "http_port": ("8101", "8102", 8101, 8102),
    "native_port": ("0", "2642", 0, 2642),
    "site_address": ("192.0.2.7", '"2001:db8::7"', "192.0.2.7", "2001:db8::7"),
    "workers": ("3", "64", 3, 64),
    "database_url": ("postgresql://one/a", '"postgresql://two/a"', "postgresql://one/a", "postgresql://two/a"),
    "database_connections": ("3", "4", 3, 4),
    "pg_bindir": ("/opt/one", '"/opt/two"', Path("/opt/one"), Path("/opt/two")),
    "seed": ("none", '"demo"', "none", "demo"),
    "seed_products": ("5", "6", 5, 6),
    "body_seconds": ("1.5", "2.5", 1.5, 2.5),
    "idle_seconds": ("3.5", "4.5", 3.5, 4.5),
    "header_seconds": ("4.5", "6.5", 4.5, 6.5),
    "connections": ("11", "12", 11, 12),
    "trusted_proxies": (
        "10.0.0.7, fd00::/8",
        '["192.0.2.0/24", "192.0.2.1"]',
        (IPv4Network("10.0.0.7/32"), IPv6Network("fd00::/8")),
        (IPv4Network("192.0.2.0/24"), IPv4Network("192.0.2.1/32")),
    ),
    "client_address": ("x-forwarded-for", '"proxy-protocol"', "x-forwarded-for", "proxy-protocol"),
    "requests_per_second": ("0.5", "20", 0.5, 20.0),
    "requests_burst": ("13", "14", 13, 14),
    "cache_bytes": ("1048576", "2097152", 1_048_576, 2_097_152),
    "negative_cache_bytes": ("1048577", "2097153", 1_048_577, 2_097_153),
    "stale_seconds": ("0", "15", 0, 15),
    "drain_seconds": ("0", "5.5", 0.0, 5.5),
    "idempotency_hours": ("7", "8", 7, 8),
    "restore_days": ("1", "2", 1, 2),
    "transfer_days": ("3", "4", 3, 4),
    "import_bytes": ("1048577", "1048578", 1048577, 1048578),
    "import_processes": ("0", "5", 0, 5),
    "import_days": ("6", "7", 6, 7),
    "secret_file": ("/srv/one", '"/srv/two"', Path("/srv/one"), Path("/srv/two")),
    "files_directory": ("/srv/one", '"/srv/two"', Path("/srv/one"), Path("/srv/two")),
    "tls_port": ("8441", "8442", 8441, 8442),
    "tls_certificate": ("/srv/one", '"/srv/two"', Path("/srv/one"), Path("/srv/two")),
    "tls_key": ("/srv/one", '"/srv/two"', Path("/srv/one"), Path("/srv/two")),
    "trusts_loopback": ("true", "false", True, False),
    "recursion": ("1", "true", True, True),
    "recursion_top": ("192.0.2.1:2641", '"[2001:db8::1]:3641"', "192.0.2.1:2641", "[2001:db8::1]:3641"),
    "recursion_private": ("1", "true", True, True),
    "log_level": ("debug", '"error"', "debug", "error"),
    "log_format": ("console", '"json"', "console", "json"),
    "sync_transport": ("json", '"epp"', "json", "epp"),
    "sync_url": ("https://one/", '"http://[::1]:9000/two"', "https://one", "http://[::1]:9000/two"),
    "sync_directory": ("/srv/one", '"/srv/two"', Path("/srv/one"), Path("/srv/two")),
    "sync_app_id": ("one", '"two"', "one", "two"),
    "sync_secret": ("geheim", '"geheimer"', "geheim", "geheimer"),
    "sync_private_key": ("/etc/one.pem", '"/etc/two.pem"', Path("/etc/one.pem"), Path("/etc/two.pem")),
    "sync_client_certificate": ("/etc/a.pem", '"/etc/b.pem"', Path("/etc/a.pem"), Path("/etc/b.pem")),
    "sync_client_key": ("/etc/c.pem", '"/etc/d.pem"', Path("/etc/c.pem"), Path("/etc/d.pem")),
    "sync_ca": ("/etc/e.pem", '"/etc/f.pem"', Path("/etc/e.pem"), Path("/etc/f.pem")),
    "sync_batch_records": ("1", "5000", 1, 5_000),
    "sync_tries_max": ("1", "100", 1, 100),
    "sync_verdict_hours": ("1", "720", 1, 720),
    "sync_cadence": ("real-time", '"contract"', "real-time", "contract"),
    "sync_repair": ("false", "true", False, True),
    "probe_seconds": ("0", "3600", 0, 3_600),
    "probe_urls": (
        "https://one/, http://two:81",
        '["https://three/id/"]',
        ("https://one", "http://two:81"),
        ("https://three/id",),
    ),
    "deposit_destination": ("/srv/one", '"/srv/two"', "/srv/one", "/srv/two"),
    "deposit_key_file": ("/etc/one", '"/etc/two"', Path("/etc/one"), Path("/etc/two")),
    "deposit_signing_key": ("/etc/one", '"/etc/two"', Path("/etc/one"), Path("/etc/two")),
    "deposit_cipher": ("sm4-gcm", '"aes-256-gcm"', "sm4-gcm", "aes-256-gcm"),
    "deposit_part_bytes": ("1048576", "2097152", 1_048_576, 2_097_152),
    "deposit_full_days": ("1", "90", 1, 90),
    "deposit_hour": ("0", "23", 0, 23),
    "deposit_sftp_known_hosts": ("/etc/one", '"/etc/two"', Path("/etc/one"), Path("/etc/two")),
    "deposit_sftp_key": ("/etc/one", '"/etc/two"', Path("/etc/one"), Path("/etc/two")),
}

ADDRESS = {
    "IDNODE_SYNC_URL": "https://one/",
    "IDNODE_SYNC_APP_ID": "one",
    "IDNODE_SYNC_SECRET": "geheim",
}
"""What a transport over HTTP cannot do without."""
KEYS = {"IDNODE_DEPOSIT_KEY_FILE": "/etc/key", "IDNODE_DEPOSIT_SIGNING_KEY": "/etc/key.pem"}
"""What a destination of deposits cannot do without."""
TLS = {"IDNODE_TLS_PORT": "8443", "IDNODE_TLS_CERTIFICATE": "/srv/node.pem", "IDNODE_TLS_KEY": "/srv/node.key"}
TOP = {"IDNODE_RECURSION_TOP": "192.0.2.1:2641"}
COMPANIONS = {"sync_transport": ADDRESS, "deposit_destination": KEYS, "recursion": TOP} | {
    name: {variable: text for variable, text in TLS.items() if variable != f"IDNODE_{name.upper()}"}
    for name in ("tls_port", "tls_certificate", "tls_key")
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a test writes its TOML."""
    return tmp_path / "idnode.toml"


def test_no_setting_is_left_out_here() -> None:
    assert set(EVERY_SETTING) == set(Settings.model_fields)


@pytest.mark.parametrize("name", EVERY_SETTING)
def test_a_setting_is_read_from_its_variable_and_from_the_file_and_the_variable_wins(name: str, file: Path) -> None:
    variable, toml, from_variable, from_file = EVERY_SETTING[name]
    file.write_text(f"{name} = {toml}\n")
    companions = COMPANIONS.get(name, {})
    environment = companions | {f"IDNODE_{name.upper()}": variable}

    assert getattr(load_settings(environment), name) == from_variable
    assert getattr(load_settings(companions, file=file), name) == from_file
    assert getattr(load_settings(environment, file=file), name) == from_variable


def test_without_anything_the_defaults_hold() -> None:
    settings = load_settings({"PATH": "/bin", "IDNODE_HTTP_PORT": ""})

    assert (settings.http_host, settings.http_port, settings.seed) == ("127.0.0.1", 8000, "demo")
    assert settings.home == Path(".idnode")
    assert settings.database_url is None


def test_the_file_is_named_by_a_variable_or_by_the_caller_who_wins(file: Path, tmp_path: Path) -> None:
    file.write_text("http_port = 8101\n")
    (tmp_path / "other.toml").write_text("http_port = 8102\n")
    environment = {"IDNODE_CONFIG": str(file)}

    assert load_settings(environment).http_port == 8101
    assert load_settings(environment, file=tmp_path / "other.toml").http_port == 8102


def test_what_only_the_command_line_reads_is_no_setting_and_no_error() -> None:
    settings = load_settings({"IDNODE_KEY": "idn_x", "IDNODE_URL": "http://127.0.0.1:8101"})

    assert settings == Settings()


def test_all_errors_come_at_once_each_with_its_variable(file: Path) -> None:
    file.write_text("prefix = 88.118\ncolour = 'blue'\n")
    environment = {
        "IDNODE_HTTP_PORT": "65536",
        "IDNODE_HTTP_HOST": "node.example.com",
        "IDNODE_BODY_SECONDS": "nan",
        "IDNODE_SEED": "all",
    }

    with pytest.raises(InvalidSettings) as caught:
        load_settings(environment, file=file)

    assert {(v.pointer, v.rule, v.value) for v in caught.value.violations} == {
        ("IDNODE_PREFIX", "string-type", "88.118"),
        ("IDNODE_HTTP_PORT", "less-than-equal", "65536"),
        ("IDNODE_HTTP_HOST", "value-error", "node.example.com"),
        ("IDNODE_BODY_SECONDS", "less-than-equal", "nan"),
        ("IDNODE_SEED", "literal-error", "all"),
        ("IDNODE_COLOUR", "unknown-setting", None),
    }


@pytest.mark.parametrize(
    ("variable", "detail"),
    [
        ("10.0.0.300", "'10.0.0.300' is no IP address or network such as 10.0.0.7, 10.0.0.0/8 or fd00::/8"),
        ("10.0.0.7,,10.0.0.8", "'' is no IP address or network such as 10.0.0.7, 10.0.0.0/8 or fd00::/8"),
        ("10.0.0.7/8", "'10.0.0.7/8' is no IP address or network such as 10.0.0.7, 10.0.0.0/8 or fd00::/8"),
        (
            "proxy.example.com",
            "'proxy.example.com' is no IP address or network such as 10.0.0.7, 10.0.0.0/8 or fd00::/8",
        ),
        (",".join(["10.0.0.7"] * 257), "has 257 elements, the limit is 256"),
    ],
)
def test_a_trusted_proxy_that_is_no_address_is_named(variable: str, detail: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load_settings({"IDNODE_TRUSTED_PROXIES": variable})

    assert [(v.pointer, v.detail) for v in caught.value.violations] == [("IDNODE_TRUSTED_PROXIES", detail)]


@pytest.mark.parametrize("toml", ["3", "[167772167]", "[[]]", "{}", "true"])
def test_trusted_proxies_are_texts(toml: str, file: Path) -> None:
    file.write_text(f"trusted_proxies = {toml}\n")

    with pytest.raises(InvalidSettings, match=r"^IDNODE_TRUSTED_PROXIES: "):
        load_settings({}, file=file)


def test_trusted_proxies_may_be_one_text_in_the_file_too(file: Path) -> None:
    file.write_text('trusted_proxies = "10.0.0.7,10.0.0.8"\n')

    assert load_settings({}, file=file).trusted_proxies == (IPv4Network("10.0.0.7/32"), IPv4Network("10.0.0.8/32"))


def test_limits_of_numbers_are_named_with_value_and_limit() -> None:
    environment = {
        "IDNODE_CACHE_BYTES": "1048575",
        "IDNODE_REQUESTS_PER_SECOND": "-1",
        "IDNODE_REQUESTS_BURST": "0",
        "IDNODE_CONNECTIONS": "0",
        "IDNODE_HEADER_SECONDS": "601",
    }

    with pytest.raises(InvalidSettings) as caught:
        load_settings(environment)

    assert {v.pointer: (v.value, v.detail) for v in caught.value.violations} == {
        "IDNODE_CACHE_BYTES": ("1048575", "Input should be greater than or equal to 1048576"),
        "IDNODE_REQUESTS_PER_SECOND": ("-1", "Input should be greater than or equal to 0"),
        "IDNODE_REQUESTS_BURST": ("0", "Input should be greater than or equal to 1"),
        "IDNODE_CONNECTIONS": ("0", "Input should be greater than or equal to 1"),
        "IDNODE_HEADER_SECONDS": ("601", "Input should be less than or equal to 600"),
    }


SYNC_MISFITS: dict[str, tuple[dict[str, str], list[tuple[str, str]]]] = {
    "json without anything": (
        {"IDNODE_SYNC_TRANSPORT": "json"},
        [
            ("IDNODE_SYNC_URL", "with the transport json IDNODE_SYNC_URL is required"),
            ("IDNODE_SYNC_APP_ID", "with the transport json IDNODE_SYNC_APP_ID is required"),
            (
                "IDNODE_SYNC_SECRET",
                "with the transport json IDNODE_SYNC_SECRET or IDNODE_SYNC_PRIVATE_KEY is required",
            ),
        ],
    ),
    "files without a directory": (
        {"IDNODE_SYNC_TRANSPORT": "files"},
        [("IDNODE_SYNC_DIRECTORY", "with the transport files IDNODE_SYNC_DIRECTORY is required")],
    ),
    "two ways to sign": (
        ADDRESS | {"IDNODE_SYNC_TRANSPORT": "epp", "IDNODE_SYNC_PRIVATE_KEY": "/etc/key.pem"},
        [
            (
                "IDNODE_SYNC_PRIVATE_KEY",
                "with the transport epp either IDNODE_SYNC_SECRET or IDNODE_SYNC_PRIVATE_KEY, not both",
            )
        ],
    ),
    "a certificate without its key": (
        ADDRESS | {"IDNODE_SYNC_TRANSPORT": "json", "IDNODE_SYNC_CLIENT_CERTIFICATE": "/etc/own.pem"},
        [("IDNODE_SYNC_CLIENT_CERTIFICATE", "certificate and IDNODE_SYNC_CLIENT_KEY belong together")],
    ),
    "authorities without TLS": (
        ADDRESS | {"IDNODE_SYNC_TRANSPORT": "json", "IDNODE_SYNC_URL": "http://one", "IDNODE_SYNC_CA": "/etc/ca.pem"},
        [("IDNODE_SYNC_CA", "is of use with an https:// address in IDNODE_SYNC_URL only")],
    ),
}


@pytest.mark.parametrize("title", SYNC_MISFITS)
def test_settings_of_the_way_to_the_top_node_must_go_together(title: str) -> None:
    environment, expected = SYNC_MISFITS[title]

    with pytest.raises(InvalidSettings) as caught:
        load_settings(environment)

    assert [(v.pointer, v.detail) for v in caught.value.violations] == expected
    assert "geheim" not in f"{caught.value} {caught.value.violations}"


def test_the_native_protocol_has_a_port_of_its_own_or_none() -> None:
    assert load_settings({"IDNODE_HTTP_PORT": "2641", "IDNODE_NATIVE_PORT": "0"}).native_port == 0
    with pytest.raises(InvalidSettings) as plain:
        load_settings({"IDNODE_HTTP_PORT": "2641"})
    with pytest.raises(InvalidSettings) as secure:
        load_settings(TLS | {"IDNODE_NATIVE_PORT": "8443"})

    assert [(v.pointer, v.detail) for error in (plain, secure) for v in error.value.violations] == [
        ("IDNODE_NATIVE_PORT", "must be another port than IDNODE_HTTP_PORT; 0 turns it off"),
        ("IDNODE_NATIVE_PORT", "must be another port than IDNODE_TLS_PORT; 0 turns it off"),
    ]


def test_a_port_of_tls_needs_a_certificate_and_a_key_and_a_number_of_its_own() -> None:
    assert load_settings(TLS).tls_port == 8443
    with pytest.raises(InvalidSettings) as alone:
        load_settings({"IDNODE_TLS_KEY": "/srv/node.key"})
    with pytest.raises(InvalidSettings) as shared:
        load_settings(TLS | {"IDNODE_HTTP_PORT": "8443"})

    assert [(v.pointer, v.detail) for v in alone.value.violations] == [
        ("IDNODE_TLS_PORT", "IDNODE_TLS_KEY requires IDNODE_TLS_PORT"),
        ("IDNODE_TLS_CERTIFICATE", "IDNODE_TLS_KEY requires IDNODE_TLS_CERTIFICATE"),
    ]
    assert [(v.pointer, v.detail) for v in shared.value.violations] == [
        ("IDNODE_TLS_PORT", "must be another port than IDNODE_HTTP_PORT")
    ]


def test_what_does_not_go_together_is_told_at_once_with_what_is_wrong_by_itself() -> None:
    with pytest.raises(InvalidSettings) as caught:
        load_settings({"IDNODE_SYNC_TRANSPORT": "files", "IDNODE_SYNC_BATCH_RECORDS": "5001"})

    assert [v.pointer for v in caught.value.violations] == ["IDNODE_SYNC_BATCH_RECORDS", "IDNODE_SYNC_DIRECTORY"]


def test_without_a_transport_the_rest_of_the_way_to_the_top_node_may_stay_as_it_is() -> None:
    settings = load_settings({"IDNODE_SYNC_URL": "https://one", "IDNODE_SYNC_TRANSPORT": "none"})

    assert settings.sync_transport == "none"


@pytest.mark.parametrize(
    "text",
    [
        "one",
        "ftp://one",
        "https://",
        "https://one:x",
        "https://a:b@one",
        "https://one?x=1",
        "https://one#",
        "https://壹",
    ],
)
def test_an_address_of_the_top_node_that_no_path_can_be_appended_to_is_refused(text: str) -> None:
    with pytest.raises(InvalidSettings, match=r"^IDNODE_SYNC_URL: must be an address such as https://"):
        load_settings({"IDNODE_SYNC_URL": text})


def test_a_reload_changes_all_but_what_the_node_stands_on_and_says_what_it_left() -> None:
    present = Settings(http_port=8101, drain_seconds=3)

    after, ignored = reloaded(present, Settings(http_port=8102, drain_seconds=4, prefix="88.119", workers=7))

    assert (after.http_port, after.prefix, after.drain_seconds, after.workers) == (8101, "88.118", 4, 7)
    assert ignored == ("IDNODE_PREFIX", "IDNODE_HTTP_PORT")


def test_settings_survive_the_way_to_a_worker() -> None:
    environment = {f"IDNODE_{name.upper()}": variable for name, (variable, *_) in EVERY_SETTING.items()}
    del environment["IDNODE_SYNC_PRIVATE_KEY"]  # it does not go together with a secret
    settings = load_settings(environment)

    for each in (settings, Settings()):
        assert Settings.model_validate(orjson.loads(orjson.dumps(each.model_dump(mode="json")))) == each


def test_an_unknown_variable_is_named_and_its_value_is_not_shown() -> None:
    with pytest.raises(InvalidSettings, match=r"^IDNODE_DATABASE_PASSWORD: there is no such setting$") as caught:
        load_settings({"IDNODE_DATABASE_PASSWORD": "geheim"})

    assert "geheim" not in repr(caught.value.violations)


@pytest.mark.parametrize("prefix", ["88..118", "88.118/1", "", "  "])
def test_a_prefix_that_is_none_is_refused(prefix: str, file: Path) -> None:
    file.write_text(f'prefix = "{prefix}"\n')

    with pytest.raises(InvalidSettings, match=r"^IDNODE_PREFIX: "):
        load_settings({}, file=file)


def test_a_file_that_is_missing_or_no_toml_is_named(file: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"cannot read .*idnode\.toml: .*No such file"):
        load_settings({"IDNODE_CONFIG": str(file)})

    file.write_text('database_url = "postgresql://idnode:geheim@\n')
    with pytest.raises(InvalidSettings, match=r"cannot read .*idnode\.toml: .*line 1") as caught:
        load_settings({"IDNODE_CONFIG": str(file)})
    assert "geheim" not in str(caught.value)


def test_a_secret_is_shown_neither_in_errors_nor_with_the_settings(file: Path) -> None:
    file.write_text('database_url = ["postgresql://idnode:geheim@db.example.com/idnode"]\n')
    settings = load_settings(
        {"IDNODE_DATABASE_URL": "postgresql://idnode:geheim@db.example.com/idnode", "IDNODE_SYNC_SECRET": "geheim"}
    )

    with pytest.raises(InvalidSettings) as caught:
        load_settings({}, file=file)

    assert [(v.pointer, v.value) for v in caught.value.violations] == [("IDNODE_DATABASE_URL", "(secret)")]
    assert "geheim" not in f"{caught.value} {caught.value.violations}"
    assert "geheim" not in f"{settings!r} {settings}"


def test_the_documentation_lists_every_setting_with_its_default_and_meaning() -> None:
    text = Path(__file__).parents[1].joinpath("docs", "configuration.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `IDNODE_") and line.count("|") == 4]

    assert rows == [
        f"| `{variable}` | {f'`{default}`' if default else '–'} | {meaning} |"
        for variable, default, meaning in describe_settings()
    ]

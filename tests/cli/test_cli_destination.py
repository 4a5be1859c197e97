"""Where commands go: the options, the settings, and the admin key that never leaves this machine."""

from pathlib import Path

import pytest

from idnode.cli.destination import Destination, destination_of
from idnode.cli.errors import WrongUsage
from idnode.config import Settings


def never() -> Settings:
    raise AssertionError("settings are not needed here")


def with_admin_key(home: Path) -> Settings:
    (home / "admin.key").write_text("idn_of_this_home\n")
    return Settings(home=home, http_port=8123)


def test_options_need_no_settings() -> None:
    found = destination_of("https://node.example.com/idnode/", "idn_given", load=never)

    assert found == Destination("https://node.example.com/idnode", "idn_given")


def test_without_options_the_node_of_this_machine_is_called_with_its_admin_key(tmp_path: Path) -> None:
    found = destination_of(None, None, load=lambda: with_admin_key(tmp_path))

    assert found == Destination("http://127.0.0.1:8123", "idn_of_this_home")


def test_another_port_of_this_machine_gets_the_admin_key(tmp_path: Path) -> None:
    found = destination_of("http://localhost:9000", None, load=lambda: with_admin_key(tmp_path))

    assert found == Destination("http://localhost:9000", "idn_of_this_home")


def test_the_admin_key_is_not_sent_to_another_host() -> None:
    found = destination_of("https://node.example.com", None, load=never)

    assert found.key is None
    assert found.keyless_because == "give --key or IDNODE_KEY"


def test_a_missing_admin_key_is_named(tmp_path: Path) -> None:
    found = destination_of(None, None, load=lambda: Settings(home=tmp_path))

    assert found.key is None
    assert found.keyless_because == f"give --key or IDNODE_KEY; there is no {tmp_path}/admin.key"


def test_a_key_is_never_part_of_the_text_of_a_destination() -> None:
    assert "idn_given" not in repr(Destination("http://127.0.0.1:8000", "idn_given"))


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),  # noqa: S104  # nothing listens
        ("::", "http://127.0.0.1:8000"),
        ("::1", "http://[::1]:8000"),
        ("192.0.2.7", "http://192.0.2.7:8000"),
    ],
)
def test_a_node_is_called_where_it_listens(host: str, url: str) -> None:
    assert Settings(http_host=host).own_url == url


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1",
        "127.0.0.1:8000",
        "http://",
        "http://user:word@127.0.0.1",
        "http://h:0",
        "http://[",
        "http://h?x=1",
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(WrongUsage, match="--url must be http://host:port"):
        destination_of(url, "idn_given", load=never)


@pytest.mark.parametrize("key", ["", "two words", "schlüssel", "line\nbreak"])
def test_what_cannot_stand_in_a_header_is_no_key(key: str) -> None:
    with pytest.raises(WrongUsage, match="what --key holds is no API key"):
        destination_of("http://127.0.0.1:8000", key, load=never)

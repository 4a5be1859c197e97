"""The sites that clients are told: golden bytes, the order of interfaces, addresses that nobody could call."""

from ipaddress import ip_address

import pytest

from idnode.model.prefix_registration import SiteEndpoint
from idnode.wire.sites import address_problem, beginning_with, enterprise_site, own_site, site_value, told_address
from idnode.wire.typed_values.hs_site import HsSite, InterfaceProtocol

OWN = own_site(ip_address("192.0.2.7"), native_port=2641, http_port=8000, public_key=b"")


def protocols(site: HsSite) -> list[str]:
    return [each.protocol.name for each in site.servers[0].interfaces]


def test_the_own_site_is_one_server_with_tcp_first() -> None:
    assert OWN.encode().hex(" ", 4) == bytes.fromhex(
        "0001 02 0b 0001 80 02 00000000 00000000 00000001"
        "00000001 000000000000000000000000c0000207 00000000 00000003"
        "03 01 00000a51  03 00 00000a51  03 02 00001f40"
    ).hex(" ", 4)


def test_whoever_asks_by_datagrams_is_told_of_these_first() -> None:
    assert protocols(OWN) == ["TCP", "UDP", "HTTP"]
    assert protocols(beginning_with(OWN, InterfaceProtocol.UDP)) == ["UDP", "TCP", "HTTP"]
    assert protocols(own_site(ip_address("2001:db8::7"), native_port=0, http_port=8000, public_key=b"")) == ["HTTP"]


def test_an_enterprise_s_site_has_the_ports_that_there_are() -> None:
    site = enterprise_site(SiteEndpoint("192.0.2.8", None, 2641, 8080))
    value = site_value(site)

    assert protocols(site) == ["UDP", "HTTP"]
    assert (value.index, value.type, HsSite.decode(value.data)) == (1, "HS_SITE", site)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("localhost", "127.0.0.1"),
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("0.0.0.0", None),  # noqa: S104  # nothing binds here
        ("::", None),
        ("::1", None),
        ("fe80::1%eth0", None),
        ("example.com", None),
    ],
)
def test_only_an_address_that_a_client_could_call_is_told(text: str, told: str | None) -> None:
    assert told_address(text) == (None if told is None else ip_address(told))


def test_what_is_wrong_with_an_address_is_said() -> None:
    assert address_problem("0.0.0.0") == (  # noqa: S104  # nothing binds here
        "0.0.0.0 is no address that a client could call; name the one that leads here"
    )
    assert "begins with 96 zero bits" in str(address_problem("::1"))
    assert "such as 192.0.2.7" in str(address_problem("example.com"))

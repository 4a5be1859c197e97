"""The client's address: only trusted hops are believed, and every address has one spelling."""

from ipaddress import ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idnode.frontends.client_address import (
    ANSWERS_REMEMBERED_MAX,
    FORWARDED_BYTES_REMEMBERED_MAX,
    HOPS_MAX,
    ClientAddress,
    Setting,
)

TRUSTED = tuple(ip_network(text) for text in ("10.0.0.0/8", "192.0.2.1/32", "fd00::/8"))


def forwarding(setting: Setting = "x-forwarded-for") -> ClientAddress:
    return ClientAddress(setting, TRUSTED)


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.7", b"203.0.113.7", "203.0.113.7"),
        ("203.0.113.9", b"203.0.113.7", "203.0.113.9"),
        ("10.0.0.7", None, "10.0.0.7"),
        ("10.0.0.7", b"", "10.0.0.7"),
        ("10.0.0.7", b"198.51.100.1, 203.0.113.7, 192.0.2.1", "203.0.113.7"),
        ("10.0.0.7", b"198.51.100.1,203.0.113.7,10.1.1.1,\t192.0.2.1 ", "203.0.113.7"),
        ("10.0.0.7", b"10.0.0.8, 10.0.0.9", "10.0.0.8"),
        ("10.0.0.7", b"203.0.113.7, junk, 10.0.0.9", "10.0.0.9"),
        ("10.0.0.7", b"203.0.113.7, junk", "10.0.0.7"),
        ("10.0.0.7", b"203.0.113.7, unknown, 10.0.0.9", "10.0.0.9"),
        ("10.0.0.7", b"203.0.113.7,, 10.0.0.9", "10.0.0.9"),
        ("10.0.0.7", b", 203.0.113.7", "203.0.113.7"),
        ("10.0.0.7", b"203.0.113.7:4711", "203.0.113.7"),
        ("10.0.0.7", b"203.0.113.7:", "10.0.0.7"),
        ("10.0.0.7", b"203.0.113.7:port", "10.0.0.7"),
        ("10.0.0.7", b"203.0.113.7:4711:1", "10.0.0.7"),
        ("10.0.0.7", b"2001:DB8::0:1", "2001:db8::1"),
        ("10.0.0.7", b"[2001:db8::1]", "2001:db8::1"),
        ("10.0.0.7", b"[2001:db8::1]:4711", "2001:db8::1"),
        ("10.0.0.7", b"[2001:db8::1]4711", "10.0.0.7"),
        ("10.0.0.7", b"[2001:db8::1]:", "10.0.0.7"),
        ("10.0.0.7", b"[2001:db8::1", "10.0.0.7"),
        ("10.0.0.7", b"[203.0.113.7]", "10.0.0.7"),
        ("10.0.0.7", b"2001:db8::1]:4711", "10.0.0.7"),
        ("10.0.0.7", b"::ffff:203.0.113.7", "203.0.113.7"),
        ("10.0.0.7", b"203.0.113.7, ::ffff:10.0.0.9", "203.0.113.7"),
        ("10.0.0.7", b"203.0.113.7, fd00::9", "203.0.113.7"),
        ("::ffff:10.0.0.7", b"203.0.113.7", "203.0.113.7"),
        ("fd00::7", b"203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.9", b"203.0.113.7", "203.0.113.9"),
        ("fe80::1%eth0", b"203.0.113.7", "fe80::1"),
        ("", b"203.0.113.7", ""),
        ("10.0.0.7", b'"203.0.113.7"', "10.0.0.7"),
        ("10.0.0.7", b"3405803783", "10.0.0.7"),
        ("10.0.0.7", b"\xb2.0.113.7", "10.0.0.7"),
        ("10.0.0.7", b"203.0.113.07", "10.0.0.7"),
        ("10.0.0.7", b"203.0.113.7, " + b"10.0.0.8, " * (HOPS_MAX - 2) + b"10.0.0.9", "203.0.113.7"),
        ("10.0.0.7", b"203.0.113.7, " + b"10.0.0.8, " * HOPS_MAX + b"10.0.0.9", "10.0.0.8"),
    ],
)
def test_the_list_is_walked_from_the_right_as_long_as_the_hop_is_trusted(
    peer: str, forwarded: bytes | None, client: str
) -> None:
    address = forwarding()

    assert address.of(peer, forwarded) == client
    assert address.of(peer, forwarded) == client


@pytest.mark.parametrize("setting", ["connection", "proxy-protocol"])
def test_a_list_that_is_not_asked_for_is_not_read(setting: Setting) -> None:
    assert forwarding(setting).of("10.0.0.7", b"203.0.113.7") == "10.0.0.7"
    assert forwarding(setting).of("::ffff:10.0.0.7", b"203.0.113.7") == "10.0.0.7"


def test_without_trusted_proxies_the_list_is_anybodys() -> None:
    assert ClientAddress("x-forwarded-for", ()).of("10.0.0.7", b"203.0.113.7") == "10.0.0.7"


def test_a_proxy_header_is_expected_of_trusted_peers_and_where_it_is_set() -> None:
    address = forwarding("proxy-protocol")

    assert [address.speaks_proxy_protocol(peer) for peer in ("10.0.0.7", "::ffff:10.0.0.7", "fd00::1")] == [True] * 3
    assert [address.speaks_proxy_protocol(peer) for peer in ("203.0.113.7", "", "::1")] == [False] * 3
    assert not forwarding("x-forwarded-for").speaks_proxy_protocol("10.0.0.7")
    assert not forwarding("connection").speaks_proxy_protocol("10.0.0.7")


def test_more_clients_than_are_remembered_are_told_apart() -> None:
    address = forwarding()
    texts = [f"198.51.{number >> 8}.{number & 255}" for number in range(ANSWERS_REMEMBERED_MAX + 2)]
    for _ in range(2):
        assert [address.of("10.0.0.7", text.encode()) for text in texts] == texts


def test_who_is_asked_through_another_peer_is_worked_out_anew() -> None:
    address = forwarding()

    assert address.of("10.0.0.7", b"203.0.113.7") == "203.0.113.7"
    assert address.of("203.0.113.9", b"203.0.113.7") == "203.0.113.9"


def test_what_is_remembered_has_a_bound() -> None:
    address = forwarding()
    address.of("10.0.0.7", b"203.0.113.7" + b" " * FORWARDED_BYTES_REMEMBERED_MAX)
    assert address.remembered == 0

    for number in range(ANSWERS_REMEMBERED_MAX):
        address.of("10.0.0.7", b"2001:db8::%x" % number)
    assert address.remembered == ANSWERS_REMEMBERED_MAX

    address.of("10.0.0.7", b"203.0.113.7")

    assert address.remembered == 1


@settings(max_examples=300, derandomize=True)
@given(
    st.lists(
        st.sampled_from([b"10.0.0.8", b"203.0.113.7", b"[::1]:1", b"fd00::1", b"x", b" "]) | st.binary(max_size=9),
        max_size=6,
    )
)
def test_nothing_left_of_an_untrusted_hop_matters(entries: list[bytes]) -> None:
    forwarded = b",".join([*entries, b"198.51.100.1", b"10.0.0.9"])

    assert forwarding().of("10.0.0.7", forwarded) == "198.51.100.1"

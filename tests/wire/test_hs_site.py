"""HS_SITE: a site with attribute, keys and interfaces in bytes and in the shape of siteinfo.json."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest

from idnode.model.errors import InvalidInput
from idnode.wire.cursor import MalformedMessage
from idnode.wire.json_reader import JsonReader
from idnode.wire.typed_values.hs_site import (
    HashOption,
    HsSite,
    InterfaceProtocol,
    InterfaceUse,
    SiteAttribute,
    SiteInterface,
    SiteServer,
)

KEY = bytes.fromhex("0000000b 5253415f5055425f4b4559 0000 00000003 010001 00000005 00c5a1b2c3 00000000")
GOLDEN = bytes.fromhex(
    "0001 02 0b 0001 80 02 00000000"  # format 1, protocol 2.11, serial 1, primary, whole handle, no filter
    "00000001 00000004 64657363 00000004 74657374"  # desc: test
    "00000001"
    "00000001 000000000000000000000000 7f000001 00000000"  # server 1, 127.0.0.1, no key
    "00000002 02 01 00000a51  03 02 00001f40"  # query by TCP 2641, both by HTTP 8000
)
SITE = HsSite(
    attributes=(SiteAttribute("desc", "test"),),
    servers=(
        SiteServer(
            id=1,
            address=IPv4Address("127.0.0.1"),
            public_key=b"",
            interfaces=(
                SiteInterface(InterfaceUse.QUERY, InterfaceProtocol.TCP, 2641),
                SiteInterface(InterfaceUse.ADMIN | InterfaceUse.QUERY, InterfaceProtocol.HTTP, 8000),
            ),
        ),
    ),
)
DOCUMENT: dict[str, object] = {
    "version": 1,
    "protocolVersion": "2.11",
    "serialNumber": 1,
    "primarySite": True,
    "multiPrimary": False,
    "attributes": [{"name": "desc", "value": "test"}],
    "servers": [
        {
            "serverId": 1,
            "address": "127.0.0.1",
            "interfaces": [
                {"query": True, "admin": False, "protocol": "TCP", "port": 2641},
                {"query": True, "admin": True, "protocol": "HTTP", "port": 8000},
            ],
        }
    ],
}


def site_with(server: SiteServer) -> HsSite:
    return HsSite(servers=(server,))


def faults_of(document: object) -> list[tuple[str, str]]:
    reader = JsonReader(document)
    HsSite.from_json(reader)
    with pytest.raises(InvalidInput) as caught:
        reader.raise_refusals()
    return [(violation.pointer, violation.rule) for violation in caught.value.violations]


def test_a_site_is_read_and_written() -> None:
    assert HsSite.decode(GOLDEN) == SITE
    assert SITE.encode() == GOLDEN


def test_a_site_has_the_shape_of_siteinfo_json() -> None:
    assert SITE.to_json() == DOCUMENT
    assert HsSite.from_json(JsonReader(DOCUMENT)) == SITE


def test_an_ipv6_address_fills_the_sixteen_bytes() -> None:
    site = site_with(SiteServer(7, IPv6Address("2001:db8::1"), b"", ()))

    assert site.encode().hex().endswith("00000007 20010db8000000000000000000000001 00000000 00000000".replace(" ", ""))
    assert HsSite.decode(site.encode()) == site
    assert HsSite.from_json(JsonReader(site.to_json())) == site


def test_multi_primary_hash_option_and_filter_survive() -> None:
    site = replace(
        SITE, is_primary=False, is_multi_primary=True, hash_option=HashOption.SUFFIX, hash_filter="f", serial=65_535
    )

    assert site.encode()[:13].hex() == "0001020bffff40010000000166"
    assert HsSite.decode(site.encode()) == site
    assert site.to_json() == DOCUMENT | {
        "primarySite": False,
        "multiPrimary": True,
        "serialNumber": 65_535,
        "hashOption": 1,
        "hashFilter": "f",
    }
    assert HsSite.from_json(JsonReader(site.to_json())) == site


@pytest.mark.parametrize(
    ("public_key", "document"),
    [
        (KEY, {"format": "key", "value": {"kty": "RSA", "e": "AQAB", "n": "xaGyww"}}),
        (KEY[:-4], {"format": "base64", "value": "AAAAC1JTQV9QVUJfS0VZAAAAAAADAQABAAAABQDFobLD"}),
    ],
)
def test_a_servers_key_is_a_json_web_key_or_its_bytes(public_key: bytes, document: dict[str, object]) -> None:
    site = site_with(SiteServer(1, IPv4Address("192.0.2.1"), public_key, ()))

    assert site.to_json() == {
        **{name: DOCUMENT[name] for name in DOCUMENT if name not in ("attributes", "servers")},
        "attributes": [],
        "servers": [{"serverId": 1, "address": "192.0.2.1", "publicKey": document, "interfaces": []}],
    }
    assert HsSite.from_json(JsonReader(site.to_json())) == site


def test_bytes_after_the_last_server_are_an_error() -> None:
    with pytest.raises(MalformedMessage, match=r"^1 bytes left over at byte 76$"):
        HsSite.decode(GOLDEN + b"\0")


@pytest.mark.parametrize(
    ("offset", "octet", "message"),
    [
        (1, 2, "site format 2, known is 1 at byte 0"),
        (7, 3, "hash option 3, known are 0 to 2 at byte 7"),
        (64, 0, "interface type 0, known are 1 to 3 at byte 64"),
        (64, 4, "interface type 4, known are 1 to 3 at byte 64"),
        (65, 4, "interface protocol 4, known are 0 to 3 at byte 65"),
        (67, 1, "port 68177, the limit is 65535 at byte 66"),
    ],
)
def test_what_the_layout_does_not_know_is_refused_at_its_byte(offset: int, octet: int, message: str) -> None:
    data = bytearray(GOLDEN)
    data[offset] = octet

    with pytest.raises(MalformedMessage, match=f"^{message}$"):
        HsSite.decode(bytes(data))


def test_an_attribute_with_a_control_character_has_no_json() -> None:
    assert replace(SITE, attributes=(SiteAttribute("desc", "two\nlines"),)).to_json() is None


def test_an_ipv6_address_that_would_come_back_as_ipv4_is_refused() -> None:
    server = {"serverId": 1, "address": "::1", "interfaces": []}

    assert faults_of(DOCUMENT | {"servers": [server]}) == [("/servers/0/address", "ip-address")]


def test_every_fault_of_the_json_is_named() -> None:
    server = {
        "serverId": -1,
        "address": "localhost",
        "publicKey": {"format": "pem", "value": ""},
        "interfaces": [{"query": False, "admin": False, "protocol": "tcp", "port": 0}],
    }
    document = {"version": 2, "protocolVersion": "2.256", "serialNumber": 65_536, "primarySite": 1, "servers": [server]}

    assert faults_of(document) == [
        ("/version", "range"),
        ("/servers/0/serverId", "range"),
        ("/servers/0/address", "ip-address"),
        ("/servers/0/publicKey/format", "one-of"),
        ("/servers/0/interfaces/0/protocol", "one-of"),
        ("/servers/0/interfaces/0/port", "range"),
        ("/servers/0/interfaces/0", "interface-use"),
        ("/protocolVersion", "range"),
        ("/serialNumber", "range"),
        ("/primarySite", "boolean"),
    ]

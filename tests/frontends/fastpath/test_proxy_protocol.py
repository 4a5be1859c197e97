"""PROXY headers: golden bytes of both versions, any split, and what is none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idnode.frontends.fastpath.proxy_protocol import (
    V1_BYTES_MAX,
    V2_BEGINNING,
    V2_REST_BYTES_MAX,
    MalformedProxyHeader,
    Opened,
    ProxyHeader,
)

REST = b"GET / HTTP/1.1\r\n\r\n"
SIGNATURE = "0d0a0d0a 000d0a51 5549540a"
V4 = "cb007107 0a000007 d431 1f40"
V6 = "20010db8000000000000000000000001 fd000000000000000000000000000007 d431 1f40"
TLVS = "03 0004 a5a5a5a5  01 0002 6832"


def v2(command: str, family: str, size: int, addresses: str) -> bytes:
    return bytes.fromhex(f"{SIGNATURE} {command} {family} {size:04x} {addresses}")


HEADERS = {
    "version 1, IPv4": (b"PROXY TCP4 203.0.113.7 10.0.0.7 54321 8000\r\n", "203.0.113.7"),
    "version 1, highest": (b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255"),
    "version 1, IPv6": (b"PROXY TCP6 2001:DB8:0:0::1 fd00::7 54321 8000\r\n", "2001:db8::1"),
    "version 1, IPv4 in IPv6": (b"PROXY TCP6 ::ffff:203.0.113.7 ::1 1 0\r\n", "203.0.113.7"),
    "version 1, unknown": (b"PROXY UNKNOWN\r\n", None),
    "version 1, unknown and more": (b"PROXY UNKNOWN ffff::1 whatever 1 2\r\n", None),
    "version 1, the longest": (b"PROXY UNKNOWN " + b"f" * (V1_BYTES_MAX - 16) + b"\r\n", None),
    "version 2, IPv4": (v2("21", "11", 12, V4), "203.0.113.7"),
    "version 2, IPv4 and TLVs": (v2("21", "11", 24, V4 + TLVS), "203.0.113.7"),
    "version 2, IPv4 over UDP": (v2("21", "12", 12, V4), "203.0.113.7"),
    "version 2, IPv6": (v2("21", "21", 36, V6), "2001:db8::1"),
    "version 2, IPv6 and TLVs": (v2("21", "21", 48, V6 + TLVS), "2001:db8::1"),
    "version 2, IPv4 in IPv6": (v2("21", "21", 36, "00000000000000000000ffffcb007107" + V6[32:]), "203.0.113.7"),
    "version 2, Unix": (v2("21", "31", 216, "2f" * 216), None),
    "version 2, unspecified": (v2("21", "00", 0, ""), None),
    "version 2, unspecified and TLVs": (v2("21", "00", 12, TLVS), None),
    "version 2, local": (v2("20", "00", 0, ""), None),
    "version 2, local with addresses": (v2("20", "11", 12, V4), None),
    "version 2, local with anything": (v2("20", "ff", 3, "ffffff"), None),
    "version 2, the longest": (v2("21", "11", 2_048, V4 + "00" * 2_036), "203.0.113.7"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_says_who_the_client_is_however_it_is_split(name: str) -> None:
    header, address = HEADERS[name]
    places = range(min(len(header), 300))
    for place in places:
        reading = ProxyHeader()

        assert reading.feed(header[:place]) is None
        assert reading.feed(header[place:] + REST) == Opened(address, REST)
    assert ProxyHeader().feed(header) == Opened(address, b"")


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_is_read_byte_by_byte(name: str) -> None:
    header, address = HEADERS[name]
    reading = ProxyHeader()
    *before, last = [reading.feed(bytes([byte])) for byte in header]

    assert (set(before), last) == ({None}, Opened(address, b""))


@pytest.mark.parametrize(
    "junk",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"PROXIES",
        b"proxy TCP4 203.0.113.7 10.0.0.7 1 2\r\n",
        b"\r\n\r\nGET",
        V2_BEGINNING[:-1] + b"\r",
        b"PROXY \r\n",
        b"PROXY TCP4\r\n",
        b"PROXY TCP4 203.0.113.7 10.0.0.7 1\r\n",
        b"PROXY TCP4 203.0.113.7 10.0.0.7 1 2 \r\n",
        b"PROXY TCP4 203.0.113.7 10.0.0.7 1 2\n\r\n",
        b"PROXY  TCP4 203.0.113.7 10.0.0.7 1 2\r\n",
        b"PROXY TCP4 203.0.113.7  10.0.0.7 1 2\r\n",
        b"PROXY TCP5 203.0.113.7 10.0.0.7 1 2\r\n",
        b"PROXY UDP4 203.0.113.7 10.0.0.7 1 2\r\n",
        b"PROXY TCP4 203.0.113.256 10.0.0.7 1 2\r\n",
        b"PROXY TCP4 203.0.113.07 10.0.0.7 1 2\r\n",
        b"PROXY TCP4 203.0.113 10.0.0.7 1 2\r\n",
        b"PROXY TCP4 2001:db8::1 fd00::7 1 2\r\n",
        b"PROXY TCP6 203.0.113.7 10.0.0.7 1 2\r\n",
        b"PROXY TCP6 fe80::1%eth0 fd00::7 1 2\r\n",
        b"PROXY TCP6 2001:db8::1 junk 1 2\r\n",
        b"PROXY TCP4 203.0.113.7 10.0.0.7 65536 2\r\n",
        b"PROXY TCP4 203.0.113.7 10.0.0.7 1 99999\r\n",
        b"PROXY TCP4 203.0.113.7 10.0.0.7 01 2\r\n",
        b"PROXY TCP4 203.0.113.7 10.0.0.7 -1 2\r\n",
        b"PROXY UNKNOWNS\r\n",
        b"PROXY UNKNOWN " + b"f" * (V1_BYTES_MAX - 15) + b"\r\n",
        b"PROXY " + b"f" * V1_BYTES_MAX,
        v2("11", "11", 12, V4),
        v2("22", "11", 12, V4),
        v2("31", "11", 12, V4),
        v2("21", "10", 12, V4),
        v2("21", "41", 12, V4),
        v2("21", "11", 11, V4),
        v2("21", "21", 35, V6),
        v2("21", "31", 12, V4),
        v2("21", "11", 2_049, ""),
    ],
    ids=repr,
)
def test_what_is_no_header_is_refused_however_it_is_split(junk: bytes) -> None:
    with pytest.raises(MalformedProxyHeader):
        ProxyHeader().feed(junk)
    with pytest.raises(MalformedProxyHeader):
        reading = ProxyHeader()
        assert [reading.feed(bytes([byte])) for byte in junk] == []


def test_a_refusal_names_the_measure_and_the_limit() -> None:
    with pytest.raises(MalformedProxyHeader, match=r"announces 65535 bytes, the limit is 2048"):
        ProxyHeader().feed(v2("21", "11", 65_535, ""))
    with pytest.raises(MalformedProxyHeader, match=r"no end of line in 107 bytes"):
        ProxyHeader().feed(b"PROXY " + b" " * 101)
    with pytest.raises(MalformedProxyHeader, match=r"addresses have 11 bytes, not 12"):
        ProxyHeader().feed(v2("21", "11", 11, V4))


@settings(max_examples=300, derandomize=True)
@given(
    st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", V2_BEGINNING, V2_BEGINNING + b"\x21\x11"]), st.binary(max_size=60)
)
def test_random_bytes_are_read_refused_or_waited_for(beginning: bytes, data: bytes) -> None:
    try:
        opened = ProxyHeader().feed(beginning + data)
    except MalformedProxyHeader:
        return

    assert opened is None or (beginning + data).endswith(opened.rest)
    assert opened is not None or len(beginning + data) < 16 + V2_REST_BYTES_MAX

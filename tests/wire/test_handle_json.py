"""Handle values as REST JSON: the sheet's example, the format of the data, and back from the store to the byte."""

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idnode.model.errors import MalformedInput
from idnode.model.handle_value import HandleValue, Permission, Reference, TimeToLive
from idnode.wire.handle_json import data_to_json, permissions_of, permissions_text, value_to_json, values_to_json
from idnode.wire.handle_json_reading import values_from_stored

MOMENT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
URL = HandleValue(index=1, type="URL", data=b"https://example.com/item/1", timestamp=MOMENT)
ADMIN = bytes.fromhex("0fff 00000010 302e4e412f38382e3130302e31323334 000000c8")

moments = st.datetimes(datetime(1970, 1, 1), datetime(2106, 2, 7)).map(lambda m: m.replace(microsecond=0, tzinfo=UTC))  # noqa: DTZ001
types = st.sampled_from(["URL", "hs_admin", "HS_ADMIN", "HS_VLIST", "HS_PUBKEY", "HS_SITE", "名称"])
starts = st.sampled_from([b"", ADMIN, ADMIN + bytes(2), bytes(4), bytes.fromhex("0000000b5253415f5055425f4b45590000")])
values = st.builds(
    HandleValue,
    index=st.integers(1, 2**31 - 1),
    type=types,
    data=st.binary(max_size=40) | st.text(max_size=20).map(str.encode) | st.builds(bytes.__add__, starts, st.binary()),
    timestamp=moments,
    ttl=st.builds(TimeToLive, st.integers(0, 2**32 - 1), st.booleans()),
    permissions=st.integers(0, 15).map(Permission),
    references=st.lists(st.builds(Reference, st.text(max_size=9), st.integers(0, 2**32 - 1)), max_size=3).map(tuple),
)


def test_the_value_of_the_sheet() -> None:
    assert values_to_json([URL]) == (
        b'[{"index":1,"type":"URL","data":{"format":"string","value":"https://example.com/item/1"},'
        b'"ttl":86400,"timestamp":"2023-11-14T22:13:20Z"}]'
    )


def test_permissions_references_and_an_absolute_ttl_stand_there_when_they_are_not_the_usual_ones() -> None:
    value = HandleValue(
        index=8,
        type="URL",
        data=b"",
        timestamp=MOMENT,
        ttl=TimeToLive(0x77359400, is_absolute=True),
        permissions=Permission.ADMIN_READ | Permission.ADMIN_WRITE,
        references=(Reference("88.100.1234/PRODUCT-1", 1), Reference("0.NA/88.100.1234", 300)),
    )

    assert orjson.dumps(value_to_json(value)) == (
        b'{"index":8,"type":"URL","data":{"format":"string","value":""},"ttl":"2033-05-18T03:33:20Z",'
        b'"permissions":"1100","timestamp":"2023-11-14T22:13:20Z","references":['
        b'{"handle":"88.100.1234/PRODUCT-1","index":1},{"handle":"0.NA/88.100.1234","index":300}]}'
    )


@pytest.mark.parametrize(
    ("value_type", "data", "document"),
    [
        ("URL", "标识".encode(), {"format": "string", "value": "标识"}),
        ("URL", b"\xff\xfe", {"format": "base64", "value": "//4="}),
        ("URL", b"two\nlines", {"format": "base64", "value": "dHdvCmxpbmVz"}),
        ("URL", b"\xc2\x85", {"format": "base64", "value": "woU="}),
        ("URL", "a\u202eb".encode(), {"format": "base64", "value": "YeKArmI="}),
        ("URL", "a\u200db".encode(), {"format": "string", "value": "a\u200db"}),
        ("HS_VLIST", bytes(4), {"format": "vlist", "value": []}),
        ("HS_ADMIN", b"not an administrator", {"format": "string", "value": "not an administrator"}),
        ("HS_ADMIN", ADMIN[:-1], {"format": "base64", "value": "D/8AAAAQMC5OQS84OC4xMDAuMTIzNAAAAA=="}),
        ("HS_SITE", bytes(4), {"format": "base64", "value": "AAAAAA=="}),
    ],
)
def test_data_are_a_string_where_they_can_be_shown_and_base64_elsewhere(
    value_type: str, data: bytes, document: dict[str, object]
) -> None:
    assert data_to_json(value_type, data) == document


@pytest.mark.parametrize("value_type", ["HS_ADMIN", "hs_admin"])
def test_an_administrator_is_shown_as_such(value_type: str) -> None:
    administrator = {"handle": "0.NA/88.100.1234", "index": 200, "permissions": "111111111111"}

    assert data_to_json(value_type, ADMIN) == {"format": "admin", "value": administrator}
    assert data_to_json(value_type, ADMIN + bytes(2)) == {
        "format": "admin",
        "value": administrator | {"legacyByteLength": True},
    }


def test_permissions_are_admin_read_admin_write_public_read_public_write() -> None:
    assert permissions_text(Permission.ADMIN_READ | Permission.PUBLIC_WRITE) == "1001"
    assert permissions_of("0110") == Permission.ADMIN_WRITE | Permission.PUBLIC_READ


@pytest.mark.parametrize("text", ["", "111", "2110", "11100", "１１１０"])
def test_other_permissions_are_malformed(text: str) -> None:
    with pytest.raises(MalformedInput, match="four binary digits"):
        permissions_of(text)


@given(st.lists(values, max_size=4))
def test_what_is_stored_comes_back_to_the_byte(stored: list[HandleValue]) -> None:
    assert values_from_stored(orjson.loads(values_to_json(stored))) == tuple(stored)

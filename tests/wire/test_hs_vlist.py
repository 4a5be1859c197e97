"""HS_VLIST: a group of administrators in bytes and as format `vlist`."""

import pytest

from idnode.model.errors import InvalidInput
from idnode.model.handle_value import Reference
from idnode.wire.cursor import MalformedMessage
from idnode.wire.json_reader import JsonReader
from idnode.wire.typed_values.hs_vlist import HsVlist

GOLDEN = bytes.fromhex(
    "00000002"
    "00000010 302e4e412f38382e3130302e31323334 0000012c"  # 0.NA/88.100.1234, 300
    "0000000d 38382e3130302e313233342f61 00000000"  # 88.100.1234/a, any
)
GROUP = HsVlist((Reference("0.NA/88.100.1234", 300), Reference("88.100.1234/a", 0)))


def test_a_group_is_read_and_written() -> None:
    assert HsVlist.decode(GOLDEN) == GROUP
    assert GROUP.encode() == GOLDEN


def test_an_empty_group_is_four_zero_bytes() -> None:
    assert HsVlist.decode(bytes(4)) == HsVlist(())
    assert HsVlist(()).to_json() == []


def test_a_group_stands_in_json_as_a_list() -> None:
    document = [{"handle": "0.NA/88.100.1234", "index": 300}, {"handle": "88.100.1234/a", "index": 0}]

    assert GROUP.to_json() == document
    assert HsVlist.from_json(JsonReader(document)) == GROUP


def test_a_handle_with_a_control_character_has_no_json() -> None:
    assert HsVlist((Reference("88.100.1234/\0", 1),)).to_json() is None


def test_a_count_that_the_bytes_cannot_hold_is_refused() -> None:
    with pytest.raises(MalformedMessage, match=r"^need 16 bytes, have 8 at byte 4$"):
        HsVlist.decode(bytes.fromhex("00000002 0000000000000000"))


def test_bytes_after_the_last_member_are_refused() -> None:
    with pytest.raises(MalformedMessage, match=r"^1 bytes left over at byte 49$"):
        HsVlist.decode(GOLDEN + b"\0")


def test_a_list_that_is_too_long_is_refused_before_it_is_read() -> None:
    reader = JsonReader([None] * 8_193)
    HsVlist.from_json(reader)

    with pytest.raises(InvalidInput, match="8193 items, the limit is 8192"):
        reader.raise_refusals()

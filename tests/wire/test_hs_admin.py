"""HS_ADMIN: the bytes of the sheet, the two bytes of old writers, and format `admin`."""

import pytest

from idnode.model.errors import InvalidInput
from idnode.wire.cursor import MalformedMessage
from idnode.wire.json_reader import JsonReader
from idnode.wire.typed_values.hs_admin import ADMIN_PERMISSIONS_ALL, AdminPermission, HsAdmin

GOLDEN = bytes.fromhex("0fff 00000010 302e4e412f38382e3130302e31323334 000000c8")
"""handle-protocol.md §1.10: value 100 of the resolution reply."""


def test_the_administrator_of_the_sheet_is_read_and_written() -> None:
    admin = HsAdmin.decode(GOLDEN)

    assert admin == HsAdmin(ADMIN_PERMISSIONS_ALL, "0.NA/88.100.1234", 200)
    assert admin.encode() == GOLDEN


def test_the_two_zero_bytes_of_old_writers_are_kept() -> None:
    admin = HsAdmin.decode(GOLDEN + bytes(2))

    assert admin == HsAdmin(ADMIN_PERMISSIONS_ALL, "0.NA/88.100.1234", 200, has_legacy_length=True)
    assert admin.encode() == GOLDEN + bytes(2)


@pytest.mark.parametrize("leftover", ["00", "0001", "000000", "00000000"])
def test_other_leftovers_are_refused(leftover: str) -> None:
    with pytest.raises(MalformedMessage, match="left over at byte 26"):
        HsAdmin.decode(GOLDEN + bytes.fromhex(leftover))


def test_permissions_are_twelve_digits_from_list_handles_to_add_handle() -> None:
    admin = HsAdmin(AdminPermission.LIST_HANDLES | AdminPermission.ADD_VALUE, "0.NA/88.100.1234", 300)

    assert admin.to_json() == {"handle": "0.NA/88.100.1234", "index": 300, "permissions": "100001000000"}
    assert admin.encode()[:2].hex() == "0840"


def test_the_legacy_length_is_a_member_of_its_own() -> None:
    admin = HsAdmin(AdminPermission.ADD_HANDLE, "88.100.1234/1", 0, has_legacy_length=True)
    document = {"handle": "88.100.1234/1", "index": 0, "permissions": "000000000001", "legacyByteLength": True}

    assert admin.to_json() == document
    assert HsAdmin.from_json(JsonReader(document)) == admin


@pytest.mark.parametrize("data", ["1000 00000001 61 00000001", "0001 00000000 00000001", "0001 00000001 61 ffffffff"])
def test_what_json_could_not_give_back_has_no_json(data: str) -> None:
    assert HsAdmin.decode(bytes.fromhex(data)).to_json() is None


def test_pyhandle_sends_the_index_of_its_default_administrator_as_text() -> None:
    document = {"index": "200", "handle": "0.NA/88.100.1234", "permissions": "011111110011"}

    assert HsAdmin.from_json(JsonReader(document)) == HsAdmin(AdminPermission(0x07F3), "0.NA/88.100.1234", 200)


def test_every_fault_of_the_json_is_named() -> None:
    reader = JsonReader({"index": "2147483648", "handle": "", "permissions": "1110", "role": 1}, "/data/value")
    HsAdmin.from_json(reader)

    with pytest.raises(InvalidInput) as caught:
        reader.raise_refusals()
    assert [(v.pointer, v.rule) for v in caught.value.violations] == [
        ("/data/value/role", "known-member"),
        ("/data/value/permissions", "pattern"),
        ("/data/value/handle", "not-empty"),
        ("/data/value/index", "range"),
    ]

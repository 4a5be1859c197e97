"""The cursor: whole fields or an error that names the byte; what the writer writes, the reader reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idnode.model.errors import MalformedInput
from idnode.wire.cursor import MalformedMessage, Reader, Writer


def test_fields_are_read_in_order_and_nothing_is_left() -> None:
    reader = Reader(bytes.fromhex("80 fffe 80000001 00000003 55524c 00000002 0a0b 0c"))

    assert reader.int1() == 128
    assert reader.int2() == 65_534
    assert reader.int4() == 2_147_483_649
    assert reader.text(bytes_max=3) == "URL"
    assert reader.octets(bytes_max=2) == b"\x0a\x0b"
    assert (reader.offset, reader.remaining) == (20, 1)
    assert reader.take(1) == b"\x0c"
    reader.finish()


def test_a_signed_number_is_read_in_twos_complement() -> None:
    assert Reader(bytes.fromhex("fffffffe")).int4_signed() == -2


def test_a_short_field_says_where() -> None:
    reader = Reader(bytes.fromhex("00000005 6162"))

    with pytest.raises(MalformedMessage, match=r"^need 5 bytes, have 2 at byte 4$") as caught:
        reader.text(bytes_max=16)

    assert caught.value.offset == 4
    assert isinstance(caught.value, MalformedInput)


def test_a_short_number_says_where() -> None:
    with pytest.raises(MalformedMessage, match=r"^need 4 bytes, have 3 at byte 0$"):
        Reader(b"\0\0\0").int4()


def test_a_field_over_its_limit_is_refused_before_it_is_looked_for() -> None:
    with pytest.raises(MalformedMessage, match=r"^17 bytes, the limit is 16 at byte 0$"):
        Reader(bytes.fromhex("00000011")).octets(bytes_max=16)


def test_a_negative_size_does_not_read_backwards() -> None:
    reader = Reader(b"abcd")
    reader.take(2)

    with pytest.raises(MalformedMessage, match=r"^need -1 bytes, have 2 at byte 2$"):
        reader.take(-1)


def test_text_that_is_not_utf8_names_the_first_bad_byte() -> None:
    with pytest.raises(MalformedMessage, match=r"^not UTF-8 at byte 6$"):
        Reader(bytes.fromhex("00000004 6162ff63")).text(bytes_max=16)


def test_an_encoded_surrogate_is_not_utf8() -> None:
    with pytest.raises(MalformedMessage, match=r"^not UTF-8 at byte 4$"):
        Reader(bytes.fromhex("00000003 eda080")).text(bytes_max=16)


def test_a_count_is_held_against_its_limit_and_against_the_bytes_left() -> None:
    with pytest.raises(MalformedMessage, match=r"^4097 items, the limit is 4096 at byte 0$"):
        Reader(bytes.fromhex("00001001")).count(items_max=4_096, item_bytes_min=8)
    with pytest.raises(MalformedMessage, match=r"^need 16 bytes, have 8 at byte 4$"):
        Reader(bytes.fromhex("00000002 0000000000000000")).count(items_max=4_096, item_bytes_min=8)


def test_leftovers_are_refused() -> None:
    reader = Reader(b"abc")
    reader.int1()

    with pytest.raises(MalformedMessage, match=r"^2 bytes left over at byte 1$"):
        reader.finish()


def test_padding_is_exactly_that_many_zero_bytes() -> None:
    Reader(bytes(2)).finish(padding_bytes=2)
    for data in (bytes(1), bytes(3), b"\0\1"):
        with pytest.raises(MalformedMessage, match=r"left over at byte 0$"):
            Reader(data).finish(padding_bytes=2)


def test_a_part_ends_where_it_should_and_counts_from_the_whole_message() -> None:
    reader = Reader(bytes.fromhex("ffff 0001 02 ee"), start=2)
    part = reader.part(3)

    assert part.int2() == 1
    with pytest.raises(MalformedMessage, match=r"^need 2 bytes, have 1 at byte 4$"):
        part.int2()
    assert reader.rest() == b"\xee"


def test_the_writer_writes_the_fields_of_the_sheet() -> None:
    writer = Writer().int1(2).int2(0xFFFF).int4(0x6B05D025).text("标识").octets(b"\0").raw(b"\xff")

    assert writer.written().hex() == "02ffff6b05d02500000006e6a087e8af860000000100ff"
    assert len(writer) == 23


def test_a_number_too_big_for_its_field_is_the_callers_mistake() -> None:
    with pytest.raises(OverflowError):
        Writer().int2(65_536)


@given(st.integers(0, 2**32 - 1), st.text(st.characters(exclude_categories=["Cs"])), st.binary())
def test_what_is_written_is_read(number: int, text: str, octets: bytes) -> None:
    reader = Reader(Writer().int4(number).text(text).octets(octets).written())

    assert reader.int4() == number
    assert reader.text(bytes_max=1_000_000) == text
    assert reader.octets(bytes_max=1_000_000) == octets
    reader.finish()

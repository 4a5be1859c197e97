"""gzip: members, damage, and files that hold more than they seem to."""

import gzip
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from uploads import CSV, NDJSON, rows_of, written

from idnode.model.errors import MalformedInput
from idnode.model.imports import ReadingOptions
from idnode.registry.imports.formats.unpacking import RATIO_FREE_BYTES, unpacked

PACKED = replace(NDJSON, is_gzip=True)
ROW = b'{"identifier":"88.118.8/A"}\n'


def test_rows_of_a_packed_file_are_read_whatever_the_format(tmp_path: Path) -> None:
    table = gzip.compress("标识,颜色\n88.118.8/A,红\n".encode("gbk"))

    assert [row.document for row in rows_of(tmp_path, gzip.compress(ROW * 2), PACKED)] == [
        {"identifier": "88.118.8/A"}
    ] * 2
    assert rows_of(tmp_path, table, replace(CSV, is_gzip=True))[0].document == {
        "identifier": "88.118.8/A",
        "attributes": {"colour": "红"},
    }


def test_members_follow_each_other_and_zeros_between_them_are_padding(tmp_path: Path) -> None:
    content = gzip.compress(ROW) + b"\0" * 512 + gzip.compress(b"") + gzip.compress(ROW) + b"\0"

    assert _unpacked(tmp_path, content) == ROW * 2


@pytest.mark.parametrize("cut", [1, 8, 9, 100])
def test_a_file_that_ends_too_early_says_after_which_byte(tmp_path: Path, cut: int) -> None:
    content = gzip.compress(bytes(range(256)) * 400)[:-cut]

    with pytest.raises(MalformedInput, match=f"ends too early, after byte {len(content)}"):
        _unpacked(tmp_path, content)


@pytest.mark.parametrize("content", [b"", b"identifier,colour\n", b"PK\x03\x04" + b"x" * 40])
def test_what_is_no_gzip_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(MalformedInput, match=r"no gzip|ends too early, after byte 0"):
        _unpacked(tmp_path, content)


def test_damage_and_rubbish_behind_a_member_are_refused(tmp_path: Path) -> None:
    whole = gzip.compress(ROW * 100)
    damaged = whole[:-5] + bytes([whole[-5] ^ 0xFF]) + whole[-4:]

    with pytest.raises(MalformedInput, match="damaged near byte"):
        _unpacked(tmp_path, damaged)
    with pytest.raises(MalformedInput, match="damaged near byte"):
        _unpacked(tmp_path, whole + b"rubbish")


def test_more_than_may_come_out_is_refused(tmp_path: Path) -> None:
    content = gzip.compress(ROW * 1_000)

    with pytest.raises(MalformedInput, match="more than 1000 bytes unpacked"):
        _unpacked(tmp_path, content, replace(PACKED, bytes_max=1_000))


def test_a_bomb_is_refused_before_it_has_gone_off(tmp_path: Path) -> None:
    packer = zlib.compressobj(wbits=31)
    megabyte = b"\0" * (1 << 20)
    content = b"".join(packer.compress(megabyte) for _ in range(100)) + packer.flush()
    path, taken = written(tmp_path, content), 0

    with pytest.raises(MalformedInput, match="over 200 for one"), unpacked(path, PACKED) as file:
        while piece := file.read(1 << 18):
            taken += len(piece)

    assert taken <= RATIO_FREE_BYTES


def _unpacked(directory: Path, content: bytes, options: ReadingOptions = PACKED) -> bytes:
    with unpacked(written(directory, content), options) as file:
        return file.read()

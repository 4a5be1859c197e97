"""Files of imports on the disk of the node."""

import os
from pathlib import Path
from uuid import UUID

import pytest

from idnode.registry.imports.spool import Spool, StorageFull

ONE, OTHER = UUID(int=1), UUID(int=2)


async def test_a_file_is_kept_as_it_came_with_its_hash_and_its_size(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "imports")
    receiving = spool.receive(ONE)
    await receiving.write(b"ab")
    await receiving.write(b"c" * 1_048_576)
    await receiving.finish()
    receiving.keep()
    await receiving.give_up()

    assert spool.upload(ONE).read_bytes() == b"ab" + b"c" * 1_048_576
    assert receiving.size == 1_048_578
    assert receiving.sha256.hex() == "042f20c412bc6a549370ba328a77b02511c898473f5cb7e5961c761eac775629"


async def test_a_file_of_which_there_is_no_import_goes(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    receiving = spool.receive(ONE)
    await receiving.write(b"abc")
    await receiving.finish()
    await receiving.give_up()

    assert spool.ids(older_than=1e12) == set()


async def test_a_disk_that_would_be_nearly_full_takes_no_more(tmp_path: Path) -> None:
    spool = Spool(tmp_path, free_bytes=lambda _: 536_870_914)
    receiving = spool.receive(ONE)
    await receiving.write(b"ab")
    await receiving.finish()
    await receiving.write(b"abc")

    with pytest.raises(StorageFull, match="536870914 bytes free, of which 536870912 stay free; 3 more do not fit"):
        await receiving.finish()
    await receiving.give_up()


def test_a_home_has_one_id_whoever_asks_first(tmp_path: Path) -> None:
    assert Spool(tmp_path).home_id(lambda: ONE) == ONE
    assert Spool(tmp_path).home_id(lambda: OTHER) == ONE
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_old_files_are_found_by_the_id_in_their_name_and_removed_together(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.home_id(lambda: ONE)
    for path, age in ((spool.upload(ONE), 100), (spool.lines(ONE), 100), (spool.upload(OTHER), 300)):
        path.write_bytes(b"")
        os.utime(path, (age, age))

    assert spool.ids(older_than=200) == {ONE}

    spool.remove(ONE)
    assert sorted(path.name for path in tmp_path.iterdir()) == [spool.upload(OTHER).name, "home"]
    assert Spool(tmp_path / "none").ids(older_than=200) == set()

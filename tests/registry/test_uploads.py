"""Uploaded files: what they are by their content, and what becomes of those that nobody names."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from snms_application import PICTURE

from idnode.lifecycle import new_id
from idnode.model.access import ApiKey, Role
from idnode.model.enterprise_application import FileKind, FileReference
from idnode.model.errors import InvalidInput, Unavailable
from idnode.registry.uploads import UploadRegistry, kind_of
from idnode.storage.database import Database
from idnode.storage.uploads import UploadDirectory, UploadStore

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
KEY = ApiKey(UUID(int=7), "weaver", Role.ENTERPRISE, (), "", BEGAN, None, None, None, None, 1)


@pytest.mark.parametrize(
    ("beginning", "kind"),
    [
        ("89504e470d0a1a0a", FileKind.PNG),
        ("ffd8ffe000104a464946", FileKind.JPEG),
        ("474946383961", FileKind.GIF),
        ("424d460000000000000036000000280000000200", FileKind.BMP),
        ("424d69747465207a6168c3a46c656e0000000000", None),
        ("255044462d312e37", FileKind.PDF),
        ("3c3f706870", None),
        ("", None),
    ],
)
def test_a_file_is_what_its_first_bytes_say(beginning: str, kind: FileKind | None) -> None:
    assert kind_of(bytes.fromhex(beginning)) is kind


async def test_a_file_that_no_application_names_is_removed_after_a_day(database: Database, tmp_path: Path) -> None:
    moment = [BEGAN]
    uploads = UploadRegistry(
        UploadStore(database), UploadDirectory(tmp_path / "files"), now=lambda: moment[0], new_id=new_id
    )
    old = await uploads.receive(_pieces(PICTURE), KEY)
    moment[0] += timedelta(days=1)
    kept = await uploads.forget_unused()
    moment[0] += timedelta(milliseconds=1)
    newer = await uploads.receive(_pieces(PICTURE[:20], PICTURE[20:]), KEY)

    assert kept == 0
    assert [path.name for path in (tmp_path / "files").iterdir()] == [newer.path]
    with pytest.raises(InvalidInput, match=f"entBasicInfo.orgCrtImgRid: 没有文件 {old.number}，请先上传"):
        await uploads.require_usable([FileReference("entBasicInfo.orgCrtImgRid", old.number, True)], KEY, new_id())
    await uploads.require_usable([FileReference("entBasicInfo.orgCrtImgRid", newer.number, True)], KEY, new_id())


async def test_what_cannot_be_written_leaves_no_row(database: Database, tmp_path: Path) -> None:
    (tmp_path / "files").write_text("a file where the directory should be")
    store = UploadStore(database)
    uploads = UploadRegistry(store, UploadDirectory(tmp_path / "files"), now=lambda: BEGAN, new_id=new_id)

    with pytest.raises(Unavailable, match="cannot write to"):
        await uploads.receive(_pieces(PICTURE), KEY)

    assert await store.find_many([1]) == {}


async def _pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece

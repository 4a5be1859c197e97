"""Files that come with applications: taken in, told by their content, given to one application, else forgotten."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from idnode.model.access import ApiKey, Role
from idnode.model.enterprise_application import FileKind, FileReference, UploadedFile
from idnode.model.errors import Conflict, InvalidInput, Unavailable, Violation
from idnode.storage.database import Session
from idnode.storage.uploads import UploadDirectory, UploadStore

IMAGE_BYTES_MAX = 1 << 20
PDF_BYTES_MAX = 5 << 20
UNUSED_FOR_MAX = timedelta(days=1)
"""A file that no application has named by then is removed."""
UPLOADS_AT_ONCE_MAX = 16
"""Of a worker: files are held in memory until they are whole."""
BEGINNING_BYTES = 26
"""Of a file, that tell what it is."""

_DIB_HEADER_BYTES = frozenset({12, 40, 52, 56, 64, 108, 124})


class UploadRegistry:
    """The files at the node."""

    def __init__(
        self,
        store: UploadStore,
        directory: UploadDirectory,
        *,
        now: Callable[[], datetime],
        new_id: Callable[[], UUID],
    ) -> None:
        self._store = store
        self._directory = directory
        self._now = now
        self._new_id = new_id
        self._under_way = 0

    async def receive(self, pieces: AsyncIterator[bytes], key: ApiKey) -> UploadedFile:
        """Keep a file. Raises InvalidInput for what is no image or PDF or too large, Unavailable, and as `pieces`.

        Nothing is kept of what is refused. Whoever uploads also sees off what lay unused.
        """
        if self._under_way >= UPLOADS_AT_ONCE_MAX:
            raise Unavailable(f"{UPLOADS_AT_ONCE_MAX} files are being uploaded at the moment; try again")
        self._under_way += 1
        try:
            kind, content = await _whole(pieces)
            await self.forget_unused()
            file = await self._store.insert(
                name=self._new_id(), kind=kind, size_bytes=len(content), uploaded_by=str(key.id), created=self._now()
            )
            try:
                await self._directory.write(file.path, content)
            except Unavailable:
                await self._store.forget(file.number)
                raise
        finally:
            self._under_way -= 1
        return file

    async def require_usable(
        self, references: Sequence[FileReference], key: ApiKey, application: UUID
    ) -> Mapping[int, UploadedFile]:
        """The files that an application names. Raises InvalidInput with every one that it may not."""
        found = await self._store.find_many([reference.number for reference in references])
        faults = []
        for reference in references:
            problem = _problem(reference, found.get(reference.number), key, application)
            if problem is not None:
                place = "/" + reference.member.replace(".", "/")
                faults.append(Violation(place, "file", problem, str(reference.number), item=reference.member))
        InvalidInput.refuse_any(faults)
        return found

    async def bind(self, session: Session, references: Sequence[FileReference], application: UUID) -> None:
        """Give them to the application for good. Raises Conflict when another one was faster."""
        numbers = {reference.number for reference in references}
        if numbers and not await self._store.bind(session, numbers, application):
            raise Conflict("文件已被其他企业关联，不能再次关联")

    async def of_application(self, application: UUID) -> list[UploadedFile]:
        """What an application has named."""
        return await self._store.of_application(application)

    async def forget_unused(self) -> int:
        """Remove files that nobody has named for UNUSED_FOR_MAX; how many."""
        forgotten = await self._store.forget_unused(self._now() - UNUSED_FOR_MAX)
        if forgotten:
            await self._directory.remove([file.path for file in forgotten])
        return len(forgotten)


def kind_of(beginning: bytes) -> FileKind | None:
    """What a file is, whatever it is called: by its first BEGINNING_BYTES."""
    if beginning.startswith(b"\x89PNG\r\n\x1a\n"):
        return FileKind.PNG
    if beginning.startswith(b"\xff\xd8\xff"):
        return FileKind.JPEG
    if beginning.startswith((b"GIF87a", b"GIF89a")):
        return FileKind.GIF
    if beginning.startswith(b"%PDF-"):
        return FileKind.PDF
    # Two letters say little: the size of the header that follows must be one there is.
    if beginning.startswith(b"BM") and int.from_bytes(beginning[14:18], "little") in _DIB_HEADER_BYTES:
        return FileKind.BMP
    return None


async def _whole(pieces: AsyncIterator[bytes]) -> tuple[FileKind, bytes]:
    content = bytearray()
    kind = None
    async for piece in pieces:
        content += piece
        if kind is None and len(content) >= BEGINNING_BYTES:
            kind = _known(bytes(content[:BEGINNING_BYTES]))
        if kind is not None:
            _require_size(kind, len(content))
    return kind or _known(bytes(content)), bytes(content)


def _known(beginning: bytes) -> FileKind:
    kind = kind_of(beginning)
    if kind is None:
        detail = "文件内容既不是图片（PNG、JPEG、GIF、BMP）也不是 PDF" if beginning else "文件为空"
        raise InvalidInput.of([Violation("/file", "file-kind", detail, beginning[:8].hex(), item="file")])
    return kind


def _require_size(kind: FileKind, size: int) -> None:
    limit = IMAGE_BYTES_MAX if kind.is_image else PDF_BYTES_MAX
    if size > limit:
        what = "图片" if kind.is_image else "PDF"
        detail = f"{what}超过 {limit} 字节的限制（{limit >> 20} MB）"
        raise InvalidInput.of([Violation("/file", "max-bytes", detail, limit=f"{limit} bytes", item="file")])


def _problem(reference: FileReference, file: UploadedFile | None, key: ApiKey, application: UUID) -> str | None:
    if file is None or (file.application is None and key.role is not Role.ADMIN and file.uploaded_by != str(key.id)):
        return f"没有文件 {reference.number}，请先上传"
    if file.application not in (None, application):
        return f"文件 {reference.number} 已被其他企业关联，不能再次关联"
    if reference.is_image and not file.kind.is_image:
        return f"文件 {reference.number} 必须是图片，实际是 {file.kind}"
    return None

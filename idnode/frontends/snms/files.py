"""Files in SNMS: POST /snms/api/file/upload, multipart/form-data with one part `file`."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import BodyPartReader, MultipartReader, web

from idnode.frontends.refusals import BodyTooSlow, MediaRefused
from idnode.frontends.snms.boundary import Reads, SnmsCall, SnmsRoute
from idnode.frontends.snms.envelope import SnmsRefusal, missing, ok
from idnode.model.enterprise_application import UploadedFile
from idnode.model.errors import MalformedInput, shown
from idnode.registry.uploads import UploadRegistry
from idnode.storage.idempotency import KeptAnswer

PART = "file"
PIECE_BYTES = 64 << 10
PARTS_MAX = 16
"""Other parts before the file are passed over, as long as they are few."""
OTHER_PART_BYTES_MAX = 64 << 10


class SnmsFiles:
    """The handler of the upload. A file has `seconds_max` to arrive."""

    def __init__(self, uploads: UploadRegistry, *, seconds_max: float) -> None:
        self._uploads = uploads
        self._seconds_max = seconds_max

    def rows(self) -> tuple[SnmsRoute, ...]:
        """The row of the route table."""
        return (
            SnmsRoute(
                "POST", "/snms/api/file/upload", "snms-file-upload", self.upload, reads=Reads.STREAM, is_write=True
            ),
        )

    async def upload(self, call: SnmsCall) -> KeptAnswer:
        """POST /snms/api/file/upload."""
        try:
            async with asyncio.timeout(self._seconds_max):
                part = await _file_part(call.request)
                file = await self._uploads.receive(_pieces(part), call.key)
        except TimeoutError as error:
            raise BodyTooSlow(f"{self._seconds_max:g} 秒内没有收完") from error
        except (ConnectionError, web.RequestPayloadError) as error:
            raise MalformedInput("请求体不完整") from error
        except ValueError as error:
            raise MalformedInput(f"不是有效的 multipart/form-data: {shown(str(error))}") from error
        return ok(_document(file))


async def _file_part(request: web.Request) -> BodyPartReader:
    """The part that holds the file. Raises MediaRefused, SnmsRefusal."""
    if request.content_type != "multipart/form-data":
        raise MediaRefused(f"{shown(request.content_type)}，请用 multipart/form-data")
    parts = await request.multipart()
    for _ in range(PARTS_MAX):
        part = await parts.next()
        if part is None:
            raise missing(PART)
        if isinstance(part, MultipartReader):
            raise SnmsRefusal("multipart 不能嵌套")
        if part.name == PART:
            return part
        await _pass_over(part)
    raise SnmsRefusal(f"前 {PARTS_MAX} 个部分中没有 {PART}")


async def _pass_over(part: BodyPartReader) -> None:
    size = 0
    async for piece in _pieces(part):
        size += len(piece)
        if size > OTHER_PART_BYTES_MAX:
            raise SnmsRefusal(f"{PART} 之前的部分超过 {OTHER_PART_BYTES_MAX} 字节")


async def _pieces(part: BodyPartReader) -> AsyncIterator[bytes]:
    while piece := await part.read_chunk(PIECE_BYTES):
        yield piece


def _document(file: UploadedFile) -> dict[str, object]:
    return {"id": file.number, "path": file.path}

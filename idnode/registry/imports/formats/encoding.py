"""In which encoding a file is: UTF-8, or GB 18030 (GB 18030-2022), which holds GBK and GB 2312; said, or found out."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import BinaryIO

from idnode.model.errors import InvalidInput, MalformedInput, Violation, shown

SAMPLE_BYTES = 4 << 20
"""What is looked at from the first byte on that is not ASCII."""
BLOCK_BYTES = 1 << 20


class Encoding(StrEnum):
    """The encodings that spreadsheets and databases write here."""

    UTF_8 = "utf-8"
    GB18030 = "gb18030"


_NAMES = {
    "utf-8": Encoding.UTF_8,
    "utf8": Encoding.UTF_8,
    "utf-8-sig": Encoding.UTF_8,
    "gb18030": Encoding.GB18030,
    "gbk": Encoding.GB18030,
    "gb2312": Encoding.GB18030,
    "cp936": Encoding.GB18030,
}
_MARKS = {Encoding.UTF_8: b"\xef\xbb\xbf", Encoding.GB18030: b"\x84\x31\x95\x33"}
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def encoding_named(name: str) -> Encoding:
    """The encoding of this name; GBK and GB 2312 are read as GB 18030. Raises InvalidInput."""
    found = _NAMES.get(name.strip().lower().replace("_", "-"))
    if found is None:
        detail = f"there is no encoding {shown(name)}; known are utf-8, gb18030, gbk, gb2312"
        raise InvalidInput.of([Violation("/encoding", "encoding", detail, shown(name), "utf-8, gb18030")])
    return found


def recognised(file: BinaryIO) -> Encoding:
    """The encoding of a file that is read from its beginning: by its byte order mark, or by what its text fits.

    Where most lines beyond ASCII are UTF-8, all of it is: a damaged byte must not turn every other line into signs that
    nobody wrote. Raises MalformedInput for UTF-16.
    """
    beginning = file.read(BLOCK_BYTES)
    if beginning.startswith(_UTF_16_MARKS):
        detail = "the file is UTF-16; save it as UTF-8, a spreadsheet calls that CSV UTF-8"
        raise MalformedInput(detail, violations=(Violation("", "encoding", detail, "UTF-16", "utf-8, gb18030"),))
    for encoding, mark in _MARKS.items():
        if beginning.startswith(mark):
            return encoding
    return prevailing(_sample(beginning, file).split(b"\n"))


def prevailing(lines: Iterable[bytes]) -> Encoding:
    """What most of the lines that are not ASCII are written in."""
    fitting = unfitting = 0
    for line in lines:
        if not line.isascii():
            if fits(line, Encoding.UTF_8):
                fitting += 1
            else:
                unfitting += 1
    return Encoding.GB18030 if unfitting > fitting else Encoding.UTF_8


def fits(line: bytes, encoding: Encoding) -> bool:
    """Whether the whole line is text of `encoding`."""
    return misfit(line, encoding) is None


def misfit(line: bytes, encoding: Encoding) -> int | None:
    """Where in `line` is the first byte that is not text of `encoding`."""
    try:
        line.decode(encoding)
    except UnicodeDecodeError as error:
        return error.start
    return None


def mark_of(beginning: bytes, encoding: Encoding) -> int:
    """How many bytes of the beginning are a byte order mark."""
    return len(_MARKS[encoding]) if beginning.startswith(_MARKS[encoding]) else 0


def not_decoded(offset: int, encoding: Encoding) -> Violation:
    """The violation of a row of which the byte at `offset` of the file cannot be read."""
    other = "gb18030" if encoding is Encoding.UTF_8 else "utf-8"
    detail = f"the byte at offset {offset} is not {encoding}; mend it, or say encoding={other} for the whole file"
    return Violation("", "encoding", detail, f"byte {offset}", encoding)


def _sample(block: bytes, file: BinaryIO) -> bytes:
    """From the first line that is not ASCII, as much as is looked at."""
    while block and block.isascii():
        block = file.read(BLOCK_BYTES)
    blocks = [block, *_up_to(file, SAMPLE_BYTES)] if block else []
    sample = b"".join(blocks)
    # What is cut in the middle at the end, or began in the block before, must not count as misfit.
    return sample if len(sample) < SAMPLE_BYTES else sample[: sample.rfind(b"\n") + 1]


def _up_to(file: BinaryIO, size: int) -> Iterator[bytes]:
    while size > 0 and (block := file.read(min(size, BLOCK_BYTES))):
        size -= len(block)
        yield block

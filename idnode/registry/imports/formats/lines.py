"""Lines of a file by their bytes: found fast, over-long ones passed over without being read into memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from idnode.model.errors import Violation
from idnode.model.imports import LINE_BYTES_MAX

BLOCK_BYTES = 1 << 20
SPAN_BYTES_MAX = 8 << 20
"""Of the lines that are read together; the last of them may go beyond."""


class Span(NamedTuple):
    """Lines of a file of lines, whole: `size` bytes from `offset`. An oversize one is a single line, not to be read."""

    offset: int
    size: int
    lines: int
    is_oversize: bool = False


class Line(NamedTuple):
    """One line with its line end and its place; of an oversize one only the beginning, with `size` bytes in all."""

    offset: int
    content: bytes
    size: int

    @property
    def is_oversize(self) -> bool:
        """Longer than a row may be."""
        return self.size > LINE_BYTES_MAX


def scan_lines(path: Path, from_offset: int, lines_max: int) -> Iterator[Span]:
    """Spans of up to `lines_max` lines and SPAN_BYTES_MAX, in order, from a line's first byte to the end of the file.

    A line over LINE_BYTES_MAX is a span by itself.
    """
    with path.open("rb") as file:
        file.seek(from_offset)
        # The span begins at `begin`, its last line at `line`; `position` is where the block begins.
        begin = line = position = from_offset
        lines = 0
        while block := file.read(BLOCK_BYTES):
            at = block.find(b"\n") + 1
            while at:
                end = position + at
                if end - line > LINE_BYTES_MAX:
                    if lines:
                        yield Span(begin, line - begin, lines)
                    yield Span(line, end - line, 1, is_oversize=True)
                    begin, lines = end, 0
                else:
                    lines += 1
                    if lines == lines_max or end - begin > SPAN_BYTES_MAX:
                        yield Span(begin, end - begin, lines)
                        begin, lines = end, 0
                line = end
                at = block.find(b"\n", at) + 1
            position += len(block)
        yield from _last_spans(begin, line, position, lines)


def _last_spans(begin: int, line: int, end: int, lines: int) -> Iterator[Span]:
    """The last line may have no line end."""
    is_oversize = end - line > LINE_BYTES_MAX
    size, lines = (line - begin, lines) if is_oversize or end == line else (end - begin, lines + 1)
    if lines:
        yield Span(begin, size, lines)
    if is_oversize:
        yield Span(line, end - line, 1, is_oversize=True)


def bounded_lines(file: BinaryIO) -> Iterator[Line]:
    """The lines of a stream from where it stands, which counts as its beginning."""
    offset = 0
    while content := file.readline(LINE_BYTES_MAX + 1):
        size = len(content)
        if size > LINE_BYTES_MAX and not content.endswith(b"\n"):
            while rest := file.readline(BLOCK_BYTES):
                size += len(rest)
                if rest.endswith(b"\n"):
                    break
        yield Line(offset, content, size)
        offset += size


def oversize(size: int) -> Violation:
    """The violation of a row whose line is too long."""
    limit = f"{LINE_BYTES_MAX} bytes"
    return Violation("", "max-line-bytes", f"the line has {size} bytes, the limit is {limit}", f"{size} bytes", limit)

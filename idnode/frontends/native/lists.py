"""Lists of handles, in parts of a size that clients expect: pure (handle-protocol.md §1.3)."""

from collections.abc import Iterable, Iterator

from idnode.wire.messages.bodies import handles_body

PART_HANDLES_MAX = 58
PART_BYTES_MAX = 1_300
"""Of a part's handles and their lengths; with what is around it a message stays within 1.4 kB."""
_LENGTH_BYTES = 4


def parts(handles: Iterable[str]) -> tuple[bytes, ...]:
    """The bodies; of an empty list one that is empty."""
    return tuple(handles_body(part) for part in _parted(handles)) or (handles_body(()),)


def _parted(handles: Iterable[str]) -> Iterator[list[str]]:
    part: list[str] = []
    size = 0
    for handle in handles:
        needed = len(handle.encode()) + _LENGTH_BYTES
        if part and (len(part) >= PART_HANDLES_MAX or size + needed > PART_BYTES_MAX):
            yield part
            part, size = [], 0
        part.append(handle)
        size += needed
    if part:
        yield part

"""The journal of a simulated top node: what came and what it did, a line of JSON each; and the way to read it back."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

READ_BYTES = 1 << 20


class Journal:
    """Appends lines to a file, or nowhere without a path. A line is written before the answer that it tells of.

    `through` is the last arrival that an older journal at the path tells of: the store may have gone further when the
    process was killed in between.
    """

    def __init__(self, path: Path | None) -> None:
        self._file: int | None = None
        self.through = 0
        if path is not None:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            os.truncate(self._file, _whole_lines_bytes(path))
            self.through = max((line.get("through", 0) for line in lines(path)), default=0)

    @property
    def is_kept(self) -> bool:
        """There is a file."""
        return self._file is not None

    def write(self, event: str, at: str, members: Mapping[str, object]) -> None:
        """One event, in one write."""
        if self._file is not None:
            line = memoryview(_line({"at": at, "event": event, **members}))
            while line:
                line = line[os.write(self._file, line) :]

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


@dataclass(slots=True)
class Arrivals:
    """What a journal says of records, after drift was planted and put right too.

    `in_effect` is how often each id counts: once if nothing was lost and nothing doubled. `versions` are those of each
    (report, subject) in the order of their first acceptance. The lists hold ids.
    """

    in_effect: Counter[str] = field(default_factory=Counter)
    versions: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    repeated: list[str] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    disorders: list[str] = field(default_factory=list)
    acts: Counter[str] = field(default_factory=Counter)

    def doubled(self) -> list[str]:
        """Ids that took effect more than once."""
        return [each for each, times in self.in_effect.items() if times > 1]

    def out_of_order(self) -> list[tuple[str, str]]:
        """(report, subject) whose versions did not come in rising order."""
        return [key for key, versions in self.versions.items() if versions != sorted(set(versions))]


def arrivals(path: Path) -> Arrivals:
    """Read a journal; a last line that is not whole is left out."""
    found = Arrivals()
    for line in lines(path):
        _add(found, line)
    return found


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of a journal."""
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield orjson.loads(line)


def _add(found: Arrivals, line: Mapping[str, Any]) -> None:
    if "act" in line:
        found.acts[line["act"]] += 1
    for effect, difference in (("accepted", 1), ("restored", 1), ("extra", 1), ("withdrawn", -1), ("dropped", -1)):
        for id_, _, _ in _told(line, effect):
            found.in_effect[id_] += difference
    for _, subject, version in _told(line, "accepted"):
        found.versions.setdefault((line["report"], subject), []).append(version)
    for effect, ids in (
        ("repeated", found.repeated),
        ("rejected", found.rejected),
        ("conflict", found.conflicts),
        ("disorder", found.disorders),
    ):
        ids += [id_ for id_, _, _ in _told(line, effect)]


def _told(line: Mapping[str, Any], effect: str) -> Sequence[tuple[str, str, int]]:
    told: Sequence[tuple[str, str, int]] = line.get(effect, ())
    return told


def _line(document: Mapping[str, object]) -> bytes:
    # orjson leaves named tuples to whoever asks for them.
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE, default=tuple)


def _whole_lines_bytes(path: Path) -> int:
    """Up to the end of the last whole line; the file may end in the middle of one when the process was killed."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            begin = max(0, end - READ_BYTES)
            file.seek(begin)
            at = file.read(end - begin).rfind(b"\n")
            if at >= 0:
                return begin + at + 1
            end = begin
    return 0

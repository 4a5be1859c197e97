"""Heads of requests to /v1 that are served without aiohttp: those that nobody could read in another way. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from idnode.frontends.counting import RESOLVING
from idnode.frontends.fastpath.field_lines import LINE_END
from idnode.frontends.fastpath.framing import exchange_size
from idnode.frontends.request_ids import HEADER
from idnode.frontends.v1.routes import Route
from idnode.model.limits import REQUEST_BYTES_MAX

HEADS_REMEMBERED_MAX = 256
"""Of up to 8,190 bytes each. Clients repeat their heads as long as their bodies have one length."""

JSON = "application/json"
FORWARDED = "X-Forwarded-For"
_WANTED = {
    name.lower().encode(): name
    for name in ("Authorization", "Content-Type", FORWARDED, HEADER, "Idempotency-Key", "If-Match", "If-None-Match")
}
# What needs no decoding, so that path and target are the same text to everybody.
_REQUEST_LINE = re.compile(rb"([A-Z]+) (/v1/[0-9A-Za-z._~:/-]+)(?:\?([0-9A-Za-z._~=&:-]*))? HTTP/1\.1\r\n")
_NOTHING: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Head:
    """Which route is asked for, and what else matters of a request; `body_size` bytes of JSON follow, or nothing."""

    route: Route
    target: str
    path: str
    query: str
    headers: dict[str, str]
    body_size: int

    def values(self, name: str) -> Sequence[str]:
        """What was sent under this name, spelled as `_WANTED` has it."""
        value = self.headers.get(name)
        return _NOTHING if value is None else (value,)


class Heads:
    """Reads heads; `table` is the route table of /v1."""

    def __init__(self, table: Iterable[Route]) -> None:
        # The three faces of one identifier are read by way of the cache.
        rows = [row for row in table if row.name not in RESOLVING and not row.is_streaming]
        self._fixed = {(row.method, row.path): row for row in rows if "{" not in row.path}
        self._open = [(_pattern(row.path), row) for row in rows if "{" in row.path]
        self._remembered: dict[bytes, Head] = {}

    def read(self, head: bytes) -> Head | None:
        """`head` goes up to and with its empty line. None is for aiohttp: a doubt, another route, a refusal."""
        known = self._remembered.get(head)
        if known is not None:
            return known
        read = self._read(head)
        if read is not None:
            if len(self._remembered) >= HEADS_REMEMBERED_MAX:
                self._remembered.clear()
            self._remembered[head] = read
        return read

    def _read(self, head: bytes) -> Head | None:
        line = _REQUEST_LINE.match(head)
        if line is None:
            return None
        method, path = line[1].decode(), line[2].decode()
        route = self._route(method, path)
        size = exchange_size(head) if route is not None else None
        headers = _wanted(head, line.end())
        if route is None or size is None or headers is None or size > REQUEST_BYTES_MAX:
            return None
        # A condition on what was read before is answered without a body: aiohttp knows how.
        if "If-None-Match" in headers or (size and headers.get("Content-Type") != JSON):
            return None
        query = "" if line[3] is None else line[3].decode()
        target = path if line[3] is None else f"{path}?{query}"
        return Head(route, target, path, query, headers, size)

    def _route(self, method: str, path: str) -> Route | None:
        fixed = self._fixed.get((method, path))
        if fixed is not None:
            return fixed
        fitting = [row for pattern, row in self._open if row.method == method and pattern.fullmatch(path)]
        return fitting[0] if len(fitting) == 1 else None


def _pattern(path: str) -> re.Pattern[str]:
    """As in `v1/mount`: an identifier takes the rest of the path, other parameters are one segment each."""
    return re.compile(re.sub(r"\{[a-z_]+\}", "[^/]+", path.replace("{identifier}", ".+")))


def _wanted(head: bytes, begin: int) -> dict[str, str] | None:
    """The headers that matter, None when one of them is given twice (of those that make a list, several are one)."""
    headers: dict[str, str] = {}
    for line in head[begin:-4].split(LINE_END):
        name, _, value = line.partition(b":")
        wanted = _WANTED.get(name.lower())
        if wanted is None:
            continue
        text = value.strip(b" \t").decode("latin-1")
        if wanted not in headers:
            headers[wanted] = text
        elif wanted == FORWARDED:
            headers[wanted] += f",{text}"
        else:
            return None
    return headers

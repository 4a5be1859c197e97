"""Counts what aiohttp answered: every request by its route, and answers about identifiers by their prefix and asker."""

from collections.abc import Iterable

from aiohttp import web

from idnode.frontends.client_address import ClientAddress
from idnode.frontends.metrics import HttpCounters
from idnode.model.errors import InvalidPrefix, NotResponsible
from idnode.model.identifier import Prefix
from idnode.resolver.service import Resolution
from idnode.resolver.tally import Outcome
from idnode.resolver.usage import Usage
from idnode.storage.directory import Directory

RESOLVING = frozenset({"handle-rest", "proxy", "read_identifier"})
"""Routes that answer about one identifier, the ones that the connection front has, too."""
COUNTED_ELSEWHERE = ""
"""The route of tallies whose requests are in HttpCounters already."""


class Counting:
    """What a request counts as. The connection front counts its own."""

    def __init__(self, http: HttpCounters, usage: Usage, directory: Directory, client_address: ClientAddress) -> None:
        self.http = http
        self._usage = usage
        self._directory = directory
        self._client_address = client_address

    def client_of(self, request: web.Request) -> str:
        """Who asks; what stands between is believed as far as it is trusted."""
        forwarded = ",".join(request.headers.getall("X-Forwarded-For", ()))
        return self._client_address.of(request.remote or "", forwarded.encode("utf-8", "replace") or None)

    def answered(
        self, request: web.Request, route: str, status: int, nanoseconds: int, *, is_stale: bool = False
    ) -> None:
        """One request was answered."""
        self.http.count(route, status, nanoseconds // 1_000)
        if route in RESOLVING:
            outcome = Outcome.STALE if is_stale else Outcome.ERROR if status >= 500 else Outcome.MISS
            tally = self._usage.tally(self._prefix_in(request), COUNTED_ELSEWHERE, status, outcome)
            self._usage.count(self.client_of(request), tally, nanoseconds)

    def resolved(self, client: str, resolutions: Iterable[Resolution], nanoseconds: int) -> None:
        """A batch was answered: each of its identifiers counts, and each took as long as all of them."""
        for resolution in resolutions:
            is_foreign = isinstance(resolution.problem, NotResponsible)
            prefix = None if is_foreign else resolution.identifier.prefix.folded
            status = 404 if resolution.record is None else 200
            tally = self._usage.tally(prefix, COUNTED_ELSEWHERE, status, Outcome.MISS)
            self._usage.count(client, tally, nanoseconds)

    def _prefix_in(self, request: web.Request) -> str | None:
        path = request.match_info.get("handle") or request.match_info.get("identifier") or ""
        try:
            prefix = Prefix.parse(path.partition("/")[0])
        except InvalidPrefix:
            return None
        _, registration = self._directory.known_prefix(prefix)
        return None if registration is None else prefix.folded

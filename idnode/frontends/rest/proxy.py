"""The proxy: a browser is sent from /{handle} to the URL of the record, or shown the record (handle-protocol.md §2)."""

import re
from dataclasses import dataclass

from aiohttp import web
from yarl import URL

from idnode.frontends.answer import Answer, response_of
from idnode.frontends.boundary import ROUTE
from idnode.frontends.problems import RETRY_AFTER_SECONDS
from idnode.frontends.rest.page import POLICY, record_page, refusal_page, refusal_status
from idnode.frontends.rest.parameters import is_flag_set
from idnode.frontends.rest.target import handle_in
from idnode.model.errors import (
    Deleted,
    Elsewhere,
    IdnodeError,
    InvalidIdentifier,
    MalformedInput,
    NotFound,
    NotResponsible,
    Unavailable,
)
from idnode.model.handle_value import HandleValue
from idnode.model.identifier import Identifier, fold
from idnode.resolver.service import ResolverService
from idnode.resolver.views import require_public
from idnode.storage.identifiers import StoredRecord
from idnode.wire.record_json import read_record

LOCATION_BYTES_MAX = 8_000
"""RFC 9110 §4.1 has every client take this much of a URI; what is longer is shown, not followed."""

_VISIBLE_ASCII = re.compile(r"[!-~]+")
_REFUSALS = (InvalidIdentifier, MalformedInput, NotFound, NotResponsible, Elsewhere, Deleted, Unavailable)


@dataclass(frozen=True, slots=True)
class ProxyRead:
    """One visit: which identifier, and whether its page is wanted even where there is a URL to go to."""

    identifier: Identifier
    wants_page: bool

    def found(self, stored: StoredRecord) -> Answer:
        """302 to the URL value, or the page. Raises Suspended, Deleted."""
        values = tuple(value for value in read_record(require_public(stored).document).values if value.is_public)
        target = None if self.wants_page else target_of(values)
        if target is None:
            return _page(200, record_page(self.identifier.text, values))
        return Answer(302, (("Location", target), ("X-Content-Type-Options", "nosniff")), b"")

    def refused(self, error: IdnodeError) -> Answer:
        """The page that says why there is nothing."""
        return _refused(error)


class HandleProxy:
    """Public values only, whoever asks."""

    def __init__(self, resolver: ResolverService) -> None:
        self._resolver = resolver

    async def serve(self, request: web.Request) -> web.Response:
        """302 to the URL value; the page with `?noredirect` and where there is none to go to."""
        request[ROUTE] = "proxy"
        try:
            identifier = Identifier.parse(handle_in(request.rel_url.raw_path, steps_before=0))
            read = ProxyRead(identifier, is_flag_set(request.query.get("noredirect")))
            return response_of(read.found(await self._resolver.resolve(identifier)))
        except _REFUSALS as refusal:
            return response_of(_refused(refusal))


def target_of(values: tuple[HandleValue, ...]) -> str | None:
    """Where the URL value with the lowest index points, of those that a browser can be sent to."""
    urls = sorted((value for value in values if fold(value.type) == "URL"), key=lambda value: value.index)
    return next((target for value in urls if (target := location_of(value.data)) is not None), None)


def location_of(data: bytes) -> str | None:
    """An absolute http or https URL as visible ASCII, fit for a Location header; None for anything else."""
    try:
        text = data.decode()
        url = URL(text)
    except ValueError:
        return None
    if url.scheme not in ("http", "https") or not url.host or not text.isprintable():
        return None
    location = text if _VISIBLE_ASCII.fullmatch(text) else str(url)
    return location if _VISIBLE_ASCII.fullmatch(location) and len(location) <= LOCATION_BYTES_MAX else None


def _refused(refusal: IdnodeError) -> Answer:
    status = refusal_status(refusal)
    retry = (("Retry-After", str(RETRY_AFTER_SECONDS)),) if status == 503 else ()
    return _page(status, refusal_page(refusal), retry)


def _page(status: int, html: str, more: tuple[tuple[str, str], ...] = ()) -> Answer:
    headers = (
        ("Content-Security-Policy", POLICY),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
        *more,
        ("Content-Type", "text/html; charset=utf-8"),
    )
    return Answer(status, headers, html.encode())

"""The proxy: a browser is sent from /{handle} to the URL of the record, or shown the record (handle-protocol.md §2)."""

import re

from aiohttp import web
from yarl import URL

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
from idnode.wire.record_json import read_record

LOCATION_BYTES_MAX = 8_000
"""RFC 9110 §4.1 has every client take this much of a URI; what is longer is shown, not followed."""

_VISIBLE_ASCII = re.compile(r"[!-~]+")
_REFUSALS = (InvalidIdentifier, MalformedInput, NotFound, NotResponsible, Elsewhere, Deleted, Unavailable)


class HandleProxy:
    """Public values only, whoever asks."""

    def __init__(self, resolver: ResolverService) -> None:
        self._resolver = resolver

    async def serve(self, request: web.Request) -> web.Response:
        """302 to the URL value; the page with `?noredirect` and where there is none to go to."""
        request[ROUTE] = "proxy"
        try:
            identifier = Identifier.parse(handle_in(request.rel_url.raw_path, steps_before=0))
            stored = require_public(await self._resolver.resolve(identifier))
        except _REFUSALS as refusal:
            return _refused(refusal)
        values = tuple(value for value in read_record(stored.document).values if value.is_public)
        target = None if is_flag_set(request.query.get("noredirect")) else target_of(values)
        if target is None:
            return _page(200, record_page(identifier.text, values))
        return web.Response(status=302, headers={"Location": target, "X-Content-Type-Options": "nosniff"})


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


def _refused(refusal: IdnodeError) -> web.Response:
    status = refusal_status(refusal)
    response = _page(status, refusal_page(refusal))
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _page(status: int, html: str) -> web.Response:
    headers = {
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(status=status, text=html, content_type="text/html", charset="utf-8", headers=headers)

"""Answers of /v1: JSON bytes with their status, ETag and Location; cursors."""

import re
from collections.abc import Sequence
from urllib.parse import quote
from uuid import UUID

import orjson

from idnode.frontends.answer import Answer
from idnode.model.errors import InvalidInput, NotFound, Violation, shown
from idnode.storage.idempotency import KeptAnswer
from idnode.wire.encoded_bytes import base64url_of, from_base64url

JSON = "application/json"
VARY = "Authorization"
# Nothing of this is encoded; most identifiers are nothing else.
_UNRESERVED = re.compile(r"[0-9A-Za-z._~/-]+")

_VARIES = ("Vary", VARY)
_Lines = tuple[tuple[str, str], ...]


def answer_json(
    document: object, *, status: int = 200, version: int | None = None, location: str | None = None
) -> KeptAnswer:
    """A JSON answer; `version` becomes the ETag."""
    return answer_bytes(orjson.dumps(document), status=status, version=version, location=location)


def answer_bytes(
    body: bytes, *, status: int = 200, version: int | None = None, location: str | None = None
) -> KeptAnswer:
    """The same for bytes that are JSON already."""
    return KeptAnswer(status, JSON, None if version is None else f'"{version}"', location, body)


def answer_of(kept: KeptAnswer) -> Answer:
    """The answer with its headers."""
    etag: _Lines = () if kept.etag is None else (("ETag", kept.etag),)
    location: _Lines = () if kept.location is None else (("Location", kept.location),)
    return Answer(kept.status, (_VARIES, *etag, *location, ("Content-Type", kept.content_type)), kept.body)


def location_of(*steps: str) -> str:
    """A path under /v1 with the last step percent-encoded; a slash in an identifier may stay."""
    *fixed, last = steps
    return "/".join(("/v1", *fixed, last if _UNRESERVED.fullmatch(last) else quote(last, safe="/")))


def page_json(items: Sequence[object], *, limit: int, cursors: Sequence[str]) -> KeptAnswer:
    """A page: `next` is null on the last one. `cursors` are the keys of `items`."""
    following = cursor_text(cursors[-1]) if len(items) == limit else None
    return answer_json({"items": items, "next": following})


def cursor_text(key: str) -> str:
    """An opaque cursor for the key of the last item."""
    return base64url_of(key.encode())


def cursor_key(cursor: str | None) -> str:
    """The key that a cursor stands for, empty for none. Raises InvalidInput for one that the node did not give."""
    if cursor is None:
        return ""
    octets = from_base64url(cursor)
    try:
        key = "" if octets is None else octets.decode()
    except UnicodeDecodeError:
        raise foreign_cursor(cursor) from None
    # No key is empty, and PostgreSQL has no text with a NUL in it.
    if not key or "\x00" in key:
        raise foreign_cursor(cursor)
    return key


def foreign_cursor(cursor: str) -> InvalidInput:
    """The refusal of a cursor."""
    detail = "this cursor was not given out by the node"
    return InvalidInput.of([Violation("/cursor", "cursor", detail, shown(cursor))])


def uuid_after(cursor: str | None) -> UUID | None:
    """The id that a cursor stands for. Raises InvalidInput."""
    if cursor is None:
        return None
    try:
        return UUID(cursor_key(cursor))
    except ValueError:
        raise foreign_cursor(cursor) from None


def uuid_of(text: str) -> UUID:
    """An id in a path. Raises NotFound: what is no id names nothing."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(f"'{shown(text)}' is no id (a UUID)") from None

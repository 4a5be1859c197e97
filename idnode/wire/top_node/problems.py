"""Refusals of a top node as problem documents (RFC 9457): written by one side, read by the other."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from idnode.model.errors import Violation, escaped

PROBLEM_CONTENT_TYPE = "application/problem+json"
PROBLEM_TYPE = "urn:idnode:problem:"

MALFORMED = "malformed-input"
"""400: the body is no message."""
INVALID = "invalid-input"
"""422: the message breaks a rule as a whole."""
TOO_LARGE = "too-large"
"""413."""
NOT_AUTHENTICATED = "not-authenticated"
"""401: unknown app id, wrong signature, or a nonce that came before."""
CLOCK_SKEW = "clock-skew"
"""401: the timestamp is too far from the top node's clock, which the Date header tells."""
FORBIDDEN = "forbidden"
"""403: the app id is known and may not report for this node."""
TOO_MANY_REQUESTS = "too-many-requests"
"""429, with Retry-After."""
UNAVAILABLE = "unavailable"
"""503, with Retry-After when it is known how long."""

DETAIL_CHARACTERS_MAX = 500
"""How much of a detail that somebody else wrote is kept."""
_VIOLATIONS_TOLD_MAX = 3


@dataclass(frozen=True, slots=True)
class Problem:
    """What a refusal says: its code, its detail, and the first violations in words."""

    code: str
    detail: str


def problem_json(code: str, status: int, title: str, detail: str, *, violations: Sequence[Violation] = ()) -> bytes:
    """A problem document; `errors` lists the violations, as many as are given."""
    document: dict[str, object] = {"type": PROBLEM_TYPE + code, "title": title, "status": status, "detail": detail}
    if violations:
        document["errors"] = [
            {key: value for key in ("pointer", "rule", "detail", "value", "limit") if (value := getattr(each, key))}
            for each in violations
        ]
    return orjson.dumps(document)


def read_problem(body: bytes) -> Problem | None:
    """The problem; None for what is no problem document."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(document, dict) or not isinstance(document.get("type"), str):
        return None
    code = document["type"].removeprefix(PROBLEM_TYPE)
    detail = document.get("detail") or document.get("title") or code
    errors = document.get("errors")
    told = [_told(each) for each in errors[:_VIOLATIONS_TOLD_MAX]] if isinstance(errors, list) else []
    return Problem(_cut(code), _cut("; ".join([str(detail), *told])))


def _told(error: object) -> str:
    members = error if isinstance(error, dict) else {}
    return f"{members.get('pointer', '')}: {members.get('detail', '')}"


def _cut(text: str) -> str:
    return escaped(text[:DETAIL_CHARACTERS_MAX])

"""Headers that put conditions on a request: If-Match, If-None-Match, Idempotency-Key."""

import hashlib
import re
from collections.abc import Sequence

from idnode.model.errors import InvalidInput, Violation, shown
from idnode.model.limits import IDEMPOTENCY_KEY_CHARACTERS_MAX

_VERSION_TAG = re.compile(r'"([0-9]{1,9})"', re.ASCII)
_PRINTABLE_ASCII = re.compile(rf"[\x21-\x7e]{{1,{IDEMPOTENCY_KEY_CHARACTERS_MAX}}}")


def single(name: str, values: Sequence[str]) -> str | None:
    """A header that has one value. Raises InvalidInput when it is given twice: readers differ in which one counts."""
    if len(values) > 1:
        raise InvalidInput.of([Violation(name, "given-twice", f"the header {name} is given {len(values)} times")])
    return values[0] if values else None


def expected_version_of(if_match: str | None) -> int | None:
    """The version in If-Match: `"3"`; None without the header and for `*`. Raises InvalidInput for anything else."""
    if if_match is None or if_match.strip() == "*":
        return None
    match = _VERSION_TAG.fullmatch(if_match.strip())
    if match is None:
        detail = 'If-Match takes one ETag as the node gives it, such as "3", or *'
        raise InvalidInput.of([Violation("If-Match", "etag", detail, shown(if_match))])
    return int(match[1])


def is_not_modified(if_none_match: str | None, etag: str | None) -> bool:
    """Whether the client has this version already (RFC 9110 §13.1.2: weak comparison, a list or `*`)."""
    if if_none_match is None or etag is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in tags or tags == ["*"]


def idempotency_key_of(header: str | None) -> str | None:
    """The key: 1 to 128 printable ASCII characters without spaces, quotes around it allowed. Raises InvalidInput."""
    if header is None:
        return None
    key = header.strip()
    if len(key) >= 2 and key.startswith('"') and key.endswith('"'):
        key = key[1:-1]
    if _PRINTABLE_ASCII.fullmatch(key) is None:
        limit = f"{IDEMPOTENCY_KEY_CHARACTERS_MAX} characters"
        detail = f"takes 1 to {limit} of printable ASCII without spaces"
        raise InvalidInput.of([Violation("Idempotency-Key", "idempotency-key", detail, shown(header), limit)])
    return key


def fingerprint(method: str, target: str, if_match: str | None, body: bytes) -> bytes:
    """What must be equal for two requests to count as the same one."""
    digest = hashlib.sha256()
    for part in (method.encode(), target.encode(), (if_match or "").encode()):
        digest.update(len(part).to_bytes(4) + part)
    digest.update(body)
    return digest.digest()

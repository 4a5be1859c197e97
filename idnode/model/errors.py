"""The one error tree.

IdnodeError
├── InvalidInput            what was asked cannot be done as asked; carries every violation at once
│   ├── MalformedInput      it could not even be read (bytes, JSON, percent-encoding, base64)
│   ├── InvalidIdentifier   not `prefix/suffix`
│   └── InvalidPrefix       not dotted labels
├── NotAuthenticated        no key, an unknown key, a key that has expired or was revoked
├── Forbidden               the key is known; its role or scope does not reach this far
├── NotFound                identifier, prefix, enterprise, template or key
│   └── Suspended           known, but withheld from the public
├── Elsewhere               the prefix is known and hosted by its own enterprise: carries the referral
├── NotResponsible          the prefix is not one of this node's
├── Deleted                 a tombstone: carries when, and the successor
├── Conflict                the present state forbids it
│   └── AlreadyRegistered
├── VersionMoved            If-Match names another version
├── IdempotencyMisused      the same key came with another request
└── Unavailable             not now: the database is away or the node is draining; a retry helps
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from idnode.model.limits import INTEGER_BITS_SHOWN_MAX, SHOWN_VALUE_CHARACTERS_MAX, VIOLATIONS_MAX


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule: where (RFC 6901 pointer into the body, or the parameter's name), what, and the measure."""

    pointer: str
    rule: str
    detail: str
    value: str | None = None
    limit: str | None = None
    item: str | None = None

    def under(self, pointer: str) -> "Violation":
        """The same violation seen from the document that holds this one at `pointer`."""
        return Violation(pointer + self.pointer, self.rule, self.detail, self.value, self.limit, self.item)


def pointer_of(path: tuple[int | str, ...]) -> str:
    """RFC 6901 pointer. Steps are the sender's text: they are cut and escaped like values."""
    return "".join("/" + shown(str(step)).replace("~", "~0").replace("/", "~1") for step in path)


def shown(value: object) -> str:
    """An offending value, cut and with what cannot be printed escaped, so that it can stand in an answer and a log."""
    text = value if isinstance(value, str) else _told(value)
    cut = text if len(text) <= SHOWN_VALUE_CHARACTERS_MAX else text[: SHOWN_VALUE_CHARACTERS_MAX - 1] + "…"
    return escaped(cut)


def escaped(text: str) -> str:
    """The whole text with what cannot be printed (control, format, surrogate, odd space) as `\\x00`, `\\u202e`."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _told(value: object) -> str:
    """A value of a JSON document in words of JSON, in time that does not grow with it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return f"an array of {len(value)}"
        case dict():
            return f"an object of {len(value)}"
        # Python refuses to write integers of thousands of digits.
        case int() if value.bit_length() > INTEGER_BITS_SHOWN_MAX:
            return f"an integer of {value.bit_length()} bits"
        case _:
            return repr(value)


class IdnodeError(Exception):
    """Root of the tree. `code` is stable and part of the API; `is_retryable` says whether waiting helps."""

    code: ClassVar[str] = "internal"
    is_retryable: ClassVar[bool] = False

    def __init__(self, detail: str, *, violations: tuple[Violation, ...] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.violations = violations


class InvalidInput(IdnodeError):
    """What was asked breaks rules; `violations` holds them, and `unlisted` counts those that would be too many."""

    code = "invalid-input"
    unlisted: int = 0

    @classmethod
    def of(cls, violations: "list[Violation] | tuple[Violation, ...]", *, unlisted: int = 0) -> "InvalidInput":
        """An error whose text is the first violation and the number of the others; VIOLATIONS_MAX are listed."""
        first, more = violations[0], len(violations) + unlisted - 1
        place = first.item or first.pointer or "body"
        suffix = f" (and {more} more)" if more else ""
        error = cls(f"{place}: {first.detail}{suffix}", violations=tuple(violations[:VIOLATIONS_MAX]))
        error.unlisted = more + 1 - len(error.violations)
        return error

    @classmethod
    def refuse_any(cls, violations: "Sequence[Violation]") -> None:
        """Raise it when there are violations."""
        if violations:
            raise cls.of(tuple(violations))


class MalformedInput(InvalidInput):
    """The request could not be read: not UTF-8, not JSON, a broken percent-encoding."""

    code = "malformed-input"


class InvalidIdentifier(InvalidInput):
    """The text is no identifier `prefix/suffix`."""

    code = "invalid-identifier"


class InvalidPrefix(InvalidInput):
    """The text is no prefix of dotted labels, or not one that this node may give out."""

    code = "invalid-prefix"


class NotAuthenticated(IdnodeError):
    """No usable API key came with the request."""

    code = "not-authenticated"


class Forbidden(IdnodeError):
    """The key's role or scope does not cover this."""

    code = "forbidden"


class NotFound(IdnodeError):
    """The thing named does not exist here."""

    code = "not-found"


class Suspended(NotFound):
    """The identifier exists and is withheld from the public until it is restored."""

    code = "identifier-suspended"


class Elsewhere(IdnodeError):
    """The prefix is non-hosted: its enterprise answers. `site` is its HS_SITE as JSON-ready mapping."""

    code = "hosted-elsewhere"

    def __init__(self, detail: str, *, site: dict[str, object]) -> None:
        super().__init__(detail)
        self.site = site


class NotResponsible(IdnodeError):
    """The prefix does not belong to this node (Handle response code 301)."""

    code = "not-responsible"


class Deleted(IdnodeError):
    """The identifier is a tombstone: `at` is when it was deleted, RFC 3339; `successor` the one to go on with."""

    code = "identifier-deleted"

    def __init__(self, detail: str, *, at: str, successor: str | None = None) -> None:
        super().__init__(detail)
        self.at = at
        self.successor = successor


class Conflict(IdnodeError):
    """The present state of the thing forbids the act."""

    code = "conflict"


class AlreadyRegistered(Conflict):
    """The identifier (or enterprise, prefix, template version) exists."""

    code = "already-registered"


class VersionMoved(IdnodeError):
    """The caller's version (If-Match) is not the present one."""

    code = "version-moved"


class IdempotencyMisused(IdnodeError):
    """The Idempotency-Key was used before for another request."""

    code = "idempotency-key-reused"


class Unavailable(IdnodeError):
    """The node cannot answer now; the same request later will do."""

    code = "unavailable"
    is_retryable = True

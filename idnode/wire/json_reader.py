"""A reader over a parsed JSON document that notes every violation and goes on with a stand-in value.

The stand-in (an empty text, 0, no items) lets the reading function run to its end in one straight line;
`raise_refusals` then raises all that was noted, so that no stand-in ever leaves the reading function.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from idnode.model.errors import InvalidInput, Violation, shown
from idnode.model.identifier import unprintable
from idnode.wire.encoded_bytes import from_base64, from_base64url, from_hex
from idnode.wire.plain_text import is_name, is_plain, not_plain

VIOLATIONS_NOTED_MAX = 1_000
"""How many violations are noted; those beyond are not even counted, so that a body of junk costs no more memory."""

T = TypeVar("T")

_ABSENT: Final = object()
"""The document of a place that is missing or was refused: it reads as stand-ins, and nothing more is noted there."""


class JsonReader:
    """One place of the document, `pointer` (RFC 6901) from its root; all places share one list of violations."""

    __slots__ = ("_document", "_hides_values", "_pointer", "_violations")

    def __init__(
        self,
        document: object,
        pointer: str = "",
        violations: list[Violation] | None = None,
        hides_values: bool = False,
    ) -> None:
        self._document = document
        self._pointer = pointer
        self._violations: list[Violation] = [] if violations is None else violations
        self._hides_values = hides_values

    @property
    def is_text(self) -> bool:
        """The document here is a JSON string."""
        return isinstance(self._document, str)

    def refuse(self, rule: str, detail: str, *, limit: str | None = None) -> None:
        """Notes a violation at this place, which reads as a stand-in from now on: a place is refused once."""
        if self._document is _ABSENT:
            return
        is_hidden = self._hides_values or isinstance(self._document, dict | list)
        self._note(self._pointer, rule, detail, None if is_hidden else shown(self._document), limit)
        self._document = _ABSENT

    def raise_refusals(self) -> None:
        """Raises InvalidInput with every violation noted at any place of the document, if there is one."""
        if self._violations:
            raise InvalidInput.of(self._violations)

    def members(self, *, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> None:
        """Refuses what is no object, a required member that is missing, and every unknown member."""
        self.require(*required)
        if not isinstance(self._document, dict):
            return
        for name in self._document:
            if name not in required and name not in optional:
                known = ", ".join(required + optional)
                self._note(self._step(name), "known-member", f"is no member here; known are {known}")

    def require(self, *names: str) -> None:
        """Refuses what is no object, and each of these members that is missing."""
        if not isinstance(self._document, dict):
            self.refuse("object", "must be an object")
            return
        for name in names:
            if name not in self._document:
                self._note(self._step(name), "required", "is missing")

    def member(self, name: str) -> "JsonReader":
        """The member `name`; a missing one reads as a stand-in."""
        document = self._document
        if not isinstance(document, dict) or name not in document:
            return _NOWHERE
        return JsonReader(document[name], f"{self._pointer}/{name}", self._violations, self._hides_values)

    def hiding_values(self) -> "JsonReader":
        """The same place, for a secret: violations at it and below it do not repeat the offending value."""
        return JsonReader(self._document, self._pointer, self._violations, hides_values=True)

    def has(self, name: str) -> bool:
        """This is an object with the member `name`."""
        return isinstance(self._document, dict) and name in self._document

    def items(self, *, items_max: int) -> list["JsonReader"]:
        """The items of an array; refuses what is no array, or one of more than `items_max` items."""
        document = self._document
        if not isinstance(document, list):
            self.refuse("array", "must be an array")
            return []
        if len(document) > items_max:
            self.refuse("max-items", f"{len(document)} items, the limit is {items_max}", limit=f"{items_max} items")
            return []
        return [
            JsonReader(item, f"{self._pointer}/{at}", self._violations, self._hides_values)
            for at, item in enumerate(document)
        ]

    def integer(self, *, minimum: int, maximum: int) -> int:
        """An integer of the range, else 0; true and 1.0 are none."""
        document = self._document
        if type(document) is not int:
            self.refuse("integer", "must be an integer")
        elif not minimum <= document <= maximum:
            span = f"{minimum} to {maximum}"
            self.refuse("range", f"must be an integer from {span}", limit=span)
        else:
            return document
        return 0

    def boolean(self) -> bool:
        """True or false."""
        if isinstance(self._document, bool):
            return self._document
        self.refuse("boolean", "must be true or false")
        return False

    def choice(self, options: Mapping[str, T]) -> T | None:
        """What `options` holds under the text here, or None as the stand-in."""
        document = self._document
        if isinstance(document, str) and document in options:
            return options[document]
        listed = ", ".join(options)
        self.refuse("one-of", f"must be one of {listed}", limit=listed)
        return None

    def text(self, *, bytes_max: int) -> str:
        """Well-formed Unicode of at most `bytes_max` bytes in UTF-8."""
        document = self._document
        if not isinstance(document, str):
            self.refuse("string", "must be a string")
            return ""
        try:
            size = len(document) if document.isascii() else len(document.encode())
        except UnicodeEncodeError:
            self.refuse("unicode", "holds a lone surrogate, which no UTF-8 text can")
            return ""
        return document if self.fits(size, bytes_max=bytes_max) else ""

    def plain_text(self, *, bytes_max: int, instead: str = "") -> str:
        """Text without control characters and bidirectional controls; `instead` tells the sender what to do."""
        text = self.text(bytes_max=bytes_max)
        if is_plain(text):
            return text
        self.refuse("plain-text", f"holds the control character {not_plain(text)}{instead}")
        return ""

    def name(self, *, bytes_max: int) -> str:
        """Text that is not empty and entirely printable."""
        text = self.text(bytes_max=bytes_max)
        if is_name(text):
            return text
        if text:
            self.refuse("printable", f"holds a character that may not be in a name: {unprintable(text)}")
        elif self._document == "":
            self.refuse("not-empty", "must not be empty")
        return ""

    def matching(self, pattern: re.Pattern[str], detail: str, *, instead: str) -> str:
        """Text that `pattern` matches as a whole; `instead` is the stand-in."""
        document = self._document
        if isinstance(document, str) and pattern.fullmatch(document):
            return document
        self.refuse("pattern", detail)
        return instead

    def base64(self, *, bytes_max: int) -> bytes:
        """Padded base64 in one line."""
        return self._octets(from_base64, "base64", "base64 (RFC 4648 §4: padded, in one line)", bytes_max)

    def base64url(self, *, bytes_max: int) -> bytes:
        """URL-safe base64 without padding."""
        return self._octets(from_base64url, "base64url", "base64url (RFC 4648 §5, without padding)", bytes_max)

    def hexadecimal(self, *, bytes_max: int) -> bytes:
        """Two digits of either case for each byte."""
        return self._octets(from_hex, "hex", "hexadecimal: two digits a byte, nothing between them", bytes_max)

    def fits(self, size: int, *, bytes_max: int) -> bool:
        """Whether `size` bytes are few enough; notes it when not."""
        if size <= bytes_max:
            return True
        self.refuse("max-bytes", f"{size} bytes, the limit is {bytes_max}", limit=f"{bytes_max} bytes")
        return False

    def _octets(self, decode: Callable[[str], bytes | None], rule: str, what: str, bytes_max: int) -> bytes:
        document = self._document
        if not isinstance(document, str):
            self.refuse("string", "must be a string")
            return b""
        octets = decode(document)
        if octets is None:
            self.refuse(rule, f"is not {what}")
            return b""
        return octets if self.fits(len(octets), bytes_max=bytes_max) else b""

    def _step(self, name: object) -> str:
        # A member's name may be the sender's text: escaped and cut before it stands in a pointer (RFC 6901 §3).
        step = shown(name).replace("~", "~0").replace("/", "~1")
        return f"{self._pointer}/{step}"

    def _note(self, pointer: str, rule: str, detail: str, value: str | None = None, limit: str | None = None) -> None:
        if len(self._violations) < VIOLATIONS_NOTED_MAX:
            self._violations.append(Violation(pointer, rule, detail, value, limit))


_NOWHERE = JsonReader(_ABSENT)
"""Where every missing member is; nothing can be noted at it, so that one is enough."""

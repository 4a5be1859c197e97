"""Patterns that suffixes are minted from: parsed once, every fault with its place, rendered for a number and a day."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

from stdnum import luhn
from stdnum.iso7064 import mod_37_36

from idnode.model.errors import InvalidIdentifier, InvalidInput, Violation, shown
from idnode.model.identifier import Identifier, Prefix, fold
from idnode.model.limits import IDENTIFIER_BYTES_MAX

PATTERN_CHARACTERS_MAX = 512
DECIMAL_DIGITS_MAX = 18
BASE36_DIGITS_MAX = 12
"""As many as a bigint of PostgreSQL holds."""
RANDOM_CHARACTERS_MAX = 64
RANDOM_CHARACTERS_MIN = 8
"""In a pattern without a sequence: 40 bits, so that suffixes seldom meet."""
RANDOM_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Letters and digits that nobody takes for each other: no I, L, O, U. Thirty-two: five random bits each."""

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_FIELD = re.compile(r"\{([^{}]*)\}")
_UNCHECKED = re.compile(r"[^0-9A-Z]")
_NO_DIGIT = re.compile(r"[^0-9]")
_DATES = {"yyyy": 4, "yy": 2, "MM": 2, "dd": 2, "ww": 2}
_FIELDS = "yyyy, yy, MM, dd, ww, seq:N, seq:N:36, random:N, check, check:mod10"


class Restart(StrEnum):
    """When the sequence begins anew."""

    NONE = "none"
    YEARLY = "yearly"
    MONTHLY = "monthly"
    DAILY = "daily"


_NEEDED_FOR: dict[Restart, tuple[frozenset[str], ...]] = {
    Restart.NONE: (),
    Restart.YEARLY: (frozenset({"yyyy", "yy"}),),
    Restart.MONTHLY: (frozenset({"yyyy", "yy"}), frozenset({"MM"})),
    Restart.DAILY: (frozenset({"yyyy", "yy"}), frozenset({"MM"}), frozenset({"dd"})),
}
"""Which fields must be there, one of each set: a sequence that restarts without them would repeat its suffixes."""


class Part(Protocol):
    """A piece of a pattern."""

    def text(self, so_far: str, number: int, day: date, random: str) -> str:
        """What stands in the suffix after `so_far`."""


@dataclass(frozen=True, slots=True)
class Literal:
    """Text that stands as it is."""

    literal: str

    def text(self, so_far: str, number: int, day: date, random: str) -> str:  # noqa: ARG002  # the same for all
        """Itself."""
        return self.literal


@dataclass(frozen=True, slots=True)
class DateField:
    """A part of the day, in Beijing. With `is_iso` the year is the one that the ISO week belongs to."""

    name: str
    is_iso: bool

    def text(self, so_far: str, number: int, day: date, random: str) -> str:  # noqa: ARG002  # goes by the day
        """The digits of the field."""
        year = day.isocalendar().year if self.is_iso else day.year
        match self.name:
            case "yyyy":
                return f"{year:04}"
            case "yy":
                return f"{year % 100:02}"
            case "MM":
                return f"{day.month:02}"
            case "dd":
                return f"{day.day:02}"
            case _:
                return f"{day.isocalendar().week:02}"


@dataclass(frozen=True, slots=True)
class SequenceField:
    """The number, in base 10 or 36, with leading zeros."""

    width: int
    base: int

    @property
    def highest(self) -> int:
        """The last number that fits."""
        return int(self.base**self.width) - 1

    def text(self, so_far: str, number: int, day: date, random: str) -> str:  # noqa: ARG002  # goes by the number
        """The number in `width` digits."""
        return str(number).zfill(self.width) if self.base == 10 else _in_base36(number).zfill(self.width)


@dataclass(frozen=True, slots=True)
class RandomField:
    """Characters that nobody can guess."""

    width: int

    def text(self, so_far: str, number: int, day: date, random: str) -> str:  # noqa: ARG002  # goes by the random
        """The first `width` random characters."""
        return random[: self.width]


@dataclass(frozen=True, slots=True)
class CheckField:
    """A check character over the suffix so far, letters in upper case.

    ISO/IEC 7064 MOD 37,36 over its digits and letters; with `is_decimal` the Luhn digit (mod 10) over its digits. What
    else stands there is passed over.
    """

    is_decimal: bool

    def text(self, so_far: str, number: int, day: date, random: str) -> str:  # noqa: ARG002  # goes by what stands
        """The character."""
        folded = fold(so_far)
        if self.is_decimal:
            return str(luhn.calc_check_digit(_NO_DIGIT.sub("", folded)))
        return str(mod_37_36.calc_check_digit(_UNCHECKED.sub("", folded)))


@dataclass(frozen=True, slots=True)
class SuffixPattern:
    """A pattern such as `JX{yyyy}{MM}-{seq:8}{check}`. Every suffix of it has the same length."""

    text: str
    parts: tuple[Part, ...]

    @classmethod
    def parse(cls, text: str) -> "SuffixPattern":
        """Raises InvalidInput with every fault and the character that it begins at."""
        violations: list[Violation] = []
        fields = [match[1] for match in _FIELD.finditer(text)]
        parts: list[Part] = []
        at = 0
        for match in _FIELD.finditer(text):
            parts += _literal(text[at : match.start()], at, violations)
            part = _field(match[1], is_iso="ww" in fields)
            if isinstance(part, str):
                violations.append(_broken("field", f"{{{shown(match[1])}}} at character {match.start()} {part}", text))
            else:
                parts.append(part)
            at = match.end()
        parts += _literal(text[at:], at, violations)
        if not violations:
            violations = _disorder(parts, fields, text)
        InvalidInput.refuse_any(violations)
        return cls(text, tuple(parts))

    @property
    def highest(self) -> int | None:
        """The last number of the sequence; None for a pattern without one."""
        return next((part.highest for part in self.parts if isinstance(part, SequenceField)), None)

    @property
    def random_characters(self) -> int:
        """How many a suffix takes."""
        return sum(part.width for part in self.parts if isinstance(part, RandomField))

    @property
    def is_by_week(self) -> bool:
        """Its year is that of the ISO week."""
        return any(isinstance(part, DateField) and part.is_iso for part in self.parts)

    def suffix(self, number: int, day: date, random: str = "") -> str:
        """The suffix of a number on a day; `random` are characters of RANDOM_ALPHABET, `random_characters` of them."""
        suffix = ""
        for part in self.parts:
            suffix += part.text(suffix, number, day, random)
        return suffix

    def period(self, restart: Restart, day: date) -> str:
        """What the sequence is counted in on a day: a year, a month, a day, or, empty, for ever."""
        match restart:
            case Restart.NONE:
                return ""
            case Restart.YEARLY:
                return f"{day.isocalendar().year if self.is_by_week else day.year:04}"
            case Restart.MONTHLY:
                return f"{day.year:04}-{day.month:02}"
            case Restart.DAILY:
                return day.isoformat()

    def misfits(self, prefix: Prefix, *, restart: Restart, first: int, is_gapless: bool) -> list[Violation]:
        """What is wrong with minting by it under a prefix; pointers are those of the form."""
        found = _unfit_identifier(self, prefix)
        highest = self.highest
        if highest is None:
            if is_gapless or restart is not Restart.NONE:
                pointer = "/gapless" if is_gapless else "/restart"
                found.append(Violation(pointer, "needs-seq", "takes a sequence, and the pattern has no {seq:N}"))
        elif first > highest:
            detail = f"{first} is beyond the last number of the pattern"
            found.append(Violation("/first", "maximum", detail, str(first), str(highest)))
        names = {part.name for part in self.parts if isinstance(part, DateField)}
        missing = [one_of for one_of in _NEEDED_FOR[restart] if not one_of & names]
        if missing:
            wanted = ", ".join(" or ".join(f"{{{name}}}" for name in sorted(one_of)) for one_of in missing)
            detail = f"a sequence that restarts {restart} would repeat its suffixes: the pattern lacks {wanted}"
            found.append(Violation("/restart", "date-field", detail, restart, wanted))
        return found


def random_text(octets: bytes) -> str:
    """Random bytes as characters of RANDOM_ALPHABET, one each."""
    return "".join(RANDOM_ALPHABET[octet & 31] for octet in octets)


def _literal(text: str, at: int, violations: list[Violation]) -> list[Part]:
    for brace in "{}":
        if brace in text:
            place = at + text.index(brace)
            violations.append(_broken("brace", f"{brace} at character {place} has no counterpart", text))
    return [Literal(text)] if text else []


def _field(text: str, *, is_iso: bool) -> Part | str:
    """The field, or why it is none."""
    name, *arguments = text.split(":")
    match name, arguments:
        case (("yyyy" | "yy" | "MM" | "dd" | "ww"), []):
            return DateField(name, is_iso)
        case ("check", []) | ("check", ["mod10"]):
            return CheckField(bool(arguments))
        case ("seq", [width]) | ("seq", [width, "10"]):
            digits = _width(width, DECIMAL_DIGITS_MAX)
            return digits if isinstance(digits, str) else SequenceField(digits, 10)
        case "seq", [width, "36"]:
            digits = _width(width, BASE36_DIGITS_MAX)
            return digits if isinstance(digits, str) else SequenceField(digits, 36)
        case "random", [width]:
            characters = _width(width, RANDOM_CHARACTERS_MAX)
            return characters if isinstance(characters, str) else RandomField(characters)
        case _:
            return f"is no field; fields are {_FIELDS}"


def _width(text: str, highest: int) -> int | str:
    if text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= highest:
        return int(text)
    return f"needs a width from 1 to {highest}"


def _disorder(parts: Sequence[Part], fields: Sequence[str], text: str) -> list[Violation]:
    """Fields that are right by themselves, and do not go together."""
    names = [field.partition(":")[0] for field in fields]
    found = [
        _broken("given-twice", f"{{{name}}} stands {names.count(name)} times", text, "once")
        for name in ("seq", "random", "check")
        if names.count(name) > 1
    ]
    if "seq" not in names and "random" not in names:
        found.append(_broken("needs-seq", "has neither {seq:N} nor {random:N}: all its suffixes would be one", text))
    widths = [part.width for part in parts if isinstance(part, RandomField)]
    if "seq" not in names and widths and widths[0] < RANDOM_CHARACTERS_MIN:
        limit = f"{RANDOM_CHARACTERS_MIN} characters"
        found.append(_broken("min-random", f"without {{seq:N}} it takes {{random:N}} of at least {limit}", text, limit))
    if "check" in names and not {"seq", "random"} & set(names[: names.index("check")]):
        found.append(_broken("check-place", "{check} stands before what it should check", text))
    if "ww" in names and {"MM", "dd"} & set(names):
        found.append(_broken("week", "a week may lie in two months: {ww} does not go with {MM} and {dd}", text))
    return found


def _unfit_identifier(pattern: SuffixPattern, prefix: Prefix) -> list[Violation]:
    suffix = pattern.suffix(pattern.highest or 0, date(2026, 12, 31), "Z" * pattern.random_characters)
    try:
        Identifier.parse(f"{prefix.text}/{suffix}")
    except InvalidIdentifier as error:
        return [_named(violation, prefix, pattern.text) for violation in error.violations]
    return []


def _named(violation: Violation, prefix: Prefix, text: str) -> Violation:
    detail = f"makes identifiers under {prefix.text} that are none: {violation.detail}"
    limit = violation.limit or (f"{IDENTIFIER_BYTES_MAX} bytes" if violation.rule == "max-bytes" else None)
    return Violation("/pattern", violation.rule, detail, shown(text), limit)


def _broken(rule: str, detail: str, text: str, limit: str | None = None) -> Violation:
    return Violation("/pattern", rule, detail, shown(text), limit)


def _in_base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits

"""Identifier and prefix: parse once, fold for comparison, show as registered (RFC 3651 §2, industries.md)."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from idnode.model.errors import InvalidIdentifier, InvalidPrefix, Violation, shown
from idnode.model.limits import (
    IDENTIFIER_BYTES_MAX,
    PREFIX_BYTES_MAX,
    PREFIX_LABEL_DIGITS_MAX,
    RECURSIVE_NODE_CHARACTERS_MAX,
)

PREFIXES_REMEMBERED_MAX = 1_024
"""Of up to PREFIX_BYTES_MAX bytes each."""

# What most identifiers look like; the rules below say the same of every other one.
_PLAIN = re.compile(r"((?:[0-9A-Za-z]+\.)*[0-9A-Za-z]+)/[!-~]+")
_UNREMARKABLE_SUFFIX = re.compile(r"[0-9A-Za-z_-]+")


def fold(text: str) -> str:
    """The form that is compared and stored as key: ASCII letters in upper case, all else untouched (RFC 3651 §2)."""
    if text.isascii():
        return text.upper()
    # bytes.upper() touches ASCII letters only; str.upper() would turn 'ß' into 'SS'.
    return text.encode().upper().decode()


@dataclass(frozen=True, slots=True)
class Prefix:
    """A prefix as written and its folded form; equal prefixes have equal `folded`."""

    text: str
    folded: str

    @classmethod
    def parse(cls, text: str) -> "Prefix":
        """Any prefix of the Handle System: dotted, non-empty, printable labels. Raises InvalidPrefix."""
        problem = _prefix_problem(text)
        if problem is not None:
            raise InvalidPrefix(problem.detail, violations=(problem,))
        return cls(text, fold(text))

    @property
    def labels(self) -> tuple[str, ...]:
        """The parts between the dots."""
        return tuple(self.folded.split("."))

    def enterprise_label_problem(self, node_prefix: "Prefix") -> str | None:
        """Why this is not an enterprise prefix under `node_prefix` (one more label, of 1 to 128 digits), or None."""
        labels, own = self.labels, node_prefix.labels
        if labels[: len(own)] != own or len(labels) != len(own) + 1:
            return f"must be one label below the node's prefix {node_prefix.text}, as in {node_prefix.text}.8"
        label = labels[-1]
        if not (label.isascii() and label.isdigit() and len(label) <= PREFIX_LABEL_DIGITS_MAX):
            return f"its last label must be 1 to {PREFIX_LABEL_DIGITS_MAX} digits"
        return None


@dataclass(frozen=True, slots=True)
class Identifier:
    """`prefix/suffix` as written, with the folded form that is its key everywhere."""

    text: str
    folded: str
    prefix: Prefix

    @classmethod
    def parse(cls, text: str) -> "Identifier":
        """Split at the first slash. Raises InvalidIdentifier naming the value, the rule and the limit."""
        if len(text) <= PREFIX_BYTES_MAX:
            plain = _PLAIN.fullmatch(text)
            if plain is not None:
                return cls(text, text.upper(), _plain_prefix(plain[1]))
        problem = _identifier_problem(text)
        if problem is not None:
            raise InvalidIdentifier(problem.detail, violations=(problem,))
        prefix_text = text.partition("/")[0]
        return cls(text, fold(text), Prefix(prefix_text, fold(prefix_text)))

    @property
    def suffix(self) -> str:
        """What follows the first slash, as written."""
        return self.text.partition("/")[2]

    def warnings(self) -> tuple[str, ...]:
        """What recursive nodes on the road may refuse (snms-api.md, last paragraph); it does not stop registration."""
        suffix = self.suffix
        if len(self.text) <= RECURSIVE_NODE_CHARACTERS_MAX and _UNREMARKABLE_SUFFIX.fullmatch(suffix):
            return ()
        found = []
        if len(self.text) > RECURSIVE_NODE_CHARACTERS_MAX:
            found.append(f"longer than {RECURSIVE_NODE_CHARACTERS_MAX} characters: some recursive nodes refuse it")
        if "/" in suffix:
            found.append("more than one slash: some recursive nodes refuse it")
        special = {c for c in suffix if not c.isalnum() and c not in "_-/"}
        if special:
            listed = " ".join(sorted(special))
            found.append(f"special characters other than _ and - ({listed}): some recursive nodes refuse it")
        return tuple(found)


@lru_cache(maxsize=PREFIXES_REMEMBERED_MAX)
def _plain_prefix(text: str) -> Prefix:
    return Prefix(text, text.upper())


def unprintable(text: str) -> str | None:
    """The first character that may not stand in a name (control, format, surrogate, unassigned, odd space), named."""
    if text.isprintable():
        return None
    bad = next(c for c in text if not c.isprintable())
    return f"U+{ord(bad):04X} {unicodedata.name(bad, unicodedata.category(bad))} at character {text.index(bad)}"


def _identifier_problem(text: str) -> Violation | None:
    bad = unprintable(text)
    if bad is not None:
        return _broken(text, "printable", f"holds a character that may not be in an identifier: {bad}")
    prefix, slash, suffix = text.partition("/")
    if not slash:
        return _broken(text, "prefix-slash-suffix", f"no slash in '{shown(text)}'; an identifier is prefix/suffix")
    if not suffix:
        return _broken(text, "suffix-not-empty", "nothing follows the slash")
    size = len(text.encode())
    if size > IDENTIFIER_BYTES_MAX:
        return _broken(
            text,
            "max-bytes",
            f"{size} bytes in UTF-8, the limit is {IDENTIFIER_BYTES_MAX}",
            f"{IDENTIFIER_BYTES_MAX} bytes",
        )
    if text != text.strip():
        return _broken(text, "no-outer-space", "begins or ends with a space")
    return _prefix_problem(prefix)


def _prefix_problem(text: str) -> Violation | None:
    bad = unprintable(text)
    if bad is not None:
        return _broken(text, "printable", f"holds a character that may not be in a prefix: {bad}")
    size = len(text.encode())
    if size > PREFIX_BYTES_MAX:
        return _broken(text, "max-bytes", f"{size} bytes, the limit is {PREFIX_BYTES_MAX}", f"{PREFIX_BYTES_MAX} bytes")
    if not all(text.split(".")) or "/" in text or " " in text:
        return _broken(text, "dotted-labels", f"'{shown(text)}' is not dotted labels such as 88.118.8")
    return None


def _broken(text: str, rule: str, detail: str, limit: str | None = None) -> Violation:
    return Violation(pointer="", rule=rule, detail=detail, value=shown(text), limit=limit)

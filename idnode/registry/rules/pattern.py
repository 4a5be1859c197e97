"""Patterns of template items, matched by RE2: time linear in the text, so that no pattern can run away."""

from functools import lru_cache
from typing import Protocol, cast

import re2  # type: ignore[import-untyped]  # google-re2 ships neither stubs nor py.typed

PATTERN_CHARACTERS_MAX = 512
PATTERN_BYTES_MAX = 1 << 20
"""Memory that one compiled pattern may take; RE2 refuses those that need more."""
PATTERN_TEXT_BYTES_MAX = 4_096
"""Text that is held against a pattern; linear time is still long where the worst pattern meets the longest value."""
_PATTERNS_KEPT_MAX = 2_048


class Pattern(Protocol):
    """A compiled pattern; only full matches are asked for."""

    def fullmatch(self, text: bytes) -> object | None:
        """A match of the whole of `text`, or None."""


def pattern_problem(pattern: str) -> str | None:
    """Why RE2 cannot take `pattern` (no look-around, no back-references; 512 characters at most), or None."""
    if len(pattern) > PATTERN_CHARACTERS_MAX:
        return f"has {len(pattern)} characters, at most {PATTERN_CHARACTERS_MAX} are allowed"
    compiled = compile_pattern(pattern)
    return f"is not a pattern that RE2 takes: {compiled}" if isinstance(compiled, str) else None


@lru_cache(maxsize=_PATTERNS_KEPT_MAX)
def compile_pattern(pattern: str) -> Pattern | str:
    """The pattern ready to match UTF-8, or RE2's reason to refuse it."""
    options = re2.Options()
    options.max_mem = PATTERN_BYTES_MAX
    # The reason goes to the caller; RE2 would also write it to standard error.
    options.log_errors = False
    # Nobody asks for groups, and without them RE2 may use its fast automata only.
    options.never_capture = True
    try:
        return cast("Pattern", re2.compile(pattern, options))
    except UnicodeEncodeError:
        return "it holds a lone surrogate"
    except re2.error as error:
        return _reason(error)


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)

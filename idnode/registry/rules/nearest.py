"""The name that was probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches

NAME_CHARACTERS_MAX = 40
"""Longer names get no suggestion: the comparison is quadratic in their length."""


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The one of `names` that is most like `name`, or None if none is."""
    if len(name) > NAME_CHARACTERS_MAX:
        return None
    return next(iter(get_close_matches(name, names, n=1)), None)


def meant_hint(meant: str | None) -> str:
    """The end of a sentence about an unknown name: which one may be meant, or nothing."""
    return f"; is {meant} meant?" if meant else ""

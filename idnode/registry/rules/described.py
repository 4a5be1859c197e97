"""The words of a template for people: labels on one line, descriptions on several."""

import re

from idnode.registry.rules.json_values import text_problem

DESCRIPTION_CHARACTERS_MAX = 1_024
_LINE_ENDS = re.compile(r"[\t\r\n]")


def label_problem(text: str, characters_max: int) -> str | None:
    """Why `text` is no title, unit or option: blank, too long, or with control characters; or None."""
    if not text.strip():
        return "is blank"
    return _length_problem(text, characters_max) or text_problem(text)


def description_problem(text: str | None) -> str | None:
    """Why `text` is no description, or None; it may be absent and have several lines."""
    if text is None:
        return None
    return _length_problem(text, DESCRIPTION_CHARACTERS_MAX) or text_problem(_LINE_ENDS.sub(" ", text))


def _length_problem(text: str, characters_max: int) -> str | None:
    if len(text) <= characters_max:
        return None
    return f"has {len(text)} characters, at most {characters_max} are allowed"

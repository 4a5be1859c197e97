"""Which text may stand in a JSON answer as it is: no control characters, nothing that reorders what is shown."""

import re

# C0, DEL, C1 (§2: `string` is "valid UTF-8 without control characters"); the bidirectional embeddings, overrides and
# isolates of Unicode UAX #9, which make text display in another order than it is stored.
_NOT_PLAIN = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def is_plain(text: str) -> bool:
    """No control character and no bidirectional control."""
    # What Python calls printable holds neither; the test is several times faster than the search.
    return text.isprintable() or _NOT_PLAIN.search(text) is None


def not_plain(text: str) -> str | None:
    """The first character that keeps `text` from being plain, named with its place, or None."""
    match = _NOT_PLAIN.search(text)
    return match and f"U+{ord(match[0]):04X} at character {match.start()}"


def is_name(text: str) -> bool:
    """Not empty and printable: what a value type or a handle is made of."""
    return bool(text) and text.isprintable()

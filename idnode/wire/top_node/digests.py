"""What both sides compare: SHA-256 of a record's data, and one over all the records of a prefix and day."""

from collections.abc import Mapping
from hashlib import sha256

import orjson


def data_sha256(data: Mapping[str, object]) -> str:
    """SHA-256 in hex of the data as canonical JSON: members sorted by name, no spaces, UTF-8 without escapes."""
    return sha256(orjson.dumps(data, option=orjson.OPT_SORT_KEYS, default=dict)).hexdigest()


def digest_of(lines: Mapping[str, str]) -> str:
    """SHA-256 in hex over the lines `id sha256`, each ended by a newline, in the order of the ids' bytes."""
    # UTF-8 keeps the order of code points, by which Python compares text.
    return sha256("".join(f"{id} {lines[id]}\n" for id in sorted(lines)).encode()).hexdigest()

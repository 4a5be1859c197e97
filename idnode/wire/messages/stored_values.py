"""Values from the JSON in which they are stored straight to bytes: most are plain text, and need no objects between."""

from datetime import datetime
from functools import lru_cache
from struct import Struct
from typing import Any

import orjson

from idnode.model.handle_value import PERMISSIONS_DEFAULT
from idnode.wire.cursor import Writer
from idnode.wire.handle_json_reading import values_from_stored
from idnode.wire.messages.values import write_values

TYPES_REMEMBERED_MAX = 4_096
SECONDS_REMEMBERED_MAX = 4_096

_FRONT = Struct(">iIBIB")
_SIZE = Struct(">I")
_PLAIN_MEMBERS = 5
"""Index, type, data, ttl, timestamp: neither permissions of its own nor references."""
_NO_REFERENCES = bytes(4)
_PERMISSIONS = int(PERMISSIONS_DEFAULT)


def stored_values_bytes(values_json: bytes) -> bytes:
    """Their number, then each, as `write_values` writes what `values_from_stored` reads."""
    documents = orjson.loads(values_json)
    pieces = [_SIZE.pack(len(documents))]
    for document in documents:
        data = document["data"]
        ttl = document["ttl"]
        if len(document) != _PLAIN_MEMBERS or data["format"] != "string" or type(ttl) is not int:
            return _any_values(documents)
        octets = data["value"].encode()
        pieces.append(_FRONT.pack(document["index"], _second_of(document["timestamp"]), 0, ttl, _PERMISSIONS))
        pieces.append(_type_bytes(document["type"]))
        pieces.append(_SIZE.pack(len(octets)))
        pieces.append(octets)
        pieces.append(_NO_REFERENCES)
    return b"".join(pieces)


def _any_values(documents: list[dict[str, Any]]) -> bytes:
    writer = Writer()
    write_values(writer, values_from_stored(documents))
    return writer.written()


@lru_cache(maxsize=TYPES_REMEMBERED_MAX)
def _type_bytes(name: str) -> bytes:
    return Writer().text(name).written()


@lru_cache(maxsize=SECONDS_REMEMBERED_MAX)
def _second_of(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())

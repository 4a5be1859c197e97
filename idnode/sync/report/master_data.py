"""Table T9, one row per change of an identifier: from the change row's documents, without building records. Pure."""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, cast

import orjson

from idnode.model.record import Operation, State
from idnode.sync.report.missing import DataMissing

ADD, DELETE, MODIFY = 1, 2, 3
"""The contract's numbers."""
OPERATION: Mapping[str, int] = {
    Operation.REGISTER: ADD,
    Operation.ACTIVATE: ADD,
    Operation.RESTORE: ADD,
    Operation.DELETE: DELETE,
    Operation.REPLACE: MODIFY,
    Operation.PATCH: MODIFY,
    Operation.SUSPEND: MODIFY,
}
ITEMS: Mapping[str, tuple[str, ...]] = {
    "product_type": ("product_type",),
    "brand": ("brand",),
    "product_name": ("product_name",),
    "manufacturer": ("manufacturer",),
    "produced_at": ("produced_at",),
    "valid_until": ("valid_until",),
    "terminal_type": ("terminal_type",),
    "owner": ("owner",),
    "purpose": ("purpose",),
    "serial_or_imei": ("imei", "serial_number"),
    "access_licence": ("network_access_licence",),
    "scramble_code": ("scramble_code",),
    "sequence": ("sequence",),
}
"""By field of T9 the items of a template that may hold it, by English name: the first that the record has. The names
are those of the shipped templates; a template of one's own is reported as far as its items are called so."""

_VALUES = b'","values":['
_UTC_HOURS_OF_SAME_DAY = "16"  # from 16:00 UTC on it is the next day in Beijing


class MasterData:
    """Renders T9; `items` names other items for a field than ITEMS does."""

    def __init__(self, items: Mapping[str, tuple[str, ...]] = ITEMS) -> None:
        self._fields = tuple((field, name) for field, names in items.items() for name in names)

    def row(self, operation: str, old: bytes | None, new: bytes | None) -> dict[str, object]:
        """The row of one change, from the record before and after it. Raises DataMissing when they are not there."""
        number = OPERATION[operation]
        if operation == Operation.RESTORE and old is not None and orjson.loads(old)["state"] == State.SUSPENDED:
            number = MODIFY  # what was suspended was never deleted
        document = old if number == DELETE else new
        if document is None:
            raise DataMissing("the change row is not there any more")
        record = _head_of(document)
        template = record["template"]
        row: dict[str, object] = {
            "identifier": record["identifier"],
            "created": day_in_beijing(record["created"]),
            "operation": number,
        }
        if template is not None:
            row["template"] = template_identifier(template["prefix"], template["version"])
        attributes = record["attributes"]
        if attributes:
            for field, name in self._fields:
                value = attributes.get(name)
                # A field without a value is left out; the contract's tables know no empty text.
                if value is not None and value != "" and field not in row:
                    row[field] = value if type(value) is str else _text(value)
        return row


def _head_of(document: bytes) -> dict[str, Any]:
    """The record without its values, which are its last member and most of its bytes (ARCHITECTURE.md).

    An attribute may hold an object that looks like it; what is cut off there lacks more than one brace, and is no JSON.
    """
    cut = document.find(_VALUES)
    if cut > 0:
        try:
            return cast("dict[str, Any]", orjson.loads(document[: cut + 1] + b"}"))
        except orjson.JSONDecodeError:
            pass
    return cast("dict[str, Any]", orjson.loads(document))


def template_identifier(prefix: str, version: str) -> str:
    """A template's own identifier. Templates have none of their own at this node: prefix and version name them."""
    return f"{prefix}/{version}"


def day_in_beijing(instant: str) -> str:
    """The day (yyyy-MM-dd, UTC+8) of an instant as the node writes it: 2026-11-24T07:18:31.250Z."""
    day = instant[:10]
    return day if instant[11:13] < _UTC_HOURS_OF_SAME_DAY else _following(day)


@lru_cache(maxsize=64)  # a batch is of a few days
def _following(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def _text(value: object) -> str:
    """Numbers and structures of templates of one's own, as JSON."""
    return orjson.dumps(value).decode()

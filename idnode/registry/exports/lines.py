"""Records as lines of an export: NDJSON as they stand, CSV with a column for each attribute. Pure."""

import csv
import io
from collections.abc import Iterable, Sequence

import orjson

from idnode.registry.imports.formats.apostrophes import defused

FIXED_COLUMNS = ("identifier", "template", "state", "version", "created", "updated")
REST_COLUMN = "attributes"
"""What a record has besides the columns, as JSON; in every export that names no columns, so that nothing is lost."""
VALUES_COLUMN = "values"
ATTRIBUTE = "attributes."
"""Before the name of an attribute that a column of the record is called like, too."""
_OF_RECORDS = frozenset({*FIXED_COLUMNS, REST_COLUMN, VALUES_COLUMN})
MARK = "\ufeff"
"""Without it a spreadsheet takes UTF-8 for the encoding of the country."""

Document = dict[str, object]


def ndjson_lines(records: Iterable[bytes]) -> bytes:
    """Each record on a line of its own, as GET /v1/identifiers has it."""
    return b"".join(record + b"\n" for record in records)


def columns_of(records: Iterable[bytes]) -> tuple[str, ...]:
    """The columns of an export that names none: those of every record, and the attributes of these."""
    names: dict[str, None] = {}
    for record in records:
        names |= dict.fromkeys(_attributes(orjson.loads(record)))
    return (*FIXED_COLUMNS, *(name for name in names if name not in _OF_RECORDS), REST_COLUMN)


class CsvLines:
    """Writes records as rows of these columns."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = tuple(columns)
        self._named = {name.removeprefix(ATTRIBUTE) for name in columns if name not in _OF_RECORDS}

    def header(self) -> bytes:
        """The first line."""
        return (MARK + _line([self._columns])).encode()

    def lines(self, records: Iterable[bytes]) -> bytes:
        """One row for each record; what a spreadsheet would run is defused."""
        return _line(map(self._row, records)).encode()

    def _row(self, record: bytes) -> list[str]:
        document: Document = orjson.loads(record)
        attributes = _attributes(document)
        return [defused(self._cell(column, document, attributes)) for column in self._columns]

    def _cell(self, column: str, document: Document, attributes: Document) -> str:
        if column == "template":
            return _template(document["template"])
        if column in FIXED_COLUMNS or column == VALUES_COLUMN:
            return _text(document[column])
        if column == REST_COLUMN:
            rest = {name: value for name, value in attributes.items() if name not in self._named}
            return _text(rest) if rest else ""
        return _text(attributes.get(column.removeprefix(ATTRIBUTE)))


def _line(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _attributes(document: Document) -> Document:
    attributes = document["attributes"]
    return attributes if isinstance(attributes, dict) else {}


def _template(template: object) -> str:
    return f"{template['prefix']}:{template['version']}" if isinstance(template, dict) else ""


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case _:
            return orjson.dumps(value).decode()

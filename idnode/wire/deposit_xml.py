"""The data of a deposit as XML: a head, and for each table a document of rows; streamed, whatever their number.

    <rows xmlns="urn:idnode:deposit:1" table="prefix"><row><folded>88.118.8</folded> … </row> … </rows>

A column is an element of its name, its text what PostgreSQL writes for the value (times in UTC). NULL is an element
that is not there. Bytes that are UTF-8 text, such as records in JSON, stand as text; what XML cannot hold stands in
base64, and says so: `encoding="base64"`.
"""

import binascii
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO

from lxml import etree

from idnode.model.errors import IdnodeError, shown
from idnode.wire.encoded_bytes import base64_of, from_base64

NAMESPACE = "urn:idnode:deposit:1"
LINES_BYTES = 262_144
"""Rows are handed on in lots of about this size."""

_ROWS, _ROW = f"{{{NAMESPACE}}}rows", f"{{{NAMESPACE}}}row"
_HEAD, _TABLE, _SEQUENCE = (f"{{{NAMESPACE}}}{name}" for name in ("deposit", "table", "sequence"))
_NULL = b"\\N"
_ESCAPED = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_TO_COPY = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


class MalformedDeposit(IdnodeError):
    """What should be a deposit's XML is not, or not of the tables that it names."""

    code = "malformed-deposit"


@dataclass(frozen=True, slots=True)
class DepositColumn:
    """A column; `is_bytes` tells that its values are bytes (bytea) rather than text."""

    name: str
    is_bytes: bool


@dataclass(frozen=True, slots=True)
class TableContent:
    """A table in the head: which columns its rows have, and how many rows there are."""

    name: str
    columns: tuple[str, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class DepositHead:
    """What a deposit says of itself: `made` and `seen_at` as RFC 3339, `schema` is the number of the last migration."""

    node: str
    id: str
    kind: str
    base: str
    made: str
    snapshot: str
    lineage: str
    seen_at: str
    schema: int
    tables: tuple[TableContent, ...]
    sequences: Mapping[str, int]


class RowsWriter:
    """Writes the rows of a table, which come as PostgreSQL's COPY writes them (text format), into a document of XML."""

    def __init__(self, file: IO[bytes], table: str, columns: Sequence[DepositColumn]) -> None:
        self._columns = [(column.name, column.is_bytes) for column in columns]
        self._open = ExitStack()
        self._file = self._open.enter_context(etree.xmlfile(file, encoding="UTF-8"))
        self._file.write_declaration()
        self._open.enter_context(self._file.element(_ROWS, table=table, nsmap={None: NAMESPACE}))
        self.rows = 0

    def write(self, lines: bytes) -> None:
        """Whole lines of COPY."""
        for line in lines[:-1].split(b"\n"):
            self._file.write(self._row(line))
            self.rows += 1

    def close(self) -> None:
        """End the document."""
        self._open.close()

    def _row(self, line: bytes) -> "etree._Element":
        # In the default namespace of the document, which each row would declare again if it were told of it.
        row = etree.Element("row")
        row.tail = "\n"
        for (tag, is_bytes), field in zip(self._columns, line.split(b"\t"), strict=True):
            if field != _NULL:
                cell = etree.SubElement(row, tag)
                # Bytes come as `\\x` and hexadecimal digits.
                _fill(cell, binascii.unhexlify(field[3:]) if is_bytes else _unescaped(field))
        return row


def read_rows(file: IO[bytes], table: str, columns: Sequence[DepositColumn]) -> Iterator[tuple[int, bytes]]:
    """Lots of rows as COPY reads them, each with their number. Raises MalformedDeposit.

    `columns` are those of the head, in its order; a row with another one is refused.
    """
    places = {f"{{{NAMESPACE}}}{column.name}": place for place, column in enumerate(columns)}
    are_bytes = [column.is_bytes for column in columns]
    lines: list[bytes] = []
    size = 0
    try:
        parsing = etree.iterparse(
            file, events=("start", "end"), tag=(_ROWS, _ROW), resolve_entities=False, no_network=True, huge_tree=True
        )
        for event, element in parsing:
            if element.tag == _ROWS:
                _require_table(element, table)
            elif event == "end":
                line = _copy_line(element, places, are_bytes)
                lines.append(line)
                size += len(line)
                _forget(element)
                if size >= LINES_BYTES:
                    yield len(lines), b"".join(lines)
                    lines, size = [], 0
    except etree.XMLSyntaxError as error:
        raise MalformedDeposit(f"the rows of table {table} are no well-formed XML: {error.msg}") from error
    if lines:
        yield len(lines), b"".join(lines)


def write_head(file: IO[bytes], head: DepositHead) -> None:
    """The head as a document."""
    members = {name: getattr(head, name) for name in _HEAD_MEMBERS}
    root = etree.Element(_HEAD, {name: str(value) for name, value in members.items()}, nsmap={None: NAMESPACE})
    for table in head.tables:
        etree.SubElement(root, _TABLE, name=table.name, columns=" ".join(table.columns), rows=str(table.rows))
    for name, value in head.sequences.items():
        etree.SubElement(root, _SEQUENCE, name=name, value=str(value))
    file.write(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def read_head(document: bytes) -> DepositHead:
    """The inverse. Raises MalformedDeposit."""
    try:
        root = etree.fromstring(document, etree.XMLParser(resolve_entities=False, no_network=True))
        if root.tag != _HEAD:
            raise MalformedDeposit(f"the head of the deposit is a '{shown(root.tag)}', expected {_HEAD}")
        members = {name: _attribute(root, name) for name in _HEAD_MEMBERS if name != "schema"}
        tables = tuple(_table(each) for each in root.iterfind(_TABLE))
        sequences = {_attribute(each, "name"): int(_attribute(each, "value")) for each in root.iterfind(_SEQUENCE)}
        return DepositHead(**members, schema=int(_attribute(root, "schema")), tables=tables, sequences=sequences)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise MalformedDeposit(f"the head of the deposit cannot be read: {error}") from error


_HEAD_MEMBERS = ("node", "id", "kind", "base", "made", "snapshot", "lineage", "seen_at", "schema")


def _table(element: "etree._Element") -> TableContent:
    columns = tuple(_attribute(element, "columns").split())
    return TableContent(_attribute(element, "name"), columns, int(_attribute(element, "rows")))


def _attribute(element: "etree._Element", name: str) -> str:
    value = element.get(name)
    if value is None:
        raise MalformedDeposit(f"the head of the deposit lacks '{name}' in {etree.QName(element).localname}")
    return value


def _require_table(element: "etree._Element", table: str) -> None:
    if element.get("table") != table:
        raise MalformedDeposit(f"these are rows of table '{shown(element.get('table'))}', expected {table}")


def _fill(cell: "etree._Element", value: bytes) -> None:
    try:
        cell.text = value.decode()
    except ValueError:  # no UTF-8, or a character that XML forbids
        cell.set("encoding", "base64")
        cell.text = base64_of(value)


def _value(cell: "etree._Element") -> bytes:
    text = cell.text or ""
    if cell.get("encoding") != "base64":
        return text.encode()
    value = from_base64(text)
    if value is None:
        raise MalformedDeposit(f"column {etree.QName(cell).localname} holds what is no base64")
    return value


def _copy_line(row: "etree._Element", places: Mapping[str, int], are_bytes: Sequence[bool]) -> bytes:
    fields = [_NULL] * len(are_bytes)
    for cell in row:
        place = places.get(str(cell.tag))
        if place is None:
            raise MalformedDeposit(f"a row has the column '{shown(cell.tag)}', which the head does not name")
        if len(cell):
            raise MalformedDeposit(f"column {etree.QName(cell).localname} holds more than text: an entity or elements")
        value = _value(cell)
        fields[place] = b"\\\\x" + binascii.hexlify(value) if are_bytes[place] else _escaped(value)
    return b"\t".join(fields) + b"\n"


def _forget(row: "etree._Element") -> None:
    """What was read goes, and what stands before it: memory stays the same for any number of rows."""
    row.clear()
    parent = row.getparent()
    while parent is not None and row.getprevious() is not None:
        del parent[0]


def _unescaped(field: bytes) -> bytes:
    """What a field of COPY says."""
    if b"\\" not in field:
        return field
    first, *others = field.split(b"\\\\")
    return b"\\".join(_without_letters(part) for part in (first, *others))


def _without_letters(part: bytes) -> bytes:
    first, *others = part.split(b"\\")
    return first + b"".join(_ESCAPED.get(other[:1], other[:1]) + other[1:] for other in others)


def _escaped(value: bytes) -> bytes:
    return value.decode().translate(_TO_COPY).encode()

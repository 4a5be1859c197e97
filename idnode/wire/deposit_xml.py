"""The data of a deposit as XML: a head, and for each table a document of rows; streamed, whatever their number.

    <rows xmlns="urn:idnode:deposit:1" table="prefix"><row><folded>88.118.8</folded> … </row> … </rows>

A column is an element of its name, its text what PostgreSQL writes for the value (times in UTC). NULL is an element
that is not there. Bytes that are UTF-8 text, such as records in JSON, stand as text; what XML cannot hold stands in
base64, and says so: `encoding="base64"`.

A deposit has hundreds of millions of rows. So they are written as bytes, a lot of them at a time, and read by expat: an
object of lxml for each cell took most of the time of making and of restoring one.
"""

import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import IO
from xml.parsers import expat  # document types, and with them entities, are refused below

from lxml import etree

from idnode.model.errors import IdnodeError, shown
from idnode.wire.encoded_bytes import base64_of, from_base64

NAMESPACE = "urn:idnode:deposit:1"
LINES_BYTES = 262_144
"""Rows are handed on in lots of about this size."""

BLOCK_BYTES = 65_536
"""XML is read in blocks of this size."""

_NOTHING_OPEN, _ROWS_OPEN, _ROW_OPEN, _CELL_OPEN = range(4)
_ROWS, _ROW = f"{NAMESPACE} rows", f"{NAMESPACE} row"
_HEAD, _TABLE, _SEQUENCE = (f"{{{NAMESPACE}}}{name}" for name in ("deposit", "table", "sequence"))
_NULL = b"\\N"
_ESCAPED = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_TO_COPY = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_SEPARATOR = b"\0"
"""Between values while they are looked at together; XML forbids it in them."""
_FORBIDDEN = bytes(octet for octet in range(1, 0x20) if octet not in b"\t\n\r")
_NO_CHARACTERS = re.compile(b"\xef\xbf[\xbe\xbf]")
"""U+FFFE and U+FFFF. XML 1.0 §2.2 forbids them, too; surrogates are no UTF-8."""


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
        self._file = file
        self._names = [column.name.encode() for column in columns]
        self._bytes_places = [place for place, column in enumerate(columns) if column.is_bytes]
        self._templates: dict[tuple[bool, ...], bytes] = {}
        self.rows = 0
        file.write(b"<?xml version='1.0' encoding='UTF-8'?>\n" + f'<rows xmlns="{NAMESPACE}" table="{table}">'.encode())

    def write(self, lines: bytes) -> None:
        """Whole lines of COPY."""
        rows = [self._fields(line) for line in lines[:-1].split(b"\n")]
        values = [value for row in rows for value in row if value is not None]
        texts = _texts(values)
        if texts is None:
            self._file.write(b"".join(map(self._row, rows)))
        else:
            self._file.write(b"".join(map(self._template, rows)) % tuple(texts))
        self.rows += len(rows)

    def close(self) -> None:
        """End the document; the file stays open."""
        self._file.write(b"</rows>")

    def _fields(self, line: bytes) -> list[bytes | None]:
        """The values of a row, None for NULL."""
        written = line.split(b"\t")
        if len(written) != len(self._names):
            raise MalformedDeposit(f"a row has {len(written)} columns, expected {len(self._names)}")
        nulls = written.count(_NULL)
        fields: list[bytes | None] = [None if field == _NULL else field for field in written] if nulls else [*written]
        marks = nulls
        for place in self._bytes_places:
            field = fields[place]
            if field is not None:
                # Bytes come as `\\\\x` and hexadecimal digits.
                marks += 2
                fields[place] = binascii.unhexlify(field[3:])
        if line.count(b"\\") == marks:
            return fields
        return [
            field if field is None or place in self._bytes_places else _unescaped(field)
            for place, field in enumerate(fields)
        ]

    def _template(self, row: Sequence[bytes | None]) -> bytes:
        """A row with `%b` in the place of each value."""
        shape = tuple([value is not None for value in row])
        template = self._templates.get(shape)
        if template is None:
            cells = b"".join(b"<%b>%%b</%b>" % (name, name) for name in compress(self._names, shape))
            self._templates[shape] = template = b"<row>" + cells + b"</row>\n"
        return template

    def _row(self, row: Sequence[bytes | None]) -> bytes:
        """A row of values of which some may be what XML cannot hold."""
        cells = [_cell(name, value) for name, value in zip(self._names, row, strict=True) if value is not None]
        return b"<row>" + b"".join(cells) + b"</row>\n"


def read_rows(file: IO[bytes], table: str, columns: Sequence[DepositColumn]) -> Iterator[tuple[int, bytes]]:
    """Lots of rows as COPY reads them, each with their number. Raises MalformedDeposit.

    `columns` are those of the head, in its order; a row with another one is refused.
    """
    document = _RowsDocument(table, columns)
    try:
        while block := file.read(BLOCK_BYTES):
            document.parser.Parse(block, False)  # not the last one
            if document.size >= LINES_BYTES:
                yield document.taken()
        document.parser.Parse(b"", True)
    except expat.ExpatError as error:
        told = expat.ErrorString(error.code)
        raise MalformedDeposit(f"the rows of table {table} are no well-formed XML: {told}") from error
    if document.lines:
        yield document.taken()


class _RowsDocument:
    """A document of rows while it is read: what was complete so far, in `lines`."""

    def __init__(self, table: str, columns: Sequence[DepositColumn]) -> None:
        self._table = table
        self._places = {f"{NAMESPACE} {column.name}": place for place, column in enumerate(columns)}
        self._are_bytes = [column.is_bytes for column in columns]
        self._depth = _NOTHING_OPEN
        self._fields: list[bytes] = []
        self._place = 0
        self._is_base64 = False
        self._text: list[str] = []
        self.lines: list[bytes] = []
        self.size = 0
        self.parser = expat.ParserCreate("UTF-8", " ")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse_type
        self.parser.StartElementHandler = self._begin
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text.append

    def taken(self) -> tuple[int, bytes]:
        """The lines so far, and how many; the next ones begin a lot."""
        lot = len(self.lines), b"".join(self.lines)
        self.lines.clear()
        self.size = 0
        return lot

    def _refuse_type(self, *_: object) -> None:
        raise MalformedDeposit(f"the rows of table {self._table} have a document type; deposits have none")

    def _begin(self, tag: str, attributes: Mapping[str, str]) -> None:
        if self._depth == _ROW_OPEN:
            self._begin_cell(tag, attributes)
        elif self._depth == _ROWS_OPEN:
            if tag != _ROW:
                raise MalformedDeposit(f"between the rows of table {self._table} stands '{shown(tag)}'")
            self._fields = [_NULL] * len(self._are_bytes)
            self._depth = _ROW_OPEN
        elif self._depth == _NOTHING_OPEN:
            found = attributes.get("table")
            if tag != _ROWS:
                raise MalformedDeposit(f"the document is a '{shown(tag)}', expected '{_ROWS}'")
            if found != self._table:
                raise MalformedDeposit(f"these are rows of table '{shown(found)}', expected {self._table}")
            self._depth = _ROWS_OPEN
        else:
            raise MalformedDeposit(f"a column of table {self._table} holds more than text: '{shown(tag)}'")

    def _begin_cell(self, tag: str, attributes: Mapping[str, str]) -> None:
        place = self._places.get(tag)
        if place is None:
            raise MalformedDeposit(f"a row has the column '{shown(tag)}', which the head does not name")
        if self._fields[place] is not _NULL:
            raise MalformedDeposit(f"a row has the column '{shown(tag)}' twice")
        self._place = place
        self._is_base64 = bool(attributes) and attributes.get("encoding") == "base64"
        self._text.clear()
        self._depth = _CELL_OPEN

    def _end(self, tag: str) -> None:
        if self._depth == _CELL_OPEN:
            text = self._text[0] if len(self._text) == 1 else "".join(self._text)
            if self._is_base64:
                self._fields[self._place] = self._decoded(tag, text)
            else:
                is_bytes = self._are_bytes[self._place]
                self._fields[self._place] = _hexadecimal(text.encode()) if is_bytes else _escaped(text)
            self._depth = _ROW_OPEN
        elif self._depth == _ROW_OPEN:
            line = b"\t".join(self._fields) + b"\n"
            self.lines.append(line)
            self.size += len(line)
            self._depth = _ROWS_OPEN

    def _decoded(self, tag: str, text: str) -> bytes:
        """A value that stands in base64, as COPY reads it."""
        value = from_base64(text)
        if value is None:
            raise MalformedDeposit(f"column {tag.rpartition(' ')[2]} holds what is no base64")
        if self._are_bytes[self._place]:
            return _hexadecimal(value)
        try:
            return _escaped(value.decode())
        except ValueError:
            raise MalformedDeposit(f"column {tag.rpartition(' ')[2]} holds what is no text in UTF-8") from None


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


def _texts(values: Sequence[bytes]) -> list[bytes] | None:
    """Values as they stand between tags; None if XML cannot hold one of them."""
    if not values:
        return []
    joined = _SEPARATOR.join(values)
    try:
        joined.decode()
    except ValueError:
        return None
    if joined.count(_SEPARATOR) != len(values) - 1 or len(joined.translate(None, _FORBIDDEN)) != len(joined):
        return None
    if _NO_CHARACTERS.search(joined):
        return None
    # A parser makes a line feed of a carriage return that stands as it is (XML 1.0 §2.11).
    for plain, reference in ((b"&", b"&amp;"), (b"<", b"&lt;"), (b">", b"&gt;"), (b"\r", b"&#13;")):
        joined = joined.replace(plain, reference)
    return joined.split(_SEPARATOR)


def _cell(name: bytes, value: bytes) -> bytes:
    texts = _texts([value])
    if texts is None:
        return b'<%b encoding="base64">%b</%b>' % (name, base64_of(value).encode(), name)
    return b"<%b>%b</%b>" % (name, texts[0], name)


def _unescaped(field: bytes) -> bytes:
    """What a field of COPY says."""
    if b"\\" not in field:
        return field
    first, *others = field.split(b"\\\\")
    return b"\\".join(_without_letters(part) for part in (first, *others))


def _without_letters(part: bytes) -> bytes:
    first, *others = part.split(b"\\")
    return first + b"".join(_ESCAPED.get(other[:1], other[:1]) + other[1:] for other in others)


def _hexadecimal(value: bytes) -> bytes:
    """As COPY reads bytes."""
    return b"\\\\x" + binascii.hexlify(value)


def _escaped(text: str) -> bytes:
    if "\\" in text or "\n" in text or "\r" in text or "\t" in text:
        text = text.translate(_TO_COPY)
    return text.encode()

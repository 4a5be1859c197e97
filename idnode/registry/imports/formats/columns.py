"""From the cells of a row to the document that a batch would have there: every fault of the row at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from idnode.model.errors import InvalidInput, Violation, pointer_of, shown
from idnode.registry.imports.formats.apostrophes import restored
from idnode.registry.imports.formats.cells import Read, UnreadableCell, is_shortened, shortened
from idnode.registry.imports.formats.tables import WHOLE_ROW, Cells

Document = dict[str, object]


class AttributeColumn(NamedTuple):
    """A column that becomes an attribute; `read` is None where the text is the value."""

    place: int
    name: str
    read: Read | None


class ValuePlace(NamedTuple):
    """A column that becomes a Handle value with the index `number`."""

    place: int
    number: int
    type: str


@dataclass(frozen=True, slots=True)
class Columns:
    """Where everything stands in a row. `has_apostrophes` tells a file that we wrote."""

    header: tuple[str, ...]
    has_apostrophes: bool
    is_ragged_refused: bool
    identifier: int
    prefix: str | None
    operation: str | None
    operation_place: int | None
    template: tuple[str, str] | None
    template_place: int | None
    attributes_place: int | None
    attributes: tuple[AttributeColumn, ...]
    values: tuple[ValuePlace, ...]

    def document_of(self, row: Cells) -> Document:
        """What the row asks for; an empty cell gives nothing. Raises InvalidInput with everything that is wrong."""
        cells, width = row.cells, len(self.header)
        if row.faults:
            self._require_readable(row.faults)
        if len(cells) != width:
            cells = self._fitted(cells, width)
        if self.has_apostrophes:
            cells = [restored(cell) for cell in cells]
        violations: list[Violation] = []
        document = self._head(cells, violations)
        if document.get("op") != "delete":
            self._add_content(document, cells, violations)
        if violations:
            raise InvalidInput.of(violations)
        return document

    def _require_readable(self, faults: Mapping[int, Violation]) -> None:
        used = {WHOLE_ROW, self.identifier, self.operation_place, self.template_place, self.attributes_place}
        used |= {each.place for each in self.attributes} | {each.place for each in self.values}
        InvalidInput.refuse_any([fault for place, fault in faults.items() if place in used])

    def _fitted(self, cells: list[str], width: int) -> list[str]:
        if not self.is_ragged_refused and len(cells) < width:
            # A sheet has no empty cells at the end of a row.
            return cells + [""] * (width - len(cells))
        detail = f"the row has {len(cells)} cells, the header has {width}"
        if self.is_ragged_refused or any(cells[width:]):
            raise InvalidInput.of([Violation("", "columns", detail, str(len(cells)), f"{width} columns")])
        return cells[:width]

    def _head(self, cells: list[str], violations: list[Violation]) -> Document:
        document: Document = {}
        if self.operation is not None:
            document["op"] = self.operation
        if self.operation_place is not None and cells[self.operation_place]:
            document["op"] = cells[self.operation_place].strip().lower()
        identifier = cells[self.identifier]
        if not identifier:
            title = shown(self.header[self.identifier])
            violations.append(Violation("/identifier", "required", f"column {title}: the cell is empty"))
        elif is_shortened(identifier):
            violations.append(shortened("/identifier", self.header[self.identifier], identifier))
        document["identifier"] = f"{self.prefix}/{identifier}" if self.prefix and "/" not in identifier else identifier
        return document

    def _add_content(self, document: Document, cells: list[str], violations: list[Violation]) -> None:
        template = self.template
        if self.template_place is not None and cells[self.template_place]:
            template = _template_named(cells[self.template_place], violations)
        if template is not None and document.get("op") != "patch":
            document["template"] = {"prefix": template[0], "version": template[1]}
        attributes: Document = {}
        if self.attributes_place is not None and cells[self.attributes_place]:
            attributes = _attributes_in(cells[self.attributes_place], violations)
        self._add_attributes(attributes, cells, violations)
        if attributes:
            document["attributes"] = attributes
        if self.values:
            document["values"] = [_value_document(each, cells[each.place]) for each in self.values if cells[each.place]]

    def _add_attributes(self, attributes: Document, cells: list[str], violations: list[Violation]) -> None:
        for place, name, read in self.attributes:
            cell = cells[place]
            if not cell:
                continue
            if read is None:
                attributes[name] = cell
                if "E+" in cell and is_shortened(cell):
                    violations.append(shortened(pointer_of(("attributes", name)), self.header[place], cell))
                continue
            try:
                attributes[name] = read(cell)
            except UnreadableCell as error:
                detail = f"column {shown(self.header[place])}: {shown(cell)} {error.detail}"
                violations.append(
                    Violation(pointer_of(("attributes", name)), error.rule, detail, shown(cell), None, name)
                )


def _template_named(cell: str, violations: list[Violation]) -> tuple[str, str] | None:
    prefix, colon, version = cell.strip().partition(":")
    if not (prefix and colon and version):
        detail = f"{shown(cell)} is no template; it is written PREFIX:VERSION"
        violations.append(Violation("/template", "template", detail, shown(cell)))
        return None
    return prefix, version


def _attributes_in(cell: str, violations: list[Violation]) -> Document:
    try:
        found = orjson.loads(cell)
    except orjson.JSONDecodeError:
        found = None
    if isinstance(found, dict):
        return found
    detail = "the column attributes holds a JSON object"
    violations.append(Violation("/attributes", "object", detail, shown(cell)))
    return {}


def _value_document(value: ValuePlace, cell: str) -> Document:
    return {"index": value.number, "type": value.type, "data": {"format": "string", "value": cell}}

"""Binds the columns of a table to what they are: by a mapping, or by the header and the items of the template."""

from collections.abc import Mapping, Sequence

from idnode.model.errors import InvalidInput, Violation, pointer_of, shown
from idnode.model.imports import ReadingOptions
from idnode.model.template import Item
from idnode.registry.imports.formats.cells import reader_of
from idnode.registry.imports.formats.columns import AttributeColumn, Columns, ValuePlace
from idnode.registry.imports.formats.mapping import Column, ColumnMapping, ValueColumn, mapping_of
from idnode.registry.imports.formats.tables import REASON_COLUMN, REASON_COLUMNS
from idnode.registry.rules.nearest import meant_hint, nearest

IDENTIFIER_COLUMNS = ("identifier", "标识", "标识码", "标识编码", "handle")
OPERATION_COLUMNS = ("op", "操作")
TEMPLATE_COLUMN = "template"
ATTRIBUTES_COLUMN = "attributes"
URL_COLUMN = "url"
URL_VALUE = ValueColumn(1, "URL", URL_COLUMN)
EXPORTED_COLUMNS = frozenset({"state", "version", "created", "updated"})
"""Exports have them all, and rows say nothing of them; beside a column named identifier they tell a file of ours."""
_ATTRIBUTES = ("mapping", "attributes")


def columns_of(
    header: Sequence[str], options: ReadingOptions, items: Sequence[Item], *, is_ragged_refused: bool
) -> Columns:
    """Bind a header: by the mapping of `options`, or by the names and titles of `items`. Raises InvalidInput with every
    column that is not there or fits nothing.
    """
    places = {name: place for place, name in enumerate(header) if name}
    violations: list[Violation] = []
    known = {item.name: item for item in items if item.enabled}
    by_header = options.mapping is None
    mapping = _matched(places, known, violations) if options.mapping is None else mapping_of(options.mapping)
    bound = _Binding(places, len(header), violations)
    is_exported = "identifier" in places and places.keys() >= EXPORTED_COLUMNS
    operation = mapping.operation_column
    columns = Columns(
        header=tuple(header),
        has_apostrophes=REASON_COLUMN in places or is_exported,
        is_ragged_refused=is_ragged_refused,
        identifier=bound.place("/mapping/identifier", mapping.identifier),
        prefix=mapping.prefix,
        operation=mapping.operation,
        operation_place=None if operation is None else bound.place("/mapping/op/column", operation),
        template=mapping.template,
        template_place=places.get(TEMPLATE_COLUMN) if by_header and TEMPLATE_COLUMN not in known else None,
        attributes_place=places.get(ATTRIBUTES_COLUMN) if by_header and ATTRIBUTES_COLUMN not in known else None,
        attributes=tuple(
            AttributeColumn(
                bound.place(pointer_of(("mapping", "attributes", name)), column), name, reader_of(known.get(name))
            )
            for name, column in mapping.attributes
        ),
        values=tuple(
            ValuePlace(bound.place(f"/mapping/values/{number}/column", each.column), each.index, each.type)
            for number, each in enumerate(mapping.values)
        ),
    )
    InvalidInput.refuse_any(violations)
    return columns


class _Binding:
    """Looks for columns, and notes those that are not there."""

    def __init__(self, places: Mapping[str, int], width: int, violations: list[Violation]) -> None:
        self._places = places
        self._width = width
        self._violations = violations

    def place(self, pointer: str, column: Column) -> int:
        """Where the column is; 0 where there is none, which is noted."""
        if isinstance(column, int):
            if column > self._width:
                detail = f"there is no column {column}; the file has {self._width}"
                self._violations.append(Violation(pointer, "column", detail, str(column), f"{self._width} columns"))
            return column - 1 if column <= self._width else 0
        found = self._places.get(column)
        if found is None:
            listed = ", ".join(map(shown, self._places))
            hint = meant_hint(nearest(column, self._places))
            detail = f"there is no column {shown(column)} in the header{hint or f': {shown(listed)}'}"
            self._violations.append(Violation(pointer, "column", detail, shown(column)))
            return 0
        return found


def _matched(places: Mapping[str, int], items: Mapping[str, Item], violations: list[Violation]) -> ColumnMapping:
    """What a header says by itself."""
    titles = {item.title: item for item in items.values()}
    identifier = next((name for name in IDENTIFIER_COLUMNS if name in places and name not in items), None)
    if identifier is None:
        listed = ", ".join(IDENTIFIER_COLUMNS)
        detail = f"the header has no column of identifiers, named one of {listed}; name it, or give a mapping"
        violations.append(Violation("", "column", detail, shown(", ".join(places)), listed))
    operation = next((name for name in OPERATION_COLUMNS if name in places and name not in items), None)
    attributes: dict[str, Column] = {}
    values: tuple[ValueColumn, ...] = ()
    for name in places:
        item = items.get(name) or titles.get(name)
        if item is not None:
            if item.name in attributes:
                detail = f"the columns {shown(attributes[item.name])} and {shown(name)} are both item {item.name}"
                violations.append(Violation("", "column-once", detail, shown(name)))
            attributes[item.name] = name
        elif name == URL_COLUMN:
            values = (URL_VALUE,)
        elif name not in (identifier, operation, TEMPLATE_COLUMN, ATTRIBUTES_COLUMN) and not _is_passed_over(name):
            violations.append(_unknown(name, [*items, *titles]))
    return ColumnMapping(
        identifier or 1, operation_column=operation, attributes=tuple(attributes.items()), values=values
    )


def _is_passed_over(name: str) -> bool:
    return name in EXPORTED_COLUMNS or name in REASON_COLUMNS


def _unknown(name: str, names: Sequence[str]) -> Violation:
    if not names:
        detail = f"the column {shown(name)} means nothing without a template or a mapping; give one of them"
    else:
        detail = f"the template has no item of the column {shown(name)}{meant_hint(nearest(name, names))}"
    return Violation("", "column", detail, shown(name))

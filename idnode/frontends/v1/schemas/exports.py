"""Parameters of exports."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from idnode.frontends.v1.schemas.fields import PrefixText, broken
from idnode.model.limits import TEMPLATE_ITEMS_MAX
from idnode.model.record import State
from idnode.registry.exports.exporter import ExportFormat

COLUMNS_CHARACTERS_MAX = 8_192


def _columns(text: str) -> str:
    names = text.split(",")
    if not all(name.strip() for name in names):
        raise broken("column", "names a column that has no name")
    if len(names) > TEMPLATE_ITEMS_MAX:
        raise broken("max-items", f"names {len(names)} columns, the limit is {TEMPLATE_ITEMS_MAX}")
    if len(set(names)) < len(names):
        raise broken("column-once", "names a column twice")
    return text


class ExportQuery(BaseModel, extra="forbid", use_attribute_docstrings=True):
    """What is exported, and how."""

    prefix: PrefixText
    """All identifiers of this prefix."""
    format: ExportFormat = ExportFormat.NDJSON
    """One record a line, or a table."""
    state: State | None = None
    """Only those in this state."""
    columns: Annotated[str, Field(max_length=COLUMNS_CHARACTERS_MAX), AfterValidator(_columns)] | None = None
    """Of CSV, separated by commas: identifier, template, state, version, created, updated, values, names of attributes.

    Without it all of these but values, the attributes those of the first 1,000 records; others stand in a last column.
    """

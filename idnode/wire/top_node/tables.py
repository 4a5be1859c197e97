"""The fields of every table that the node owes the top node, and the check of a record's data against its table."""

from collections.abc import Mapping
from types import MappingProxyType

from idnode.model.errors import Violation
from idnode.model.reporting import Report
from idnode.wire.plain_text import is_plain
from idnode.wire.top_node import identifier_tables, monitoring_tables, organisation_tables, service_tables
from idnode.wire.top_node.fields import Kind, TableField, check_members, check_value

FIELDS: Mapping[Report, tuple[TableField, ...]] = MappingProxyType(
    {
        Report.T1: organisation_tables.OPERATOR,
        Report.T2: service_tables.NODE_ROUTES,
        Report.T3: service_tables.NODE_STATISTICS,
        Report.T4: service_tables.METADATA,
        Report.T5: service_tables.APPLICATION,
        Report.T6: organisation_tables.ENTERPRISE,
        Report.T7: service_tables.ENTERPRISE_ROUTES,
        Report.T8: service_tables.ENTERPRISE_STATISTICS,
        Report.T9: identifier_tables.MASTER_DATA,
        Report.T10: service_tables.APPLICATION,
        Report.T11: service_tables.METADATA,
        Report.MONITORING: monitoring_tables.VALUES,
        Report.EVENT: monitoring_tables.EVENT,
        Report.APPLICATION: service_tables.PREFIX_APPLICATION,
    }
)


def check_data(report: Report, data: Mapping[str, object]) -> list[Violation]:
    """Everything that is wrong with the data of a record: unknown, missing and broken fields, each with its limit."""
    table = _COMPILED[report]
    return [] if table.is_plainly_right(data) else check_members(table.fields, data, "")


class _Compiled:
    """A table made ready for many checks: most fields are texts, and most records are right."""

    __slots__ = ("_characters_max", "_has_conditions", "_required", "fields")

    def __init__(self, fields: tuple[TableField, ...]) -> None:
        self.fields = {field.name: field for field in fields}
        self._has_conditions = any(field.required_when is not None for field in fields)
        self._required = frozenset(field.name for field in fields if field.is_required)
        self._characters_max = {field.name: field.max_length for field in fields if field.kind is Kind.TEXT}

    def is_plainly_right(self, data: Mapping[str, object]) -> bool:
        """Nothing is wrong; False when something is or may be, which check_members then tells."""
        fields, characters_max = self.fields, self._characters_max
        for name, value in data.items():
            longest = characters_max.get(name)
            if longest is not None:
                if type(value) is not str or not 0 < len(value) <= longest:
                    return False
                if not value.isprintable() and not is_plain(value):
                    return False
            elif name not in fields or check_value(fields[name], value, ""):
                return False
        # A field that another one makes required is for the slow way, on tables that have such a field.
        return not self._has_conditions and data.keys() >= self._required


_COMPILED = {report: _Compiled(fields) for report, fields in FIELDS.items()}

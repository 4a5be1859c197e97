"""Tables T4 and T11: a template with its items, from its document. Pure."""

from collections.abc import Mapping
from typing import Any

from idnode.model.industry import Industry
from idnode.model.template import CarrierType
from idnode.sync.report.master_data import template_identifier

OBJECT_TYPE: Mapping[str, int] = {CarrierType.ACTIVE: 1, CarrierType.OTHER: 2}
"""The contract's numbers: an active identifier carrier, or not."""
LEVELS = ("industry_section", "industry_division", "industry_group", "industry_class")


def metadata(template: Mapping[str, Any]) -> dict[str, object]:
    """The data of a template; industry levels that its code does not reach, and items out of use, are left out."""
    return {
        "identifier": template_identifier(template["prefix"], template["version"]),
        **dict(zip(LEVELS, Industry(template["industry"]).levels, strict=False)),
        "version": template["version"],
        "object_type": OBJECT_TYPE[template["carrier"]],
        "items": [_item(item) for item in template["items"] if item["enabled"]],
    }


def _item(item: Mapping[str, Any]) -> dict[str, object]:
    told: dict[str, object] = {"name": item["name"], "title": item["title"], "type": item["type"]}
    if "max_length" in item:
        told["length"] = item["max_length"]
    return told

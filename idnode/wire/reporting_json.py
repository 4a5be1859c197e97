"""Operator, profiles and applications as JSON: what /v1 shows, the change log keeps and the tables are filled from."""

from collections.abc import Iterator, Mapping

from idnode.model.application import Application
from idnode.model.enterprise import uscc_problem
from idnode.model.errors import Violation
from idnode.model.organisation import EnterpriseProfile, Operator
from idnode.model.reporting import Report
from idnode.wire.instants import instant_text, optional_instant_text
from idnode.wire.top_node.tables import check_data

Fields = Mapping[str, object]

REQUIRED = "required"
"""The rule of check_data that a field breaks which is not filled in yet."""
OF_THE_ENTERPRISE: Mapping[str, tuple[str, ...]] = {
    "organisation_name": ("name",),
    "certificate_number": ("uscc",),
    "industry": ("industry",),
    "address": ("address",),
    "website": ("website",),
    "contact_name": ("contact", "name"),
    "contact_mobile": ("contact", "phone"),
    "contact_email": ("contact", "email"),
}
"""Fields of T6, and where the document of an enterprise has them."""
CERTIFICATE_TYPE = "certificate_type"
"""The field of T6 that follows from the number: an enterprise without a USCC has another certificate."""


def operator_document(operator: Operator) -> dict[str, object]:
    """The operator with its addresses of resolution."""
    return {
        "organisation": operator.organisation,
        "resolution": list(operator.resolution),
        "version": operator.version,
        "updated": optional_instant_text(operator.updated),
    }


def profile_document(profile: EnterpriseProfile) -> dict[str, object]:
    """The profile of an enterprise."""
    return {
        "enterprise": str(profile.enterprise),
        "organisation": profile.organisation,
        "version": profile.version,
        "updated": optional_instant_text(profile.updated),
    }


def application_document(application: Application) -> dict[str, object]:
    """An application; `type` is the contract's number, `enterprise` is null for the node's own."""
    return {
        "id": str(application.id),
        "enterprise": None if application.enterprise is None else str(application.enterprise),
        "name": application.name,
        "type": application.kind,
        "description": application.description,
        "users": application.users,
        "recursive_node": application.recursive_node,
        "developed_by": application.developed_by,
        "state": application.state,
        "version": application.version,
        "created": instant_text(application.created),
        "updated": instant_text(application.updated),
    }


def routes_of(resolution: tuple[Fields, ...] | list[Fields]) -> dict[str, object]:
    """The data of T2."""
    return {"routes": list(resolution)} if resolution else {}


def organisation_of(enterprise: Fields, profile: Fields) -> dict[str, object]:
    """The data of T6, as far as it is known: from the document of an enterprise and the fields of its profile."""
    data = dict(profile)
    number = enterprise.get("uscc")
    data[CERTIFICATE_TYPE] = "uscc" if isinstance(number, str) and uscc_problem(number) is None else "other"
    for field, path in OF_THE_ENTERPRISE.items():
        value: object = enterprise
        for step in path:
            value = value.get(step) if isinstance(value, Mapping) else None
        if value is None:
            data.pop(field, None)
        else:
            data[field] = value
    return data


def wrong_fields(report: Report, data: Fields, pointer: str) -> Iterator[Violation]:
    """What is wrong with fields that may be incomplete; `pointer` is where they stand."""
    return (fault.under(pointer) for fault in check_data(report, data) if fault.rule != REQUIRED)


def missing_fields(report: Report, data: Fields) -> list[str]:
    """Which fields of a table are still wanted, as pointers: `/nature`, `/system_built_by/name`."""
    return [fault.pointer for fault in check_data(report, data) if fault.rule == REQUIRED]

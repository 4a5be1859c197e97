"""Enterprises, prefixes, keys and templates as JSON: what /v1 shows and the change log keeps."""

from idnode.model.access import ApiKey
from idnode.model.enterprise import Enterprise
from idnode.model.identifier import Prefix
from idnode.model.industry import Industry
from idnode.model.prefix_registration import PrefixRegistration, SiteEndpoint
from idnode.model.template import (
    CarrierType,
    Item,
    ItemType,
    RecordCheck,
    Template,
    TemplateName,
    TemplateState,
)
from idnode.wire.instants import instant_of, instant_text, optional_instant_text

_ITEM_OPTIONAL = (
    "description",
    "unit",
    "minimum",
    "maximum",
    "min_length",
    "max_length",
    "pattern",
)


def enterprise_document(enterprise: Enterprise) -> dict[str, object]:
    """An enterprise; `industry` is its GB/T 4754 code, `industry_levels` the path to it."""
    contact = enterprise.contact
    return {
        "id": str(enterprise.id),
        "name": enterprise.name,
        "uscc": enterprise.uscc,
        "industry": enterprise.industry.code,
        "industry_levels": list(enterprise.industry.levels),
        "contact": {"name": contact.name, "phone": contact.phone, "email": contact.email},
        "website": enterprise.website,
        "address": enterprise.address,
        "state": enterprise.state,
        "version": enterprise.version,
        "created": instant_text(enterprise.created),
        "updated": instant_text(enterprise.updated),
    }


def prefix_document(registration: PrefixRegistration) -> dict[str, object]:
    """A prefix; `enterprise` is null for the node's own."""
    return {
        "prefix": registration.prefix.text,
        "enterprise": None if registration.enterprise is None else str(registration.enterprise),
        "state": registration.state,
        "hosting": registration.hosting,
        "site": None if registration.site is None else site_document(registration.site),
        "review_note": registration.review_note,
        "version": registration.version,
        "created": instant_text(registration.created),
        "updated": instant_text(registration.updated),
    }


def site_document(site: SiteEndpoint) -> dict[str, object]:
    """Where a self-hosting enterprise answers."""
    return {
        "ip": site.ip,
        "tcp_port": site.tcp_port,
        "udp_port": site.udp_port,
        "http_port": site.http_port,
    }


def key_document(key: ApiKey) -> dict[str, object]:
    """An API key without its secret; `hint` is the beginning of it."""
    return {
        "id": str(key.id),
        "name": key.name,
        "role": key.role,
        "prefixes": [prefix.text for prefix in key.prefixes],
        "hint": key.hint,
        "replaces": None if key.replaces is None else str(key.replaces),
        "version": key.version,
        "created": instant_text(key.created),
        "expires": optional_instant_text(key.expires),
        "revoked": optional_instant_text(key.revoked),
        "last_used": optional_instant_text(key.last_used),
    }


def template_document(template: Template) -> dict[str, object]:
    """A template; members of an item that do not apply are left out."""
    return {
        "prefix": template.name.prefix.text,
        "version": template.name.version,
        "title": template.title,
        "description": template.description,
        "industry": template.industry.code,
        "carrier": template.carrier,
        "items": [item_document(item) for item in template.items],
        "checks": [{"check": check.check, "items": list(check.items)} for check in template.checks],
        "state": template.state,
        "revision": template.revision,
        "created": instant_text(template.created),
        "updated": instant_text(template.updated),
    }


def item_document(item: Item) -> dict[str, object]:
    """One item of a template."""
    document: dict[str, object] = {
        "index": item.index,
        "name": item.name,
        "title": item.title,
        "type": item.type,
        "required": item.required,
        "enabled": item.enabled,
    }
    for member in _ITEM_OPTIONAL:
        value = getattr(item, member)
        if value is not None:
            document[member] = value
    if item.options:
        document["options"] = list(item.options)
    if item.checks:
        document["checks"] = list(item.checks)
    return document


def read_template(document: dict[str, object]) -> Template:
    """The inverse of template_document, for documents that this module has written."""
    return Template(
        name=TemplateName(Prefix.parse(str(document["prefix"])), str(document["version"])),
        title=str(document["title"]),
        description=None if document["description"] is None else str(document["description"]),
        industry=Industry(str(document["industry"])),
        carrier=CarrierType(str(document["carrier"])),
        items=tuple(_read_item(item) for item in _objects(document["items"])),
        checks=tuple(
            RecordCheck(str(check["check"]), tuple(_strings(check["items"]))) for check in _objects(document["checks"])
        ),
        state=TemplateState(str(document["state"])),
        revision=_integer(document["revision"]),
        created=instant_of(str(document["created"])),
        updated=instant_of(str(document["updated"])),
    )


def _read_item(document: dict[str, object]) -> Item:
    members = dict(document)
    members["type"] = ItemType(str(members["type"]))
    for member in ("options", "checks"):
        members[member] = tuple(_strings(members.get(member, ())))
    return Item(**members)  # type: ignore[arg-type]  # written by item_document, member for member


def _objects(value: object) -> list[dict[str, object]]:
    return value if isinstance(value, list) else []


def _strings(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple) else []


def _integer(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is no integer")
    return value

"""The record of a prefix as clients resolve it: where it is answered, then who administers it; pure (§1.5, §1.6)."""

from collections.abc import Callable
from dataclasses import replace

from idnode.model.errors import InvalidPrefix, NotFound, NotResponsible
from idnode.model.handle_value import HandleValue
from idnode.model.identifier import Identifier, Prefix, fold
from idnode.model.prefix_registration import RECORDS_OF_PREFIXES, Hosting, PrefixRegistration
from idnode.model.record import Record, State
from idnode.storage.identifiers import StoredRecord
from idnode.wire.record_json import read_record, render_record
from idnode.wire.sites import SITE, SITE_INDEX, enterprise_site, site_value
from idnode.wire.typed_values.hs_site import HsSite

OwnSite = Callable[[], HsSite | None]
"""The site of this node; None where no address is known that clients could be told."""


def prefix_of(identifier: Identifier) -> Prefix:
    """The prefix that `0.NA/{prefix}` tells of. Raises NotResponsible for what is none."""
    try:
        return Prefix.parse(identifier.suffix)
    except InvalidPrefix:
        raise NotResponsible(f"'{identifier.suffix}' is no prefix") from None


def record_of(
    identifier: Identifier, registration: PrefixRegistration | None, stored: StoredRecord | None, own_site: OwnSite
) -> StoredRecord:
    """What stands in the record, with the site that the registration says: other sites in it count for nothing.

    Raises NotResponsible for a prefix that is not this node's, NotFound for one that is stopped or applied for.
    """
    if registration is None:
        raise NotResponsible(f"prefix {identifier.suffix} is not one of this node's")
    if not registration.is_given_out:
        raise NotFound(f"prefix {registration.prefix.text} is {registration.state}")
    kept = read_record(stored.document) if stored is not None and stored.state is State.ACTIVE else None
    site = _site_of(registration, own_site)
    values = tuple(value for value in (kept.values if kept else ()) if fold(value.type) != SITE)
    if site is not None:
        values = tuple(sorted((*values, _placed(site, values, registration)), key=lambda value: value.index))
    if not values:
        raise NotFound(f"prefix {registration.prefix.text} has no record")
    record = _record(registration, kept, values)
    document = render_record(record)
    return StoredRecord(
        record.identifier.folded, record.version, record.state, record.is_public, document.values_at, document.json
    )


def _site_of(registration: PrefixRegistration, own_site: OwnSite) -> HsSite | None:
    if registration.hosting is Hosting.HOSTED:
        return own_site()
    return None if registration.site is None else enterprise_site(registration.site)


def _placed(site: HsSite, values: tuple[HandleValue, ...], registration: PrefixRegistration) -> HandleValue:
    taken = {value.index for value in values}
    index = next(index for index in range(SITE_INDEX, SITE_INDEX + len(taken) + 1) if index not in taken)
    return site_value(site, index=index, moment=registration.updated.replace(microsecond=0))


def _record(registration: PrefixRegistration, kept: Record | None, values: tuple[HandleValue, ...]) -> Record:
    if kept is not None:
        return replace(kept, values=values)
    return Record(
        identifier=Identifier.parse(f"{RECORDS_OF_PREFIXES.text}/{registration.prefix.text}"),
        version=registration.version,
        state=State.ACTIVE,
        template=None,
        attributes={},
        values=values,
        created=registration.created,
        updated=registration.updated,
    )

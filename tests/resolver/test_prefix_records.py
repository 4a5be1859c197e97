"""The record of a prefix: the site that its registration says, its administrators, and nothing for what is not here."""

from datetime import UTC, datetime
from ipaddress import ip_address

import pytest

from idnode.model.errors import NotFound, NotResponsible
from idnode.model.handle_value import HandleValue
from idnode.model.identifier import Identifier, Prefix
from idnode.model.prefix_registration import Hosting, PrefixRegistration, PrefixState, SiteEndpoint
from idnode.model.record import Record, State
from idnode.resolver.prefix_records import prefix_of, record_of
from idnode.storage.identifiers import StoredRecord
from idnode.wire.record_json import read_record, render_record
from idnode.wire.sites import own_site
from idnode.wire.typed_values.hs_site import HsSite

MOMENT = datetime(2026, 11, 24, 7, 18, 31, tzinfo=UTC)
HANDLE = Identifier.parse("0.na/88.118.8")
OWN = own_site(ip_address("192.0.2.7"), native_port=2641, http_port=8000, public_key=b"")
ENDPOINT = SiteEndpoint("192.0.2.8", 2641, None, None)


def registration(
    state: PrefixState = PrefixState.ACTIVE, hosting: Hosting = Hosting.HOSTED, site: SiteEndpoint | None = None
) -> PrefixRegistration:
    return PrefixRegistration(Prefix.parse("88.118.8"), None, state, hosting, site, 3, MOMENT, MOMENT)


def kept(*values: HandleValue, state: State = State.ACTIVE) -> StoredRecord:
    record = Record(Identifier.parse("0.NA/88.118.8"), 7, state, None, {}, values, MOMENT, MOMENT)
    document = render_record(record)
    return StoredRecord("0.NA/88.118.8", 7, state, record.is_public, document.values_at, document.json)


def shown(registered: PrefixRegistration, stored: StoredRecord | None) -> list[tuple[int, str]]:
    record = record_of(HANDLE, registered, stored, lambda: OWN)
    return [(value.index, value.type) for value in read_record(record.document).values]


def value(index: int, value_type: str) -> HandleValue:
    return HandleValue(index, value_type, b"", MOMENT)


def test_the_site_stands_before_the_administrators() -> None:
    stored = kept(value(100, "HS_ADMIN"), value(200, "HS_VLIST"), value(300, "HS_PUBKEY"))
    record = record_of(HANDLE, registration(), stored, lambda: OWN)
    values = read_record(record.document).values

    assert [(each.index, each.type) for each in values] == [
        (1, "HS_SITE"), (100, "HS_ADMIN"), (200, "HS_VLIST"), (300, "HS_PUBKEY"),
    ]  # fmt: skip
    assert HsSite.decode(values[0].data) == OWN
    assert (record.folded, record.version, record.state) == ("0.NA/88.118.8", 7, State.ACTIVE)


def test_without_a_record_of_its_own_there_is_the_site_alone() -> None:
    record = record_of(HANDLE, registration(), None, lambda: OWN)

    assert [each.type for each in read_record(record.document).values] == ["HS_SITE"]
    assert (record.version, read_record(record.document).identifier.text) == (3, "0.NA/88.118.8")
    assert shown(registration(), kept(value(300, "HS_PUBKEY"), state=State.DELETED)) == [(1, "HS_SITE")]


def test_an_enterprise_that_answers_itself_has_its_own_site() -> None:
    record = record_of(HANDLE, registration(hosting=Hosting.SELF, site=ENDPOINT), None, lambda: OWN)
    (site,) = read_record(record.document).values

    assert str(HsSite.decode(site.data).servers[0].address) == "192.0.2.8"


def test_the_registration_says_the_site_and_takes_nobody_s_place() -> None:
    assert shown(registration(), kept(value(1, "URL"), value(2, "hs_site"))) == [(1, "URL"), (2, "HS_SITE")]


@pytest.mark.parametrize(
    "state", [PrefixState.STOPPED, PrefixState.WAITING, PrefixState.IN_REVIEW, PrefixState.REJECTED]
)
@pytest.mark.parametrize("hosting", list(Hosting))
def test_a_prefix_that_is_not_given_out_is_not_found(state: PrefixState, hosting: Hosting) -> None:
    with pytest.raises(NotFound):
        record_of(HANDLE, registration(state, hosting, ENDPOINT), kept(value(1, "URL")), lambda: OWN)


def test_a_prefix_that_is_not_here_is_not_this_node_s_to_answer() -> None:
    with pytest.raises(NotResponsible):
        record_of(HANDLE, None, None, lambda: OWN)
    with pytest.raises(NotResponsible):
        prefix_of(Identifier.parse("0.NA/no prefix"))


def test_where_no_address_is_known_and_nothing_kept_there_is_no_record() -> None:
    with pytest.raises(NotFound):
        record_of(HANDLE, registration(), None, lambda: None)
    assert [
        each.type
        for each in read_record(record_of(HANDLE, registration(), kept(value(1, "URL")), lambda: None).document).values
    ] == ["URL"]

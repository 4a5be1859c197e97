"""What records say: each table from rows that were written as an operator writes them, and fit for the top node."""

from typing import Any
from uuid import UUID

import orjson
import pytest
from harness import NodeUnderTest
from reported import OPERATOR, ROUTE, claimed
from route_requests import made, template

from idnode.lifecycle import new_id, now
from idnode.model.access import ApiKey, Role
from idnode.model.change import Subject, Trace
from idnode.model.errors import InvalidInput
from idnode.model.reporting import Report
from idnode.registry.commands import Asked
from idnode.registry.directory_writes import DirectoryWriter
from idnode.registry.enterprises import EnterpriseRegistry
from idnode.registry.metrics import RegistryCounters
from idnode.registry.organisations import OrganisationRegistry
from idnode.storage.database import Database
from idnode.storage.enterprises import EnterpriseStore
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.ledger import Claimed
from idnode.storage.organisations import OrganisationStore
from idnode.storage.prefixes import PrefixStore
from idnode.sync.report.missing import DataMissing
from idnode.sync.report.rendering import Rendering
from idnode.wire.top_node.tables import check_data

PREFIX = "88.118.8"
SITE = {"ip": "2001:db8::8", "tcp_port": 2641, "http_port": 80}


class Written:
    """Writes organisations as the API does, and renders what that makes to be told."""

    def __init__(self, database: Database) -> None:
        store, enterprises = OrganisationStore(database), EnterpriseStore(database)
        writer = DirectoryWriter(database, RegistryCounters(), committed=lambda _: None, now=now, new_id=new_id)
        self.registry = OrganisationRegistry(
            store, EnterpriseRegistry(enterprises, writer), PrefixStore(database), writer
        )
        self._rendering = Rendering(store, enterprises)
        self._database = database

    async def operator(self, organisation: dict[str, Any], *routes: dict[str, Any]) -> None:
        await self.registry.describe_operator(organisation, routes, asked(), lambda _: ANSWER)

    async def profile(self, enterprise: str, organisation: dict[str, Any]) -> None:
        await self.registry.describe_profile(UUID(enterprise), organisation, asked(), lambda *_: ANSWER)

    async def claimed(self, report: Report, subject: Subject, name: str) -> list[Claimed]:
        return await claimed(self._database, report, subject, name)

    async def told(self, report: Report, subject: Subject, name: str = "") -> list[Any]:
        """What is said of every change of a thing; all of it fits its table."""
        data = await self._rendering.data_of(await self.claimed(report, subject, name))
        assert [check_data(report, each) for each in data] == [[]] * len(data)
        return list(data)


ANSWER = KeptAnswer(200, "application/json", None, None, b"{}")


def asked() -> Asked:
    at = now()
    return Asked(ApiKey(UUID(int=7), "t", Role.ADMIN, (), "", at, None, None, None, None, 1), Trace("t", "r", at))


@pytest.fixture
async def written(node: NodeUnderTest, database: Database) -> Written:  # noqa: ARG001  # it has begun
    return Written(database)


async def test_the_operator_is_told_field_by_field(written: Written) -> None:
    await written.operator(OPERATOR, ROUTE)

    assert await written.told(Report.T1, Subject.OPERATOR) == [OPERATOR]
    assert await written.told(Report.T2, Subject.OPERATOR) == [{"routes": [ROUTE]}]


async def test_an_operator_that_lacks_something_is_not_told_and_what_it_lacks_is(written: Written) -> None:
    incomplete = {name: value for name, value in OPERATOR.items() if name not in ("nature", "contact_email")}
    await written.operator(incomplete | {"system_built_by": {"by": "contractor", "name": "示例"}})

    with pytest.raises(DataMissing) as refused:
        await written.told(Report.T1, Subject.OPERATOR)
    with pytest.raises(DataMissing, match=r"^T2 lacks /resolution$"):
        await written.told(Report.T2, Subject.OPERATOR)

    assert refused.value.detail == (
        "T1 lacks /organisation/system_built_by/contract, /organisation/nature, /organisation/contact_email"
    )
    assert not refused.value.is_retryable


async def test_each_version_of_the_operator_says_what_stood_then(written: Written) -> None:
    await written.operator(OPERATOR, ROUTE)
    await written.operator(OPERATOR | {"capital": "2000 万元"}, ROUTE, ROUTE | {"ip": "192.0.2.2"})

    told = await written.told(Report.T1, Subject.OPERATOR)
    routes = await written.told(Report.T2, Subject.OPERATOR)

    assert [each["capital"] for each in told] == ["1000 万元", "2000 万元"]
    assert [[route["ip"] for route in each["routes"]] for each in routes] == [["192.0.2.1"], ["192.0.2.1", "192.0.2.2"]]


async def test_what_is_wrong_with_an_operator_is_refused_at_once(written: Written) -> None:
    with pytest.raises(InvalidInput) as refused:
        await written.operator({"nature": "x", "contact_id_number": "1\0"}, {"ip": "no"}, ROUTE | {"colour": "blue"})

    assert [(fault.pointer, fault.rule) for fault in refused.value.violations] == [
        ("/organisation/nature", "one-of"),
        ("/organisation/contact_id_number", "plain-text"),
        ("/resolution/0/ip", "address"),
        ("/resolution/1/colour", "known-field"),
    ]
    assert refused.value.violations[1].value is None


async def test_an_enterprise_is_told_from_its_row_and_its_profile(node: NodeUnderTest, written: Written) -> None:
    form = {
        "name": "示例纺织有限公司",
        "uscc": "91110108589104047H",
        "industry": "C1711",
        "contact": {"name": "张三", "phone": "+8610", "email": "a@example.com"},
        "website": "https://example.com/",
        "address": "示例路 1 号",
    }
    enterprise = (await made(node, "/v1/enterprises", form))["id"]
    await node.call("PATCH", f"/v1/enterprises/{enterprise}", {"address": "示例路 2 号"})
    await written.profile(enterprise, {"capital": "500 万元", "nature": "foreign_controlled"})

    by_row = await written.told(Report.T6, Subject.ENTERPRISE, enterprise)
    by_profile = await written.told(Report.T6, Subject.PROFILE, enterprise)

    assert [each["address"] for each in by_row] == ["示例路 1 号", "示例路 2 号"]
    assert by_profile == [
        {
            "organisation_name": "示例纺织有限公司",
            "certificate_type": "uscc",
            "certificate_number": "91110108589104047H",
            "industry": "C1711",
            "contact_name": "张三",
            "contact_mobile": "+8610",
            "contact_email": "a@example.com",
            "website": "https://example.com/",
            "address": "示例路 2 号",
            "capital": "500 万元",
            "nature": "foreign_controlled",
        }
    ]
    assert by_row[1] == by_profile[0]


async def test_an_enterprise_without_a_profile_is_told_as_far_as_it_is_known(
    node: NodeUnderTest, written: Written
) -> None:
    enterprise = await node.enterprise()

    assert await written.told(Report.T6, Subject.ENTERPRISE, enterprise) == [
        {
            "organisation_name": "示例纺织有限公司",
            "certificate_type": "uscc",
            "certificate_number": "91110108589104047H",
            "industry": "C1711",
        }
    ]


async def test_a_profile_does_not_say_what_the_enterprise_itself_says(node: NodeUnderTest, written: Written) -> None:
    enterprise = await node.enterprise()

    with pytest.raises(InvalidInput) as refused:
        await written.profile(enterprise, {"industry": "C17", "certificate_type": "uscc", "capital": ""})

    assert [(fault.pointer, fault.rule) for fault in refused.value.violations] == [
        ("/organisation/capital", "not-empty"),
        ("/organisation/certificate_type", "elsewhere"),
        ("/organisation/industry", "elsewhere"),
    ]


async def test_a_hosted_prefix_is_resolved_where_the_node_is(node: NodeUnderTest, written: Written) -> None:
    await node.prefix(PREFIX)
    with pytest.raises(DataMissing, match=r"^T2 lacks /resolution$"):
        await written.told(Report.T7, Subject.PREFIX, PREFIX)
    await written.operator({}, {name: value for name, value in ROUTE.items() if name != "protocols"})
    with pytest.raises(DataMissing, match=r"^T2 lacks /resolution/0/protocols$"):
        await written.told(Report.T7, Subject.PREFIX, PREFIX)
    await written.operator({}, ROUTE)
    await node.call("PATCH", f"/v1/prefixes/{PREFIX}", {"state": "stopped"})

    told = await written.told(Report.T7, Subject.PREFIX, PREFIX)

    here = {"routes": [ROUTE | {"prefix": "88.118.8"}]}
    assert told == [here, here, here, {"routes": []}]


async def test_hosted_prefixes_are_told_anew_when_the_node_has_other_addresses(
    node: NodeUnderTest, written: Written
) -> None:
    enterprise = await node.enterprise()
    await node.prefix(PREFIX, enterprise=enterprise)
    elsewhere = {"prefix": "88.118.9", "enterprise": enterprise, "hosting": "self", "site": SITE}
    await made(node, "/v1/prefixes", elsewhere)

    await written.operator({}, ROUTE)
    await written.operator({"capital": "1 万元"}, ROUTE)
    await written.operator({}, ROUTE | {"ip": "192.0.2.2"})

    changes = await written.claimed(Report.T7, Subject.PREFIX, PREFIX)
    document = await (await node.call("GET", f"/v1/prefixes/{PREFIX}")).json()
    assert [(change.version, change.operation) for change in changes] == [
        (1, "register"),
        (2, "reroute"),
        (3, "reroute"),
    ]
    assert orjson.loads(changes[2].new or b"") == document
    assert changes[2].old == changes[1].new
    assert [change.version for change in await written.claimed(Report.T7, Subject.PREFIX, "88.118.9")] == [1]
    assert len(await written.claimed(Report.T7, Subject.PREFIX, "88.118")) == 1


async def test_a_prefix_that_its_enterprise_hosts_is_resolved_there(node: NodeUnderTest, written: Written) -> None:
    await made(
        node,
        "/v1/prefixes",
        {"prefix": PREFIX, "enterprise": await node.enterprise(), "hosting": "self", "site": SITE},
    )

    assert await written.told(Report.T7, Subject.PREFIX, PREFIX) == [
        {
            "routes": [
                {
                    "scheme": "Handle",
                    "prefix": "88.118.8",
                    "ip_type": "IPv6",
                    "ip": "2001:db8::8",
                    "protocols": [{"protocol": "TCP", "port": 2641}, {"protocol": "HTTP", "port": 80}],
                }
            ]
        }
    ]


async def test_an_application_for_a_prefix_says_who_applies(node: NodeUnderTest, written: Written) -> None:
    enterprise = await node.enterprise()
    form = {"prefix": PREFIX, "enterprise": enterprise, "hosting": "self", "site": SITE, "state": "waiting"}
    await made(node, "/v1/prefixes", form)
    await node.call("PATCH", f"/v1/prefixes/{PREFIX}", {"state": "in_review"})

    told = await written.told(Report.APPLICATION, Subject.PREFIX, PREFIX)

    assert told[-1] == {
        "prefix": "88.118.8",
        "enterprise": {"name": "示例纺织有限公司", "uscc": "91110108589104047H"},
        "hosting": "self",
        "site": {"ip": "2001:db8::8", "tcp_port": 2641, "http_port": 80},
    }


async def test_a_template_is_told_with_its_items_in_use(node: NodeUnderTest, written: Written) -> None:
    await node.prefix(PREFIX)
    items = [
        {"index": 2000, "name": "note", "title": "备注", "type": "string", "max_length": 64},
        {"index": 2001, "name": "width", "title": "幅宽", "type": "number"},
        {"index": 2002, "name": "old", "title": "旧项", "type": "string", "enabled": False},
    ]
    await made(node, "/v1/templates", template("own") | {"industry": "C171", "items": items, "carrier": "active"})

    assert await written.told(Report.T11, Subject.TEMPLATE, "88.118.8/own") == [
        {
            "identifier": "88.118.8/own",
            "industry_section": "C",
            "industry_division": "17",
            "industry_group": "171",
            "version": "own",
            "object_type": 1,
            "items": [
                {"name": "note", "title": "备注", "type": "string", "length": 64},
                {"name": "width", "title": "幅宽", "type": "number"},
            ],
        }
    ]


@pytest.mark.parametrize("stem", ["textiles", "construction", "shipbuilding", "electronics"])
async def test_the_shipped_templates_can_be_told(written: Written, stem: str) -> None:
    told = await written.told(Report.T4, Subject.TEMPLATE, f"88.118/{stem}-1.0")

    assert (told[0]["identifier"], told[0]["items"][2]["name"]) == (f"88.118/{stem}-1.0", "product_name")


async def test_statistics_say_what_was_stored_with_them(node: NodeUnderTest, written: Written) -> None:
    await node.prefix(PREFIX)
    change = (await written.claimed(Report.T8, Subject.PREFIX, PREFIX))[0]
    rendering = Rendering(OrganisationStore(node.node.database), EnterpriseStore(node.node.database))

    told = await rendering.data_of([replace_payload(change, b'{"prefix":"88.118.8"}')])

    assert told == [{"prefix": "88.118.8"}]
    assert await rendering.data_of([]) == []
    with pytest.raises(DataMissing, match="a record of T8 without its data"):
        await rendering.data_of([change])


def replace_payload(change: Claimed, payload: bytes) -> Claimed:
    return change._replace(payload=payload)

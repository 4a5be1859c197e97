"""The operator over HTTP: filled in step by step, replaced as a whole, told what is missing, never shown to others."""

from typing import Any

from harness import NodeUnderTest
from reported import OPERATOR, PHOTO, ROUTE

from idnode.frontends.v1.schemas.reporting import OperatorFields, ProfileFields, RouteFields
from idnode.model.reporting import Report
from idnode.wire.reporting_json import CERTIFICATE_TYPE, OF_THE_ENTERPRISE
from idnode.wire.top_node.tables import FIELDS

PATH = "/v1/operator"


async def put(node: NodeUnderTest, organisation: Any, *resolution: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    response = await node.call(
        "PUT", PATH, {"organisation": organisation, "resolution": list(resolution)}, key="", **headers
    )
    return response.status, await response.json()


async def test_before_anything_was_said_all_of_it_is_missing(node: NodeUnderTest) -> None:
    response = await node.call("GET", PATH)
    document = await response.json()

    assert (response.status, response.headers["ETag"]) == (200, '"0"')
    assert (document["organisation"], document["resolution"], document["updated"]) == ({}, [], None)
    assert {"/organisation/nature", "/organisation/certificate_photo", "/resolution"} <= set(document["missing"])


async def test_an_operator_is_filled_in_step_by_step(node: NodeUnderTest) -> None:
    some = {name: value for name, value in OPERATOR.items() if name != "founded"}
    begun = await put(node, some | {"system_built_by": {"by": "contractor"}}, {"ip": "192.0.2.1"})
    whole = await put(node, OPERATOR, ROUTE)
    read = await node.call("GET", PATH)

    assert begun[0] == 200
    assert begun[1]["missing"] == [
        "/organisation/system_built_by/name",
        "/organisation/system_built_by/contract",
        "/organisation/founded",
        "/resolution/0/scheme",
        "/resolution/0/prefix",
        "/resolution/0/ip_type",
        "/resolution/0/protocols",
    ]
    assert (whole[1]["missing"], whole[1]["version"], whole[1]["organisation"]) == ([], 2, OPERATOR)
    assert (read.headers["ETag"], await read.json()) == ('"2"', whole[1])


async def test_what_is_not_sent_is_not_known_any_more(node: NodeUnderTest) -> None:
    await put(node, OPERATOR, ROUTE)

    _, document = await put(node, {"nature": "public_institution"})

    assert (document["organisation"], document["resolution"]) == ({"nature": "public_institution"}, [])


async def test_every_fault_is_told_at_once_and_no_personal_value(node: NodeUnderTest) -> None:
    organisation: Any = {
        "nature": "",
        "colour": "blue",
        "contact_id_number": "secret\0",
        "certificate_photo": "not base64",
        "founded": "2020",
        "capital": None,
        "service_industries": [],
    }
    status, problem = await put(node, organisation, {"ip": "192.0.2", "protocols": [{"protocol": "TCP", "port": 0}]})

    assert status == 422
    assert [(error["pointer"], error["rule"], error.get("value")) for error in problem["errors"]] == [
        ("/organisation/nature", "one-of", ""),
        ("/organisation/certificate_photo", "photo", None),
        ("/organisation/contact_id_number", "plain-text", None),
        ("/organisation/capital", "text", "null"),
        ("/organisation/founded", "date", "2020"),
        ("/organisation/service_industries", "items", None),
        ("/organisation/colour", "known-field", None),
        ("/resolution/0/ip", "address", "192.0.2"),
        ("/resolution/0/protocols/0/port", "integer", "0"),
    ]


async def test_a_form_of_another_shape_is_refused(node: NodeUnderTest) -> None:
    forms: Any = (
        {},
        {"organisation": OPERATOR},
        {"organisation": [], "resolution": []},
        {"organisation": {}, "resolution": [[]]},
        {"organisation": {}, "resolution": [{}] * 65},
        {"organisation": {}, "resolution": [], "colour": "blue"},
    )
    for form in forms:
        response = await node.call("PUT", PATH, form)

        assert response.status == 422, await response.text()
    assert (await (await node.call("GET", PATH)).json())["version"] == 0


async def test_a_change_takes_the_version_that_was_read(node: NodeUnderTest) -> None:
    first = await put(node, {}, If_Match='"0"')
    stale = await put(node, {}, If_Match='"0"')
    second = await put(node, {}, If_Match='"1"')

    assert [first[0], stale[0], second[0]] == [200, 412, 200]
    assert stale[1]["detail"] == "If-Match names version 0, the present one is 1"


async def test_a_repeated_request_writes_once_and_a_dry_run_nothing(node: NodeUnderTest) -> None:
    form: Any = {"organisation": {}, "resolution": []}
    answers = [await node.call("PUT", PATH, form, Idempotency_Key="once") for _ in range(2)]
    tried = await node.call("PUT", f"{PATH}?dry_run=true", {"organisation": OPERATOR, "resolution": [ROUTE]})

    assert [(await answer.json())["version"] for answer in answers] == [1, 1]
    assert (tried.status, (await tried.json())["missing"]) == (200, [])
    assert (await (await node.call("GET", PATH)).json())["version"] == 1


async def test_the_document_shows_every_field_of_the_tables(node: NodeUnderTest) -> None:
    schemas = (await (await node.call("GET", "/v1/openapi.json", key=None)).json())["components"]["schemas"]
    operator = schemas["OperatorFields"]["properties"]

    assert list(operator) == [field.name for field in FIELDS[Report.T1]]
    assert list(schemas["RouteFields"]["properties"]) == ["scheme", "prefix", "ip_type", "ip", "protocols"]
    assert set(schemas["ProfileFields"]["properties"]) == {field.name for field in FIELDS[Report.T6]} - {
        CERTIFICATE_TYPE,
        *OF_THE_ENTERPRISE,
    }
    assert operator["nature"]["enum"][0] == "state_controlled"
    assert operator["contact_name"]["maxLength"] == 128
    assert operator["certificate_photo"]["contentEncoding"] == "base64"
    assert [model.__name__ for model in (OperatorFields, RouteFields, ProfileFields)] == [
        "OperatorFields",
        "RouteFields",
        "ProfileFields",
    ]


async def test_photos_come_back_as_they_were_sent(node: NodeUnderTest) -> None:
    _, document = await put(node, {"certificate_photo": PHOTO})

    assert document["organisation"] == {"certificate_photo": PHOTO}

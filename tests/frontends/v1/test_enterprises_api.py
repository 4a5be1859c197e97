"""Enterprises over HTTP: register, read, revise, retire, and every refusal."""

from typing import Any

from harness import USCC, NodeUnderTest
from route_requests import uscc
from stored_rows import places, stored_rows

MILL = {
    "name": "示例纺织有限公司",
    "uscc": USCC,
    "industry": "C1711",
    "contact": {"name": "李工", "phone": "+86 512 0000", "email": "li@example.com"},
    "website": "https://example.com/",
    "address": "江苏省苏州市",
}


async def test_a_registered_enterprise_reads_back_with_its_place_in_the_industry_tree(node: NodeUnderTest) -> None:
    registered = await node.call("POST", "/v1/enterprises", MILL)
    document = await registered.json()
    read = await node.call("GET", registered.headers["Location"])

    assert (registered.status, registered.headers["ETag"]) == (201, '"1"')
    assert registered.headers["Location"] == f"/v1/enterprises/{document['id']}"
    assert {name: document[name] for name in MILL} == MILL
    assert document["industry_levels"] == ["C", "17", "171", "1711"]
    assert (document["state"], document["version"]) == ("active", 1)
    assert document["created"] == document["updated"]
    assert (read.status, read.headers["ETag"]) == (200, '"1"')
    assert await read.json() == document


async def test_what_may_be_left_out_reads_as_null(node: NodeUnderTest) -> None:
    document = await _register(node, {"name": "示例船厂", "uscc": USCC, "industry": "C"})

    assert document["contact"] == {"name": None, "phone": None, "email": None}
    assert (document["website"], document["address"], document["industry_levels"]) == (None, None, ["C"])


async def test_a_patch_changes_what_it_names_and_merges_the_contact(node: NodeUnderTest) -> None:
    path = f"/v1/enterprises/{(await _register(node, MILL))['id']}"

    patch = {"industry": "C1712", "contact": {"phone": None, "email": "wang@example.com"}, "website": None}
    revised = await node.call("PATCH", path, patch, If_Match='"1"')
    document = await revised.json()
    cleared = await (await node.call("PATCH", path, {"contact": None})).json()

    assert (revised.status, revised.headers["ETag"]) == (200, '"2"')
    assert document["contact"] == {"name": "李工", "phone": None, "email": "wang@example.com"}
    assert (document["website"], document["address"]) == (None, "江苏省苏州市")
    assert (document["industry"], document["industry_levels"][-1]) == ("C1712", "1712")
    assert (document["name"], document["uscc"], document["version"]) == ("示例纺织有限公司", USCC, 2)
    assert cleared["contact"] == {"name": None, "phone": None, "email": None}
    assert await (await node.call("GET", path)).json() == cleared


async def test_a_retired_enterprise_stays_readable_and_gets_no_more_prefixes(node: NodeUnderTest) -> None:
    id = (await _register(node, MILL))["id"]

    retired = await node.call("DELETE", f"/v1/enterprises/{id}")
    again = await node.call("DELETE", f"/v1/enterprises/{id}")
    prefix = await node.call("POST", "/v1/prefixes", {"prefix": "88.118.8", "enterprise": id})

    assert (retired.status, retired.headers["ETag"], (await retired.json())["state"]) == (200, '"2"', "retired")
    assert (again.status, (await again.json())["detail"]) == (409, f"enterprise {id} is retired already")
    assert prefix.status == 409
    assert (await prefix.json())["detail"] == f"enterprise {id} is retired; it gets no more prefixes"
    assert (await (await node.call("GET", f"/v1/enterprises/{id}")).json())["state"] == "retired"


async def test_every_fault_of_a_form_is_named_with_value_rule_and_limit(node: NodeUnderTest, dsn: str) -> None:
    stood = await stored_rows(dsn)
    form = {
        "name": "n" * 256,
        "uscc": "91110108589104047X",
        "industry": "C99",
        "contact": {"phone": "1" * 17, "email": "not an address", "fax": "1"},
        "website": "https://example.com/\u202e",
        "founded": 1999,
    }

    response = await node.call("POST", "/v1/enterprises", form)
    found = {(error["pointer"], error["rule"], error.get("limit")) for error in (await response.json())["errors"]}

    assert response.status == 422
    assert found == {
        ("/name", "max-length", "255"),
        ("/uscc", "uscc", None),
        ("/industry", "industry", None),
        ("/contact/phone", "max-length", "16"),
        ("/contact/email", "pattern", r"^[^@\s]+@[^@\s]+\.[^@\s]+$"),
        ("/contact/fax", "unknown-member", None),
        ("/website", "printable", None),
        ("/founded", "unknown-member", None),
    }
    assert await stored_rows(dsn) == stood


async def test_uscc_and_industry_are_refused_with_what_would_be_right(node: NodeUnderTest) -> None:
    details = {
        "91110108589104047X": "its check character should be H, not X",
        "9111010858910404": "has 16 characters, a unified social credit code has 18",
        "91110108589104047h": "must be written without separators, in upper case",
        "9111010858910404IH": "is not 8 digits followed by 10 of 0-9 and A-Z without I, O, S, V, Z",
    }
    industries = {
        "C99": "division 99 does not exist, not under C",
        "A17": "division 17 lies under section C, not under A",
        "U11": "is not a section letter A-T followed by 0, 2, 3 or 4 digits, such as C1711",
        "c17": "is not a section letter A-T followed by 0, 2, 3 or 4 digits, such as C1711",
    }

    assert {code: await _detail(node, {**MILL, "uscc": code}, "/uscc") for code in details} == details
    assert {code: await _detail(node, {**MILL, "industry": code}, "/industry") for code in industries} == industries


async def test_a_uscc_is_registered_once_and_a_dry_run_says_so_too(node: NodeUnderTest, dsn: str) -> None:
    await _register(node, MILL)
    other = await _register(node, {**MILL, "uscc": uscc(1)})
    stood = await stored_rows(dsn)

    answers = [
        await node.call("POST", "/v1/enterprises", {**MILL, "name": "另一家"}),
        await node.call("POST", "/v1/enterprises?dry_run=true", {**MILL, "name": "另一家"}),
        await node.call("PATCH", f"/v1/enterprises/{other['id']}", {"uscc": USCC}),
        await node.call("PATCH", f"/v1/enterprises/{other['id']}?dry_run=true", {"uscc": USCC}),
    ]
    problems = [await answer.json() for answer in answers]

    assert [problem["status"] for problem in problems] == [409] * 4
    assert {problem["type"] for problem in problems} == {"urn:idnode:problem:already-registered"}
    assert {problem["detail"] for problem in problems} == {f"an enterprise with the USCC {USCC} is registered"}
    assert places(await stored_rows(dsn) ^ stood) == []


async def test_a_patch_is_judged_as_the_whole_it_makes(node: NodeUnderTest, dsn: str) -> None:
    path = f"/v1/enterprises/{(await _register(node, MILL))['id']}"
    stood = await stored_rows(dsn)
    patches: list[tuple[dict[str, Any], str, str]] = [
        ({}, "", "empty-patch"),
        ({"name": None}, "/name", "string-type"),
        ({"uscc": "91110108589104047X"}, "/uscc", "uscc"),
        ({"industry": "A17"}, "/industry", "industry"),
        ({"contact": {"email": "nowhere"}}, "/contact/email", "pattern"),
        ({"state": "retired"}, "/state", "unknown-member"),
        ({"id": "1"}, "/id", "unknown-member"),
    ]

    found = []
    for patch, _, _ in patches:
        problem = await (await node.call("PATCH", path, patch)).json()
        found += [(patch, error["pointer"], error["rule"]) for error in problem["errors"]]

    assert found == patches
    assert await stored_rows(dsn) == stood


async def test_ids_that_name_nothing_are_not_found(node: NodeUnderTest) -> None:
    for id, detail in (
        ("01890000-0000-7000-8000-000000000000", "there is no enterprise 01890000-0000-7000-8000-000000000000"),
        ("88.118", "'88.118' is no id (a UUID)"),
    ):
        answers = [await node.call(method, f"/v1/enterprises/{id}") for method in ("GET", "DELETE")]
        answers.append(await node.call("PATCH", f"/v1/enterprises/{id}", {"name": "x"}))

        assert [(answer.status, (await answer.json())["detail"]) for answer in answers] == [(404, detail)] * 3


async def test_every_change_is_in_the_log_with_old_and_new(node: NodeUnderTest, dsn: str) -> None:
    before = await stored_rows(dsn)
    path = f"/v1/enterprises/{(await _register(node, MILL))['id']}"
    await node.call("PATCH", path, {"name": "新名"}, X_Request_Id="req-2")
    await node.call("DELETE", path)

    changes = sorted(content for place, content in await stored_rows(dsn) - before if place == "change")

    assert [change.split(",")[5:7] for change in changes] == [["1", "register"], ["2", "revise"], ["3", "retire"]]
    assert "req-2" in changes[1]
    assert "新名".encode().hex() in changes[1]


async def _register(node: NodeUnderTest, form: dict[str, Any]) -> dict[str, Any]:
    response = await node.call("POST", "/v1/enterprises", form)
    assert response.status == 201, await response.text()
    return dict(await response.json())


async def _detail(node: NodeUnderTest, form: dict[str, Any], pointer: str) -> str:
    problem = await (await node.call("POST", "/v1/enterprises", form)).json()
    return next(str(error["detail"]) for error in problem["errors"] if error["pointer"] == pointer)

"""Prefixes over HTTP: give out, move through the states, change the hosting, and every refusal."""

from typing import Any

from harness import NodeUnderTest
from route_requests import OWN, PUBLIC_VALUE, made
from stored_rows import stored_rows

PATH = "/v1/prefixes/88.118.8"
SITE = {"ip": "192.0.2.8", "tcp_port": 2641, "udp_port": None, "http_port": 8000}
STATES = ("waiting", "in_review", "active", "rejected", "stopped", "to_delete")
STEPS = {
    ("waiting", "in_review"), ("waiting", "active"), ("waiting", "rejected"),
    ("in_review", "active"), ("in_review", "rejected"),
    ("rejected", "waiting"),
    ("active", "stopped"), ("active", "to_delete"),
    ("stopped", "active"), ("stopped", "to_delete"),
    ("to_delete", "stopped"),
}  # fmt: skip
ROADS = {
    "waiting": (),
    "in_review": ("in_review",),
    "active": ("active",),
    "rejected": ("rejected",),
    "stopped": ("active", "stopped"),
    "to_delete": ("active", "to_delete"),
}
"""How a prefix that was registered as waiting gets into each state."""


async def test_a_registered_prefix_reads_back(node: NodeUnderTest) -> None:
    enterprise = await node.enterprise()

    registered = await node.call("POST", "/v1/prefixes", {"prefix": OWN, "enterprise": enterprise})
    document = await registered.json()
    read = await node.call("GET", PATH)

    assert registered.status == 201
    assert (registered.headers["Location"], registered.headers["ETag"]) == (PATH, '"1"')
    assert {name: document[name] for name in ("prefix", "enterprise", "state", "hosting", "site", "version")} == {
        "prefix": OWN,
        "enterprise": enterprise,
        "state": "active",
        "hosting": "hosted",
        "site": None,
        "version": 1,
    }
    assert (read.status, read.headers["ETag"], await read.json()) == (200, '"1"', document)


async def test_the_nodes_own_prefix_belongs_to_no_enterprise_and_is_always_hosted(node: NodeUnderTest) -> None:
    own = await (await node.call("GET", "/v1/prefixes/88.118")).json()
    rehosted = await node.call("PATCH", "/v1/prefixes/88.118", {"hosting": "self", "site": SITE})

    assert (own["enterprise"], own["state"], own["hosting"]) == (None, "active", "hosted")
    assert (rehosted.status, (await rehosted.json())["detail"]) == (
        409,
        "88.118 is the node's own prefix; it is always hosted",
    )


async def test_a_prefix_that_its_enterprise_hosts_is_referred_to_and_takes_no_records_here(node: NodeUnderTest) -> None:
    enterprise = await node.enterprise()
    form = {"prefix": OWN, "enterprise": enterprise, "hosting": "self", "site": SITE}

    document = await made(node, "/v1/prefixes", form)
    record = await node.call("POST", "/v1/identifiers", {"identifier": f"{OWN}/JX-1", "values": [PUBLIC_VALUE]})
    read = await node.call("GET", f"/v1/identifiers/{OWN}/JX-1", key=None)

    assert (document["hosting"], document["site"]) == ("self", SITE)
    assert (record.status, (await record.json())["type"]) == (409, "urn:idnode:problem:conflict")
    assert (read.status, (await read.json())["type"]) == (404, "urn:idnode:problem:hosted-elsewhere")
    assert (await read.json())["referral"] == {"site": SITE}


async def test_the_hosting_changes_there_and_back(node: NodeUnderTest) -> None:
    await node.prefix(OWN)
    site = {"ip": "2001:db8::8", "udp_port": 2641}

    own_site = await node.call("PATCH", PATH, {"hosting": "self", "site": site}, If_Match='"1"')
    hosted = await node.call("PATCH", PATH, {"hosting": "hosted"}, If_Match='"2"')

    assert (own_site.status, own_site.headers["ETag"]) == (200, '"2"')
    assert (await own_site.json())["site"] == {
        "ip": "2001:db8::8",
        "tcp_port": None,
        "udp_port": 2641,
        "http_port": None,
    }
    assert ((await hosted.json())["hosting"], (await hosted.json())["site"], hosted.headers["ETag"]) == (
        "hosted",
        None,
        '"3"',
    )


async def test_every_step_between_states_is_allowed_or_refused_as_the_table_says(node: NodeUnderTest) -> None:
    enterprise = await node.enterprise()
    wrong = []

    for number, (state, wanted) in enumerate((state, wanted) for state in STATES for wanted in STATES):
        prefix = f"88.118.{1000 + number}"
        await made(node, "/v1/prefixes", {"prefix": prefix, "enterprise": enterprise, "state": "waiting"})
        for step in ROADS[state]:
            await node.call("PATCH", f"/v1/prefixes/{prefix}", {"state": step})
        answer = await node.call("PATCH", f"/v1/prefixes/{prefix}", {"state": wanted})
        stands = (await (await node.call("GET", f"/v1/prefixes/{prefix}")).json())["state"]
        expected = (200, wanted) if (state, wanted) in STEPS else (409, state)
        if (answer.status, stands) != expected:
            wrong.append(f"{state} to {wanted}: {answer.status}, stands at {stands}")

    assert wrong == []


async def test_a_refused_step_names_the_steps_there_are(node: NodeUnderTest) -> None:
    await node.prefix(OWN)

    refused = await node.call("PATCH", PATH, {"state": "waiting"})

    assert (await refused.json())["detail"] == (
        "prefix 88.118.8 is active; from there it can become stopped, to_delete, not waiting"
    )


async def test_a_retired_prefix_takes_no_more_writes_and_still_answers(node: NodeUnderTest) -> None:
    await node.prefix(OWN)
    await node.identifier(f"{OWN}/JX-1")

    retired = await node.call("DELETE", PATH, If_Match='"1"')
    again = await node.call("DELETE", PATH)
    write = await node.call("POST", "/v1/identifiers", {"identifier": f"{OWN}/JX-2", "values": [PUBLIC_VALUE]})
    read = await node.call("GET", f"/v1/identifiers/{OWN}/JX-1", key=None)

    assert (retired.status, (await retired.json())["state"]) == (200, "to_delete")
    assert again.status == 409
    assert (write.status, (await write.json())["detail"]) == (409, "prefix 88.118.8 is to_delete; it takes no writes")
    assert read.status == 200


async def test_a_stopped_prefix_answers_no_more(node: NodeUnderTest) -> None:
    await node.prefix(OWN)
    await node.identifier(f"{OWN}/JX-1")

    await node.call("PATCH", PATH, {"state": "stopped"})
    read = await node.call("GET", f"/v1/identifiers/{OWN}/JX-1", key=None)

    assert (read.status, (await read.json())["detail"]) == (
        404,
        "prefix 88.118.8 is stopped; its identifiers are not answered",
    )


async def test_a_reviewer_decides_on_applications_and_neither_retires_nor_rehosts(node: NodeUnderTest) -> None:
    enterprise = await node.enterprise()
    await made(node, "/v1/prefixes", {"prefix": OWN, "enterprise": enterprise, "state": "waiting"})
    reviewer = await node.key("reviewer")

    reviewed = [
        (await node.call("PATCH", PATH, {"state": state}, key=reviewer)).status
        for state in ("in_review", "active", "stopped", "to_delete")
    ]
    rehosted = await node.call("PATCH", PATH, {"hosting": "self", "site": SITE}, key=reviewer)

    assert reviewed == [200, 200, 200, 403]
    assert (rehosted.status, (await rehosted.json())["detail"]) == (
        403,
        "role reviewer may change a prefix's state, not its hosting; it takes admin",
    )


async def test_a_reviewer_with_a_scope_decides_within_it_only(node: NodeUnderTest) -> None:
    enterprise = await node.enterprise()
    await made(node, "/v1/prefixes", {"prefix": OWN, "enterprise": enterprise, "state": "waiting"})
    reviewer = await node.key("reviewer", "88.118.9")

    refused = await node.call("PATCH", PATH, {"state": "active"}, key=reviewer)

    assert (refused.status, (await refused.json())["detail"]) == (
        403,
        "prefix 88.118.8 is outside this key's scope (88.118.9)",
    )


async def test_only_numbers_one_label_below_the_nodes_own_prefix_are_given_out(node: NodeUnderTest) -> None:
    enterprise = await node.enterprise()
    below = "must be one label below the node's prefix 88.118, as in 88.118.8"
    details = {
        "88.119.8": below,
        "88.118": below,
        "88.118.8.1": below,
        "88.1180": below,
        "88.118.abc": "its last label must be 1 to 128 digits",
        "88.118.八": "its last label must be 1 to 128 digits",
        "88.118." + "9" * 129: "its last label must be 1 to 128 digits",
    }

    found = {}
    for prefix in details:
        response = await node.call("POST", "/v1/prefixes", {"prefix": prefix, "enterprise": enterprise})
        problem = await response.json()
        assert (response.status, problem["type"]) == (422, "urn:idnode:problem:invalid-prefix")
        (error,) = problem["errors"]
        assert (error["pointer"], error["rule"], error["limit"]) == ("/prefix", "under-node-prefix", "88.118.<digits>")
        found[prefix] = error["detail"]

    assert found == details


async def test_every_fault_of_a_form_is_named(node: NodeUnderTest, dsn: str) -> None:
    form = {"prefix": OWN, "enterprise": await node.enterprise()}
    stood = await stored_rows(dsn)
    forms: list[tuple[dict[str, Any], str, str]] = [
        ({**form, "hosting": "self"}, "", "site"),
        ({**form, "hosting": "hosted", "site": SITE}, "", "site"),
        ({**form, "hosting": "self", "site": {"ip": "192.0.2.8"}}, "/site", "ports"),
        ({**form, "hosting": "self", "site": {**SITE, "ip": "example.com"}}, "/site/ip", "ip-address"),
        ({**form, "hosting": "self", "site": {**SITE, "tcp_port": 0}}, "/site/tcp_port", "minimum"),
        ({**form, "hosting": "self", "site": {**SITE, "tcp_port": 65_536}}, "/site/tcp_port", "maximum"),
        ({**form, "hosting": "elsewhere"}, "/hosting", "option"),
        ({**form, "state": "stopped"}, "/state", "option"),
        ({**form, "prefix": "88.118..8"}, "/prefix", "prefix"),
        ({**form, "prefix": "88.118.8/1"}, "/prefix", "prefix"),
        ({**form, "prefix": 88.118}, "/prefix", "string-type"),
        ({"prefix": OWN}, "/enterprise", "required"),
        ({**form, "enterprise": "88.118"}, "/enterprise", "uuid-parsing"),
    ]

    found = []
    for sent, _, _ in forms:
        response = await node.call("POST", "/v1/prefixes", sent)
        assert response.status == 422, sent
        found += [(sent, error["pointer"], error["rule"]) for error in (await response.json())["errors"]]

    assert found == forms
    assert await stored_rows(dsn) == stood


async def test_every_fault_of_a_change_is_named(node: NodeUnderTest, dsn: str) -> None:
    await node.prefix(OWN)
    stood = await stored_rows(dsn)
    changes: list[tuple[dict[str, Any], str, str]] = [
        ({}, "", "one-change"),
        ({"state": "stopped", "hosting": "hosted"}, "", "one-change"),
        ({"state": "stopped", "site": SITE}, "", "site"),
        ({"hosting": "self"}, "", "site"),
        ({"hosting": "hosted", "site": SITE}, "", "site"),
        ({"state": "gone"}, "/state", "option"),
        ({"prefix": "88.118.9"}, "/prefix", "unknown-member"),
    ]

    found = []
    for sent, _, _ in changes:
        response = await node.call("PATCH", PATH, sent)
        assert response.status == 422, sent
        found += [(sent, error["pointer"], error["rule"]) for error in (await response.json())["errors"]]

    assert found == changes
    assert await stored_rows(dsn) == stood


async def test_a_prefix_is_given_once_and_only_to_an_enterprise_there_is(node: NodeUnderTest, dsn: str) -> None:
    enterprise = await node.enterprise()
    await node.prefix(OWN, enterprise=enterprise)
    nobody = "01890000-0000-7000-8000-000000000000"
    stood = await stored_rows(dsn)

    taken = await node.call("POST", "/v1/prefixes", {"prefix": OWN, "enterprise": enterprise})
    tried = await node.call("POST", "/v1/prefixes?dry_run=true", {"prefix": OWN, "enterprise": enterprise})
    orphan = await node.call("POST", "/v1/prefixes", {"prefix": "88.118.9", "enterprise": nobody})

    assert (taken.status, (await taken.json())["detail"]) == (409, "prefix 88.118.8 is registered")
    assert (tried.status, await tried.json()) == (409, await taken.json())
    assert (orphan.status, (await orphan.json())["detail"]) == (404, f"there is no enterprise {nobody}")
    assert await stored_rows(dsn) == stood


async def test_prefixes_that_are_not_registered_or_none_are_said_to_be_so(node: NodeUnderTest) -> None:
    unknown = [
        await node.call("GET", PATH),
        await node.call("PATCH", PATH, {"state": "stopped"}),
        await node.call("DELETE", PATH),
    ]
    none = await node.call("GET", "/v1/prefixes/88..8")

    assert [(answer.status, (await answer.json())["detail"]) for answer in unknown] == [
        (404, "prefix 88.118.8 is not registered at this node")
    ] * 3
    assert (none.status, (await none.json())["type"]) == (422, "urn:idnode:problem:invalid-prefix")


async def test_the_list_narrows_to_an_enterprise_and_a_state(node: NodeUnderTest) -> None:
    enterprise = await node.enterprise()
    for prefix in ("88.118.10", "88.118.8", "88.118.9"):
        await node.prefix(prefix, enterprise=enterprise)
    await node.call("PATCH", "/v1/prefixes/88.118.9", {"state": "stopped"})

    lists = [
        [item["prefix"] for item in (await (await node.call("GET", f"/v1/prefixes{query}")).json())["items"]]
        for query in ("", f"?enterprise={enterprise}", "?state=stopped", f"?enterprise={enterprise}&state=active")
    ]

    assert lists == [
        ["88.118", "88.118.10", "88.118.8", "88.118.9"],
        ["88.118.10", "88.118.8", "88.118.9"],
        ["88.118.9"],
        ["88.118.10", "88.118.8"],
    ]

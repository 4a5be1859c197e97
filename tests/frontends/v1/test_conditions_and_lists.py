"""What requests of every kind share: If-Match, If-None-Match, pages and cursors, query parameters, no half reads."""

from typing import Any

from harness import NodeUnderTest
from route_requests import OWN, PUBLIC_VALUE, RouteRequest, RouteRequests, enterprise_form, key_form, made, template
from stored_rows import stored_rows

from idnode.frontends.v1.conditions import fingerprint, is_not_modified
from idnode.frontends.v1.routes import Route

LISTS = {
    "/v1/enterprises": "id",
    "/v1/prefixes": "prefix",
    "/v1/keys": "id",
    "/v1/templates": "version",
    f"/v1/identifiers?prefix={OWN}": "identifier",
    f"/v1/history/{OWN}/JX-1": "version",
}
"""Each list, and the member that tells its items apart."""


async def test_every_change_of_a_thing_takes_its_version_and_no_other(node: NodeUnderTest, dsn: str) -> None:
    requests = await RouteRequests.prepare(node)
    changes = _changes(node)
    wrong = []

    for route in changes:
        request = await requests.of(route)
        stood = await stored_rows(dsn)
        others = (f'"{request.version + 1}"', '"0"', "3", 'W/"1"', '"1", "2"')
        found = [await _status_and_type(node, request, if_match) for if_match in others]
        if await stored_rows(dsn) != stood:
            wrong.append(f"{route.name} wrote")
        found.append(await _status_and_type(node, request, f'"{request.version}"'))
        if found != [
            (412, "urn:idnode:problem:version-moved"),
            (412, "urn:idnode:problem:version-moved"),
            *[(422, "urn:idnode:problem:invalid-input")] * 3,
            (route.status, None),
        ]:
            wrong.append(f"{route.name}: {found}")

    assert wrong == []
    assert len(changes) == 34


async def test_a_star_matches_every_version_and_a_dry_run_is_bound_by_if_match_too(node: NodeUnderTest) -> None:
    requests = await RouteRequests.prepare(node)
    wrong = []

    for route in _changes(node):
        request = await requests.of(route)
        tried = await node.call(request.method, f"{request.path}?dry_run=true", request.body, If_Match='"9"')
        done = await node.call(request.method, request.path, request.body, If_Match="*")
        if (tried.status, done.status) != (412, route.status):
            wrong.append(f"{route.name}: {tried.status}, {done.status}")

    assert wrong == []


async def test_a_stale_version_is_named_beside_the_present_one(node: NodeUnderTest) -> None:
    await node.prefix(OWN)

    refused = await node.call("DELETE", f"/v1/prefixes/{OWN}", If_Match='"7"')

    assert (await refused.json())["detail"] == "If-Match names version 7, the present one is 1"


async def test_every_version_that_is_read_is_not_sent_to_who_has_it(node: NodeUnderTest) -> None:
    requests = await RouteRequests.prepare(node)
    reads = [route for route in node.node.routes if _reads_one(route)]
    wrong = []

    for route in reads:
        request = await requests.of(route)
        path = request.path
        whole = await node.call("GET", path)
        etag = whole.headers["ETag"]
        found = [
            (answer.status, await answer.read() == b"", answer.headers.get("ETag"))
            for answer in [
                await node.call("GET", path, If_None_Match=sent)
                for sent in (etag, f"W/{etag}", f'"99", {etag}', "*", '"99"')
            ]
        ]
        if found != [*[(304, True, etag)] * 4, (200, False, etag)]:
            wrong.append(f"{route.name}: {found}")

    assert wrong == []
    assert [route.name for route in reads] == [
        "read_enterprise", "read_prefix", "read_key", "read_template", "read_identifier", "read_import", "read_pattern",
        "read_range", "read_transfer", "read_review", "list_handle_keys", "read_signing_key", "read_operator",
        "read_profile", "read_application", "read_event",
    ]  # fmt: skip


def test_without_a_version_nothing_is_unmodified() -> None:
    assert not is_not_modified("*", None)
    assert not is_not_modified(None, '"1"')


def test_parts_of_a_request_cannot_be_shifted_into_each_other_unseen() -> None:
    one = fingerprint("POST", "/v1/keys", '"1"', b"{}")

    assert fingerprint("POST", "/v1/keys", '"1"', b"{}") == one
    assert fingerprint("POST", '/v1/keys"1"', None, b"{}") != one
    assert fingerprint("POST/v1/keys", "", '"1"', b"{}") != one
    assert fingerprint("POST", "/v1/keys", None, b'"1"{}') != one


async def test_every_list_is_walked_page_by_page_without_gap_or_repeat(node: NodeUnderTest) -> None:
    await _fill(node)
    wrong = []

    for path, member in LISTS.items():
        whole = await _page(node, path, "limit=1000")
        for limit in (1, 2, 3):
            walked = await _walk(node, path, limit)
            if walked != [item[member] for item in whole["items"]] or whole["next"] is not None:
                wrong.append(f"{path} by {limit}: {walked}")
        if len(whole["items"]) < 4:
            wrong.append(f"{path} has {len(whole['items'])} items")

    assert wrong == []


async def test_lists_are_in_the_order_they_promise(node: NodeUnderTest) -> None:
    await _fill(node)

    orders = {path: [item[member] for item in (await _page(node, path))["items"]] for path, member in LISTS.items()}
    names = [item["name"] for item in (await _page(node, "/v1/enterprises"))["items"]]

    assert names == ["示例纺织有限公司", "示例企业 1", "示例企业 2", "示例企业 3"]
    assert orders["/v1/prefixes"] == ["88.118", "88.118.10", "88.118.8", "88.118.9"]
    assert orders["/v1/templates"][-2:] == ["v1", "v2"]
    assert orders[f"/v1/identifiers?prefix={OWN}"] == [
        f"{OWN}/{suffix}" for suffix in ("JX-1", "JX-10", "JX-2", "jx-3")
    ]
    assert orders[f"/v1/history/{OWN}/JX-1"] == [4, 3, 2, 1]


async def test_a_page_holds_fifty_unless_said(node: NodeUnderTest) -> None:
    await node.prefix(OWN)
    for number in range(51):
        await node.identifier(f"{OWN}/JX-{number}")

    page = await _page(node, f"/v1/identifiers?prefix={OWN}")

    assert len(page["items"]) == 50
    assert len((await _page(node, f"/v1/identifiers?prefix={OWN}", f"cursor={page['next']}"))["items"]) == 1


async def test_what_is_registered_during_a_walk_repeats_nothing(node: NodeUnderTest) -> None:
    await _fill(node)
    path = f"/v1/identifiers?prefix={OWN}"

    first = await _page(node, path, "limit=2")
    await node.identifier(f"{OWN}/AA-0")
    second = await _page(node, path, f"limit=2&cursor={first['next']}")

    assert [item["identifier"] for item in first["items"] + second["items"]] == [
        f"{OWN}/JX-1", f"{OWN}/JX-10", f"{OWN}/JX-2", f"{OWN}/jx-3"
    ]  # fmt: skip


async def test_query_parameters_of_every_list_are_refused_beyond_their_bounds(node: NodeUnderTest) -> None:
    await _fill(node)
    faults = {
        "limit=0": ("/limit", "minimum", "1"),
        "limit=1001": ("/limit", "maximum", "1000"),
        "limit=ten": ("/limit", "int-parsing", None),
        "colour=blue": ("/colour", "unknown-member", None),
        "limit=1&limit=2": ("/limit", "given-twice", None),
        "cursor=": ("/cursor", "cursor", None),
        "cursor=%E9%94%AE": ("/cursor", "cursor", None),
        "cursor=AAAA": ("/cursor", "cursor", None),
        f"cursor={'A' * 1025}": ("/cursor", "max-length", "1024"),
    }
    wrong = []

    for path in LISTS:
        for query, expected in faults.items():
            response = await node.call("GET", path + ("&" if "?" in path else "?") + query)
            errors = (await response.json()).get("errors", [{}])
            found = [(error.get("pointer"), error.get("rule"), error.get("limit")) for error in errors]
            if response.status != 422 or found != [expected]:
                wrong.append(f"{path} {query}: {response.status} {found}")

    assert wrong == []


async def test_every_route_refuses_parameters_and_bodies_that_it_does_not_know(node: NodeUnderTest, dsn: str) -> None:
    requests = await RouteRequests.prepare(node)
    wrong = []

    # A body that is received is a file; what is in it is not looked at yet.
    for route in (route for route in node.node.routes if route.receive is None):
        request = await requests.of(route)
        stood = await stored_rows(dsn)
        path = request.path + ("&" if "?" in request.path else "?")
        unknown = await node.call(request.method, f"{path}dry-run=true", request.body)
        body = await node.call(request.method, request.path, {"colour": "blue"})
        found = [unknown.status, (await unknown.json())["errors"][0]["pointer"], body.status]
        if found != [422, "/dry-run", 422] or await stored_rows(dsn) != stood:
            wrong.append(f"{route.name}: {found}")

    assert wrong == []


async def test_dry_run_is_read_as_a_boolean(node: NodeUnderTest, dsn: str) -> None:
    stood = await stored_rows(dsn)

    tried = [await node.call("POST", f"/v1/enterprises?dry_run={word}", enterprise_form(1)) for word in ("true", "1")]
    unclear = await node.call("POST", "/v1/enterprises?dry_run=perhaps", enterprise_form(1))
    stands = await stored_rows(dsn)
    done = await node.call("POST", "/v1/enterprises?dry_run=false", enterprise_form(1))

    assert ([response.status for response in tried], unclear.status, done.status) == ([200, 200], 422, 201)
    assert stands == stood


async def test_the_past_takes_a_key_whose_scope_holds_the_prefix(node: NodeUnderTest) -> None:
    await node.prefix(OWN)
    await node.identifier(f"{OWN}/JX-1")
    path = f"/v1/identifiers/{OWN}/JX-1?at=2999-01-01T00:00:00Z"
    keys = {"reader": await node.key("reader", OWN), "stranger": await node.key("reader", "88.118.9"), "nobody": None}

    statuses = {name: (await node.call("GET", path, key=key)).status for name, key in keys.items()}
    before = await node.call("GET", f"/v1/identifiers/{OWN}/JX-1?at=2024-01-01T00:00:00Z")

    assert statuses == {"reader": 200, "stranger": 403, "nobody": 401}
    assert (before.status, (await before.json())["detail"]) == (404, f"{OWN}/JX-1 was not registered at that time")


async def _fill(node: NodeUnderTest) -> None:
    """Four things and more in every list."""
    enterprise = await node.enterprise()
    for number in (1, 2, 3):
        await made(node, "/v1/enterprises", enterprise_form(number))
        await made(node, "/v1/keys", key_form(number))
    for prefix in ("88.118.10", OWN, "88.118.9"):
        await node.prefix(prefix, enterprise=enterprise)
    for version in ("v2", "v1"):
        await made(node, "/v1/templates", template(version))
    for suffix in ("jx-3", "JX-1", "JX-2", "JX-10"):
        await node.identifier(f"{OWN}/{suffix}")
    for index in (7, 8, 9):
        patch = {"values": [{**PUBLIC_VALUE, "index": index}]}
        assert (await node.call("PATCH", f"/v1/identifiers/{OWN}/JX-1", patch)).status == 200


async def _page(node: NodeUnderTest, path: str, query: str = "") -> dict[str, Any]:
    response = await node.call("GET", path + ("&" if "?" in path else "?") * bool(query) + query)
    assert response.status == 200, await response.text()
    return dict(await response.json())


async def _walk(node: NodeUnderTest, path: str, limit: int) -> list[Any]:
    member, query, walked = LISTS[path], f"limit={limit}", []
    for _ in range(20):
        page = await _page(node, path, query)
        walked += [item[member] for item in page["items"]]
        if page["next"] is None:
            return walked
        query = f"limit={limit}&cursor={page['next']}"
    return [*walked, "and no end"]


async def _status_and_type(node: NodeUnderTest, request: RouteRequest, if_match: str) -> tuple[int, str | None]:
    response = await node.call(request.method, request.path, request.body, If_Match=if_match)
    return response.status, (await response.json()).get("type") if response.status >= 400 else None


def _changes(node: NodeUnderTest) -> list[Route]:
    """Routes that change the thing that their path names; minting makes another one by the pattern that it names."""
    return [route for route in node.node.routes if route.is_write and "{" in route.path and route.name != "mint"]


def _reads_one(route: Route) -> bool:
    return route.method == "GET" and "version" in route.answer.model_fields and route.stream is None

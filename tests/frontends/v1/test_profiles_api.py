"""Profiles of enterprises over HTTP: what the top node is told of an enterprise besides its own row."""

from harness import NodeUnderTest
from route_requests import uscc


async def test_a_profile_is_empty_at_first_and_replaced_as_a_whole(node: NodeUnderTest) -> None:
    enterprise = await node.enterprise()
    path = f"/v1/enterprises/{enterprise}/profile"
    empty = await node.call("GET", path)
    await node.call("PUT", path, {"organisation": {"capital": "500 万元"}})
    written = await node.call("PUT", path, {"organisation": {"nature": "private_controlled"}})
    read = await node.call("GET", path)

    assert (empty.status, empty.headers["ETag"]) == (200, '"0"')
    assert await empty.json() == {
        "enterprise": enterprise,
        "organisation": {},
        "version": 0,
        "updated": None,
        "missing": [],
    }
    document = await written.json()
    assert (document["organisation"], document["version"]) == ({"nature": "private_controlled"}, 2)
    assert (read.headers["ETag"], await read.json()) == ('"2"', document)


async def test_what_is_begun_and_not_finished_is_missing(node: NodeUnderTest) -> None:
    path = f"/v1/enterprises/{await node.enterprise()}/profile"

    written = await node.call("PUT", path, {"organisation": {"registration_system": {"address": "192.0.2.1:80"}}})

    assert (await written.json())["missing"] == ["/organisation/registration_system/place"]


async def test_what_the_enterprise_says_itself_is_refused_here(node: NodeUnderTest) -> None:
    enterprise = await node.enterprise()
    form = {"organisation": {"organisation_name": "别的", "certificate_number": "1", "colour": "blue"}}

    refused = await node.call("PUT", f"/v1/enterprises/{enterprise}/profile", form)

    assert refused.status == 422
    assert [(error["pointer"], error["rule"]) for error in (await refused.json())["errors"]] == [
        ("/organisation/colour", "known-field"),
        ("/organisation/certificate_number", "elsewhere"),
        ("/organisation/organisation_name", "elsewhere"),
    ]


async def test_there_is_no_profile_without_its_enterprise(node: NodeUnderTest) -> None:
    path = "/v1/enterprises/00000000-0000-0000-0000-000000000000/profile"

    assert (await node.call("GET", path)).status == 404
    assert (await node.call("PUT", path, {"organisation": {}})).status == 404
    assert (await node.call("GET", "/v1/enterprises/none/profile")).status == 404


async def test_a_change_takes_the_version_that_was_read(node: NodeUnderTest) -> None:
    path = f"/v1/enterprises/{await node.enterprise()}/profile"

    first = await node.call("PUT", path, {"organisation": {}}, If_Match='"0"')
    stale = await node.call("PUT", path, {"organisation": {}}, If_Match='"0"')

    assert (first.status, stale.status) == (200, 412)


async def test_a_reviewer_reads_the_profiles_in_its_scope(node: NodeUnderTest) -> None:
    enterprise, other = await node.enterprise(), await node.enterprise(uscc=uscc(0))
    await node.prefix("88.118.8", enterprise=enterprise)
    scoped, whole = await node.key("reviewer", "88.118.8"), await node.key("reviewer")

    statuses = [
        (await node.call("GET", f"/v1/enterprises/{id}/profile", key=key)).status
        for key in (scoped, whole)
        for id in (enterprise, other)
    ]

    assert statuses == [200, 403, 200, 200]

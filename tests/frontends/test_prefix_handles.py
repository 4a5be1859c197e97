"""Prefix handles and referrals over HTTP: 0.NA/{prefix} and the bare prefix, as the registration says just then."""

from typing import Any

from harness import NodeUnderTest

SITE = {"ip": "192.0.2.8", "tcp_port": 2641, "udp_port": None, "http_port": 8080}


async def handle(node: NodeUnderTest, text: str) -> tuple[int, int, list[tuple[int, str]]]:
    """Status, response code and values."""
    response = await node.call("GET", f"/api/handles/{text}", key=None)
    document = await response.json()
    return (
        response.status,
        document["responseCode"],
        [(value["index"], value["type"]) for value in document.get("values", [])],
    )


async def test_a_prefix_that_its_enterprise_answers_has_its_site_and_refers_to_it(node: NodeUnderTest) -> None:
    form: dict[str, Any] = {"prefix": "88.118.9", "enterprise": await node.enterprise(), "hosting": "self"}
    made = await node.call("POST", "/v1/prefixes", {**form, "site": SITE})
    assert made.status == 201, await made.text()

    found = [await handle(node, text) for text in ("0.NA/88.118.9", "88.118.9", "0.na/88.118.9")]
    referred = await (await node.call("GET", "/api/handles/88.118.9/A", key=None)).json()
    record = await (await node.call("GET", "/v1/identifiers/0.NA/88.118.9", key=None)).json()
    asked = {"identifiers": ["88.118.9/A", "0.NA/88.118.9", "0.NA/88.118.77", "0.NA/88.118.9"]}
    several = (await (await node.call("POST", "/v1/resolve", asked, key=None)).json())["results"]

    assert found == [(200, 1, [(1, "HS_SITE")])] * 3
    assert (referred["responseCode"], referred["values"][0]["type"]) == (303, "HS_SITE")
    assert [each["data"]["value"]["servers"][0]["address"] for each in record["values"]] == ["192.0.2.8"]
    assert [each["found"] for each in several] == [False, True, False, True]
    assert several[0]["problem"]["referral"] == {"site": SITE}
    assert several[2]["problem"]["type"].endswith("not-responsible")


async def test_what_the_registration_says_holds_at_once(node: NodeUnderTest) -> None:
    form: dict[str, Any] = {"prefix": "88.118.9", "enterprise": await node.enterprise(), "hosting": "self"}
    await node.call("POST", "/v1/prefixes", {**form, "site": SITE})
    before = await handle(node, "88.118.9")
    for state in ("stopped", "active"):
        changed = await node.call("PATCH", "/v1/prefixes/88.118.9", {"state": state})
        assert changed.status == 200, await changed.text()
        if state == "stopped":
            stopped = await handle(node, "88.118.9")
            below = await handle(node, "88.118.9/A")

    assert before == (200, 1, [(1, "HS_SITE")])
    assert (stopped, below) == ((404, 100, []), (404, 100, []))
    assert await handle(node, "88.118.9") == before
    assert await handle(node, "0.NA/88.118.77") == (400, 301, [])
    assert await handle(node, "77") == (400, 301, [])

"""The proxy: browsers are sent to the URL of a record or shown the record, and nothing can be smuggled past it."""

import base64
import re

import pytest
from aiohttp import ClientResponse
from harness import NodeUnderTest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from idnode.frontends.rest.proxy import LOCATION_BYTES_MAX, location_of

Value = dict[str, object]


@pytest.fixture
async def proxy(node: NodeUnderTest) -> NodeUnderTest:
    await node.prefix("88.118.8")
    return node


def text_value(index: int, value_type: str, text: str, **members: object) -> Value:
    return {"index": index, "type": value_type, "data": {"format": "string", "value": text}, **members}


def bytes_value(index: int, value_type: str, data: bytes) -> Value:
    encoded = base64.b64encode(data).decode()
    return {"index": index, "type": value_type, "data": {"format": "base64", "value": encoded}}


async def register(node: NodeUnderTest, *values: Value, identifier: str = "88.118.8/JX-1") -> None:
    response = await node.call("POST", "/v1/identifiers", {"identifier": identifier, "values": list(values)})
    assert response.status == 201, await response.text()


async def visit(node: NodeUnderTest, target: str, *, method: str = "GET") -> ClientResponse:
    url = URL(str(node.client.make_url("/")).rstrip("/") + target, encoded=True)
    response = await node.client.session.request(method, url, allow_redirects=False)
    await response.read()
    return response


async def test_a_browser_is_sent_to_the_url(proxy: NodeUnderTest) -> None:
    await register(proxy, text_value(2, "url", "https://example.com/2"), text_value(1, "URL", "https://example.com/1"))

    for target in ("/88.118.8/JX-1", "/88.118.8%2Fjx-1", "/%38%38.118.8/JX-1", "/88.118.8/JX-1?noredirect=false"):
        response = await visit(proxy, target)
        assert (response.status, response.headers["Location"]) == (302, "https://example.com/1"), target


async def test_head_is_sent_there_too(proxy: NodeUnderTest) -> None:
    await register(proxy, text_value(1, "URL", "https://example.com/1"))

    response = await visit(proxy, "/88.118.8/JX-1", method="HEAD")

    assert (response.status, response.headers["Location"]) == (302, "https://example.com/1")


async def test_a_url_that_is_not_public_leads_nowhere(proxy: NodeUnderTest) -> None:
    await register(proxy, text_value(1, "URL", "https://example.com/secret", permissions="1100"))

    response = await visit(proxy, "/88.118.8/JX-1")

    assert response.status == 200
    assert "Location" not in response.headers
    assert "secret" not in await response.text()


async def test_what_is_no_web_address_is_shown_and_not_followed(proxy: NodeUnderTest) -> None:
    hostile = (
        b"https://example.com/\r\nSet-Cookie: a=b",
        b"https://example.com/\n",
        b"https://example.com/\x00",
        b"javascript:alert(1)",
        b"data:text/html,x",
        b"//example.com/",
        b"\xff\xfe",
        b"",
    )
    await register(proxy, *(bytes_value(index, "URL", data) for index, data in enumerate(hostile, 1)))

    response = await visit(proxy, "/88.118.8/JX-1")

    assert response.status == 200
    assert "Location" not in response.headers
    assert "Set-Cookie" not in response.headers


async def test_the_first_url_that_can_be_followed_is(proxy: NodeUnderTest) -> None:
    await register(proxy, text_value(1, "URL", "javascript:x"), text_value(2, "URL", "https://例子.cn/产品?q=值"))

    response = await visit(proxy, "/88.118.8/JX-1")

    assert response.headers["Location"] == "https://xn--fsqu00a.cn/%E4%BA%A7%E5%93%81?q=%E5%80%BC"


async def test_noredirect_shows_the_values_in_both_languages(proxy: NodeUnderTest) -> None:
    await register(
        proxy,
        text_value(1, "URL", "https://example.com/1"),
        text_value(2, "HS_SECKEY", "hush", permissions="1100"),
    )

    response = await visit(proxy, "/88.118.8/JX-1?noredirect")
    page = await response.text()

    assert (response.status, response.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert '<th scope="col">索引 <span lang="en">Index</span></th>' in page
    assert "<td>1</td><td>URL</td><td>https://example.com/1</td><td>86400 s</td>" in page
    assert "hush" not in page
    assert "HS_SECKEY" not in page


async def test_everything_on_the_page_is_escaped(proxy: NodeUnderTest) -> None:
    hostile = "<script>alert('&\")</script>"
    await register(proxy, text_value(1, hostile, hostile), identifier=f"88.118.8/{hostile}")

    page = await (await visit(proxy, "/88.118.8/%3Cscript%3Ealert('&%22)%3C/script%3E")).text()

    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(&#x27;&amp;&quot;)&lt;/script&gt;") == 4
    assert 'href="/api/handles/88.118.8/%3Cscript%3Ealert%28%27%26%22%29%3C/script%3E?pretty"' in page


async def test_the_page_loads_nothing_and_runs_nothing(proxy: NodeUnderTest) -> None:
    await register(proxy, text_value(1, "NOTE", "no address here"))

    response = await visit(proxy, "/88.118.8/JX-1")
    page = await response.text()

    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert re.findall(r"(?:src|url|@import|<link|<script|http-equiv)", page) == []


async def test_what_is_not_there_is_a_404_page(proxy: NodeUnderTest) -> None:
    headings = {
        "/88.118.8/none": "标识不存在",
        "/10.1000/1": "前缀不属于本节点",
        "/favicon.ico": "不是标识",
        "/nope": "不是标识",
        "/88.118.8/%FF": "不是标识",
        "/88.118.8/%00": "不是标识",
        "/88.118.8/a%0Ab": "不是标识",
        "/88.118.8/" + "a" * 291: "不是标识",
        "/88.118.8%252FJX-1": "不是标识",
    }

    for target, heading in headings.items():
        response = await visit(proxy, target)
        assert (response.status, response.headers["Content-Type"]) == (404, "text/html; charset=utf-8"), target
        assert f"<h1>{heading} " in await response.text()


async def test_suspended_is_404_and_deleted_410(proxy: NodeUnderTest) -> None:
    await register(proxy, text_value(1, "URL", "https://example.com/1"))

    await proxy.call("POST", "/v1/suspend/88.118.8/JX-1")
    suspended = await visit(proxy, "/88.118.8/JX-1")
    await proxy.call("DELETE", "/v1/identifiers/88.118.8/JX-1")
    deleted = await visit(proxy, "/88.118.8/JX-1")

    assert (suspended.status, deleted.status) == (404, 410)
    assert "标识已停用" in await suspended.text()
    assert "标识已删除" in await deleted.text()


async def test_an_administrator_sees_no_more_than_the_public(proxy: NodeUnderTest) -> None:
    await register(proxy, text_value(1, "NOTE", "hush", permissions="1100"))

    response = await proxy.client.get("/88.118.8/JX-1", headers=proxy.admin)

    assert response.status == 200
    assert "hush" not in await response.text()


async def test_a_database_that_is_away_is_a_503_page(proxy: NodeUnderTest) -> None:
    await proxy.node.database.close()

    response = await visit(proxy, "/88.118.8/JX-1")

    assert (response.status, response.headers["Retry-After"]) == (503, "1")
    assert "暂时无法解析" in await response.text()


async def test_the_routes_of_others_keep_their_own_refusals(proxy: NodeUnderTest) -> None:
    wrong_method = await proxy.client.get("/v1/resolve")
    unknown = await proxy.client.get("/v1/nope")

    assert (wrong_method.status, wrong_method.headers["Allow"]) == (405, "POST")
    assert (unknown.status, unknown.content_type) == (404, "application/problem+json")


def test_a_location_is_left_as_it_is() -> None:
    assert location_of(b"HTTPS://Example.com/%7E%2f?a=b+c#d") == "HTTPS://Example.com/%7E%2f?a=b+c#d"


def test_a_location_beyond_ascii_is_encoded() -> None:
    assert location_of("https://example.com/a b/é".encode()) == "https://example.com/a%20b/%C3%A9"


@pytest.mark.parametrize(
    "text",
    [
        "http:///x",
        "http:\\\\example.com",
        "http://[::1",
        "http://example.com:99999/",
        "http://a b/",
        "http://例\u200b子.cn/",
        "https://example.com/\u202e",
        "https://example.com/" + "a" * LOCATION_BYTES_MAX,
        "https://example.com/" + "é" * (LOCATION_BYTES_MAX // 6),
    ],
)
def test_what_cannot_stand_in_a_location_does_not(text: str) -> None:
    assert location_of(text.encode()) is None


@given(st.one_of(st.binary(max_size=64), st.text(max_size=64).map(lambda text: f"http://h/{text}".encode())))
def test_whatever_the_data_a_location_is_visible_ascii(data: bytes) -> None:
    location = location_of(data)

    assert location is None or re.fullmatch(r"[!-~]+", location)

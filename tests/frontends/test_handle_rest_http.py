"""The Handle REST interface over HTTP, on a whole node: what clients send and what they get, byte for byte."""

import asyncio
from datetime import UTC, datetime

import pytest
from aiohttp import ClientResponse
from harness import NodeUnderTest
from yarl import URL

from idnode.model.change import Trace
from idnode.model.handle_value import HandleValue, Permission, TimeToLive
from idnode.model.identifier import Identifier
from idnode.model.record import Operation, Record, State
from idnode.storage.identifiers import IdentifierStore, RecordWrite, StoredRecord, WriteOutcome
from idnode.wire.record_json import render_record

MOMENT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
ADMIN_ONLY = Permission.ADMIN_READ | Permission.ADMIN_WRITE
URL_VALUE = HandleValue(1, "URL", b"https://example.com/item/1", MOMENT)
EMAIL_VALUE = HandleValue(2, "EMAIL", b"desk@example.com", MOMENT, TimeToLive(2_000_000_000, is_absolute=True))
SECRET_VALUE = HandleValue(301, "HS_SECKEY", b"not so secret", MOMENT, permissions=ADMIN_ONLY)

URL_JSON = (
    '{"index":1,"type":"URL","data":{"format":"string","value":"https://example.com/item/1"},"ttl":86400,'
    '"timestamp":"2023-11-14T22:13:20Z"}'
)
EMAIL_JSON = (
    '{"index":2,"type":"EMAIL","data":{"format":"string","value":"desk@example.com"},"ttl":"2033-05-18T03:33:20Z",'
    '"timestamp":"2023-11-14T22:13:20Z"}'
)
SECRET_JSON = (
    '{"index":301,"type":"HS_SECKEY","data":{"format":"string","value":"not so secret"},"ttl":86400,'
    '"permissions":"1100","timestamp":"2023-11-14T22:13:20Z"}'
)
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
OPEN = "/api/handles/88.118.8/open"
MIXED = "/api/handles/88.118.8/mixed"


@pytest.fixture
async def rest(node: NodeUnderTest) -> NodeUnderTest:
    """A node with 88.118.8/open, all public, and 88.118.8/mixed, which holds a secret key."""
    await node.prefix("88.118.8")
    await keep(node, "88.118.8/open", URL_VALUE, EMAIL_VALUE)
    await keep(node, "88.118.8/mixed", URL_VALUE, SECRET_VALUE)
    return node


async def keep(node: NodeUnderTest, identifier: str, *values: HandleValue) -> None:
    record = Record(Identifier.parse(identifier), 1, State.ACTIVE, None, {}, values, MOMENT, MOMENT)
    document = render_record(record)
    stored = StoredRecord(
        record.identifier.folded, 1, record.state, record.is_public, document.values_at, document.json
    )
    write = RecordWrite(stored, Operation.REGISTER, Trace("test", "test", MOMENT))
    assert await IdentifierStore(node.node.database).commit([write]) == [WriteOutcome.COMMITTED]


async def ask(
    node: NodeUnderTest, target: str, headers: dict[str, str] | None = None, *, method: str = "GET", data: bytes = b""
) -> ClientResponse:
    """A request to exactly this target: the client does not touch its escapes."""
    url = URL(str(node.client.make_url("/")).rstrip("/") + target, encoded=True)
    response = await node.client.session.request(method, url, data=data or None, headers=headers)
    await response.read()
    return response


async def answer(node: NodeUnderTest, target: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
    response = await ask(node, target, headers)
    return response.status, await response.text()


async def raw_status(node: NodeUnderTest, head: bytes) -> int:
    url = node.client.make_url("/")
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(head + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    async with asyncio.timeout(5):
        line = await reader.readline()
    writer.close()
    return int(line.split()[1])


async def bearer(node: NodeUnderTest, role: str, *prefixes: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {await node.key(role, *prefixes)}"}


def found(handle: str, *values: str) -> tuple[int, str]:
    return 200, f'{{"responseCode":1,"handle":"{handle}","values":[{",".join(values)}]}}'


async def test_a_record_is_answered_as_handle_clients_expect(rest: NodeUnderTest) -> None:
    response = await ask(rest, OPEN)

    assert (response.status, await response.text()) == found("88.118.8/open", URL_JSON, EMAIL_JSON)
    assert response.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert response.headers["Vary"] == "Authorization, Origin"
    assert response.headers["ETag"] == '"1"'


async def test_a_handle_is_decoded_once_and_echoed_as_asked(rest: NodeUnderTest) -> None:
    handles = {
        "/api/handles/88.118.8%2Fopen": "88.118.8/open",
        "/api/handles/88.118.8/OPEN": "88.118.8/OPEN",
        "/api/handles/88%2E118.8/%6Fpen": "88.118.8/open",
        "/%61pi/handles/88.118.8/open": "88.118.8/open",
    }

    for target, handle in handles.items():
        assert await answer(rest, target) == found(handle, URL_JSON, EMAIL_JSON), target


async def test_a_suffix_keeps_its_slashes_and_escapes(rest: NodeUnderTest) -> None:
    await keep(rest, "88.118.8/a/b%2Fc?d#产品", URL_VALUE)

    target = "/api/handles/88.118.8/a%2Fb%252Fc%3Fd%23%E4%BA%A7%E5%93%81"

    assert await answer(rest, target) == found("88.118.8/a/b%2Fc?d#产品", URL_JSON)


async def test_parameters_choose_values(rest: NodeUnderTest) -> None:
    chosen = {
        "index=2": [EMAIL_JSON],
        "index=1&index=2": [URL_JSON, EMAIL_JSON],
        "type=url": [URL_JSON],
        "type=URL&index=2": [URL_JSON, EMAIL_JSON],
        "index=2&nonsense=%FF": [EMAIL_JSON],
    }

    for query, values in chosen.items():
        assert await answer(rest, f"{OPEN}?{query}") == found("88.118.8/open", *values), query


async def test_no_value_that_matches_is_code_200(rest: NodeUnderTest) -> None:
    empty = '{"responseCode":200,"values":[],"handle":"88.118.8/open"}'

    for query in ("index=7", "type=NOPE", "type=%FF", "type=", "index=-1"):
        assert await answer(rest, f"{OPEN}?{query}") == (200, empty), query


async def test_a_body_carries_parameters_too(rest: NodeUnderTest) -> None:
    form = await ask(rest, OPEN, FORM, method="POST", data=b"index=2")
    json = await ask(
        rest, f"{OPEN}?index=2", {"Content-Type": "application/json"}, method="POST", data=b'{"type":"URL"}'
    )
    bare = await ask(rest, f"{OPEN}?index=2", method="POST")

    assert (form.status, await form.text()) == found("88.118.8/open", EMAIL_JSON)
    assert (json.status, await json.text()) == found("88.118.8/open", URL_JSON, EMAIL_JSON)
    assert (bare.status, await bare.text()) == found("88.118.8/open", EMAIL_JSON)


async def test_a_body_of_another_type_is_refused(rest: NodeUnderTest) -> None:
    response = await ask(rest, OPEN, {"Content-Type": "text/plain"}, method="POST", data=b"index=2")

    assert response.status == 400
    assert (await response.json())["responseCode"] == 4


async def test_a_body_over_the_limit_is_refused(rest: NodeUnderTest) -> None:
    response = await ask(rest, OPEN, FORM, method="POST", data=b"x=" + b"a" * (1 << 20))

    assert response.status == 400
    assert (await response.json())["message"] == "the body is over the limit of 1048576 bytes"


async def test_a_callback_gets_a_script(rest: NodeUnderTest) -> None:
    response = await ask(rest, f"{OPEN}?callback=app.on%28record%29&index=1")

    assert await response.text() == f"app.on_record_({found('88.118.8/open', URL_JSON)[1]});"
    assert response.headers["Content-Type"] == "application/javascript;charset=UTF-8"


async def test_a_refusal_takes_the_form_that_was_asked_for(rest: NodeUnderTest) -> None:
    assert await answer(rest, "/api/handles/88.118.8/none?callback=f") == (
        404,
        'f({"responseCode":100,"handle":"88.118.8/none"});',
    )


async def test_head_answers_the_headers_of_get(rest: NodeUnderTest) -> None:
    head, get = await ask(rest, OPEN, method="HEAD"), await ask(rest, OPEN)

    assert (head.status, await head.read()) == (200, b"")
    assert head.headers["Content-Length"] == str(len(await get.read()))
    assert head.headers["ETag"] == get.headers["ETag"]


async def test_a_version_that_the_client_has_is_not_sent_again(rest: NodeUnderTest) -> None:
    response = await ask(rest, OPEN, {"If-None-Match": '"1"', "Origin": "https://app.example.com"})

    assert (response.status, await response.read()) == (304, b"")
    assert response.headers["ETag"] == '"1"'
    assert response.headers["Access-Control-Allow-Origin"] == "https://app.example.com"


async def test_the_public_gets_the_public_values(rest: NodeUnderTest) -> None:
    assert await answer(rest, MIXED) == found("88.118.8/mixed", URL_JSON)
    assert (await answer(rest, f"{MIXED}?type=HS_SECKEY"))[1][:20] == '{"responseCode":200,'


async def test_secret_values_over_plain_http_are_403_with_code_402(rest: NodeUnderTest) -> None:
    response = await ask(rest, f"{MIXED}?publicOnly=false")

    assert response.status == 403
    assert await response.json() == {
        "responseCode": 402,
        "message": "value 301 is not public; reading it takes credentials",
        "handle": "88.118.8/mixed",
    }


async def test_without_secret_values_anyone_may_ask_for_all(rest: NodeUnderTest) -> None:
    assert await answer(rest, f"{MIXED}?publicOnly=false&type=URL") == found("88.118.8/mixed", URL_JSON)


async def test_a_key_of_the_prefix_reads_everything(rest: NodeUnderTest) -> None:
    owner = await bearer(rest, "enterprise", "88.118.8")
    response = await ask(rest, MIXED, owner)

    assert (response.status, await response.text()) == found("88.118.8/mixed", URL_JSON, SECRET_JSON)
    assert response.headers["ETag"] == '"1-all"'
    assert (await ask(rest, MIXED, owner | {"If-None-Match": '"1"'})).status == 200


async def test_a_key_of_the_prefix_may_ask_for_public_values(rest: NodeUnderTest) -> None:
    owner = await bearer(rest, "enterprise", "88.118.8")

    assert await answer(rest, f"{MIXED}?publicOnly", owner) == found("88.118.8/mixed", URL_JSON)


async def test_a_key_of_another_prefix_is_the_public_and_told_so(rest: NodeUnderTest) -> None:
    await rest.prefix("88.118.9", enterprise=await rest.enterprise(uscc="91310000775785552L", name="示例船舶有限公司"))
    stranger = await bearer(rest, "enterprise", "88.118.9")

    status, body = await answer(rest, f"{MIXED}?publicOnly=false", stranger)
    public = await answer(rest, MIXED, stranger)

    assert public == found("88.118.8/mixed", URL_JSON)
    assert (status, body[:20]) == (403, '{"responseCode":400,')


async def test_a_value_that_nobody_may_read_is_401_for_its_owner(rest: NodeUnderTest) -> None:
    await keep(rest, "88.118.8/sealed", URL_VALUE, SECRET_VALUE._replace(permissions=Permission.ADMIN_WRITE))

    status, body = await answer(rest, "/api/handles/88.118.8/sealed", rest.admin)
    public = await answer(rest, "/api/handles/88.118.8/sealed?publicOnly=true", rest.admin)

    assert (status, body[:20]) == (403, '{"responseCode":401,')
    assert public == found("88.118.8/sealed", URL_JSON)


async def test_an_unknown_key_is_refused(rest: NodeUnderTest) -> None:
    status, body = await answer(rest, OPEN, {"Authorization": "Bearer nonsense"})

    assert (status, body[:20]) == (403, '{"responseCode":402,')


async def test_what_is_not_registered_is_code_100(rest: NodeUnderTest) -> None:
    missing = '{"responseCode":100,"handle":"88.118.8/none"}'

    assert await answer(rest, "/api/handles/88.118.8/none") == (404, missing)


async def test_suspended_and_deleted_are_not_there(rest: NodeUnderTest) -> None:
    missing = (404, '{"responseCode":100,"handle":"88.118.8/open"}')

    assert (await rest.call("POST", "/v1/suspend/88.118.8/open")).status == 200
    assert await answer(rest, OPEN) == missing
    deleted = await rest.call("DELETE", "/v1/identifiers/88.118.8/open?successor=88.118.8/NEW")
    at = (await deleted.json())["updated"]
    told = f"88.118.8/open was deleted at {at}; 88.118.8/NEW is its successor"

    assert deleted.status == 200
    assert await answer(rest, OPEN) == (
        404,
        f'{{"responseCode":100,"message":"{told}","handle":"88.118.8/open"}}',
    )


async def test_prefixes_of_others_do_not_live_here(rest: NodeUnderTest) -> None:
    for handle in ("10.1000/1", "10.1000", "0.NA/10.1000"):
        assert await answer(rest, f"/api/handles/{handle}") == (
            400,
            f'{{"responseCode":301,"message":"That prefix doesn\'t live here","handle":"{handle}"}}',
        )


async def test_a_prefix_of_the_node_has_a_handle_of_its_own(rest: NodeUnderTest) -> None:
    async def types(handle: str) -> tuple[int, list[str]]:
        response = await ask(rest, f"/api/handles/{handle}")
        return response.status, [value["type"] for value in (await response.json())["values"]]

    for handle in ("88.118.8", "0.NA/88.118.8"):
        assert await types(handle) == (200, ["HS_SITE"])

    await keep(rest, "0.NA/88.118.8", URL_VALUE._replace(index=7))

    for handle in ("88.118.8", "0.NA/88.118.8", "0.na/88.118.8"):
        assert await types(handle) == (200, ["HS_SITE", "URL"])


async def test_a_prefix_that_its_enterprise_answers_is_referred_to_it(rest: NodeUnderTest) -> None:
    enterprise = await rest.enterprise(uscc="91310000775785552L", name="示例船舶有限公司")
    site = {"ip": "203.0.113.7", "tcp_port": 2641}
    form = {"prefix": "88.118.9", "enterprise": enterprise, "hosting": "self", "site": site}
    assert (await rest.call("POST", "/v1/prefixes", form)).status == 201

    response = await ask(rest, "/api/handles/88.118.9/ship")
    document = await response.json()

    assert (response.status, document["responseCode"], document["handle"]) == (300, 303, "88.118.9/ship")
    assert document["values"][0]["data"]["value"]["servers"] == [
        {
            "serverId": 1,
            "address": "203.0.113.7",
            "interfaces": [{"query": True, "admin": True, "protocol": "TCP", "port": 2641}],
        }
    ]
    assert (await answer(rest, "/api/handles/88.118.9/ship?doNotRefer"))[1][:20] == '{"responseCode":301,'


async def test_a_database_that_is_away_is_busy(rest: NodeUnderTest) -> None:
    await rest.node.database.close()

    response = await ask(rest, "/api/handles/88.118.8/open")

    assert (response.status, response.headers["Retry-After"]) == (503, "1")
    assert (await response.json())["responseCode"] == 3


async def test_bad_input_is_refused_with_its_code(rest: NodeUnderTest) -> None:
    codes = {
        "/api/handles/88.118.8/%FF": 4,
        "/api/handles/88.118.8/%C0%AF": 4,
        "/api/handles/88.118.8/%ED%A0%80": 4,
        "/api/handles/88.118.8/%00": 102,
        "/api/handles/88.118.8/a%0Ab": 102,
        "/api/handles/88.118.8/a%0D%0ASet-Cookie:x": 102,
        "/api/handles/88.118.8/%E2%80%AEx": 102,
        "/api/handles/88.118.8/": 102,
        "/api/handles//x": 102,
        "/api/handles/88.118.8/" + "a" * 291: 102,
        f"{OPEN}?index=": 4,
        f"{OPEN}?index=x": 4,
        f"{OPEN}?index=99999999999999999999": 4,
        f"{OPEN}?" + "&".join(["type=URL"] * 257): 4,
    }

    for target, code in codes.items():
        response = await ask(rest, target)
        document = await response.json()
        assert (response.status, document["responseCode"]) == (400, code), target
        assert document["message"]


async def test_raw_bytes_do_not_crash_it(rest: NodeUnderTest) -> None:
    requests = {
        b"GET /api/handles/88.118.8/\xff\xfe HTTP/1.1\r\nX: x": 400,
        b"GET /api/handles/88.118.8/\xed\xa0\x80 HTTP/1.1\r\nX: x": 400,
        b"GET /api/handles/88.118.8/open?type=\xff HTTP/1.1\r\nX: x": 400,
        b"GET /api/handles/88.118.8/open HTTP/1.1\r\nOrigin: \xff": 200,
        b"GET /88.118.8/\xff HTTP/1.1\r\nX: x": 400,
    }

    for head, status in requests.items():
        assert await raw_status(rest, head) == status, head


async def test_options_names_the_methods_and_lets_browsers_in(rest: NodeUnderTest) -> None:
    response = await ask(rest, OPEN, {"Origin": "https://app.example.com"}, method="OPTIONS")

    assert (response.status, await response.read()) == (200, b"")
    assert response.headers["Allow"] == "GET, HEAD, POST, PUT, DELETE, TRACE, OPTIONS"
    assert response.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    assert response.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type, If-None-Match"


async def test_other_methods_are_not_served(rest: NodeUnderTest) -> None:
    for method in ("PATCH", "TRACE"):
        response = await ask(rest, OPEN, method=method)
        assert (response.status, (await response.json())["responseCode"]) == (501, 5), method


async def test_endpoints_of_later_say_so(rest: NodeUnderTest) -> None:
    for name in ("prefixes", "verifications"):
        response = await ask(rest, f"/api/{name}")
        assert response.status == 501, name
        assert (await response.json())["message"].endswith("is not served yet")


async def test_an_unknown_endpoint_is_named(rest: NodeUnderTest) -> None:
    assert await answer(rest, "/api/nope?x=y") == (
        404,
        '{"responseCode":4,"message":"Unknown HTTP API endpoint GET /api/nope"}',
    )
    assert (await answer(rest, "/api"))[0] == 404

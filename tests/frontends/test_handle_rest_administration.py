"""Writing through the Handle REST interface: a whole node on trusted loopback, byte for byte."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientResponse
from conftest import serve_node
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from harness import TEXTILE, NodeUnderTest

from idnode.config import Settings
from idnode.storage.database import Database
from idnode.wire.encoded_bytes import base64url_of

ADMIN = "0.NA/88.118.8"
SECRET = "a secret of a test"
URL = {"index": 1, "type": "URL", "data": {"format": "string", "value": "https://example.com/1"}}
ONE = "/api/handles/88.118.8/JX-1"
EXISTS = (
    '{"responseCode":101,"message":"88.118.8/JX-1 is registered already (letters compare without case)",'
    '"handle":"88.118.8/JX-1"}'
)
NO_PARAMETERS: dict[str, str] = {}


def admin_value(index: int, handle: str, of: int, permissions: str = "111111111111") -> dict[str, Any]:
    value = {"handle": handle, "index": of, "permissions": permissions}
    return {"index": index, "type": "HS_ADMIN", "data": {"format": "admin", "value": value}}


def secret_value(index: int, secret: str = SECRET) -> dict[str, Any]:
    return {"index": index, "type": "HS_SECKEY", "permissions": "1100", "data": secret}


def basic(identity: str = f"301:{ADMIN}", secret: str = SECRET) -> dict[str, str]:
    user = identity.replace(":", "%3A")
    return {"Authorization": "Basic " + b64encode(f"{user}:{secret}".encode()).decode()}


@pytest.fixture
async def rest(database: Database, dsn: str) -> AsyncIterator[NodeUnderTest]:
    """A node that trusts this machine, with administrators of 88.118.8."""
    settings = Settings(native_port=0, seed="none", body_seconds=1, drain_seconds=0, trusts_loopback=True)
    async for node in serve_node(settings, database, dsn):
        await node.prefix("88.118.8")
        group = {"format": "vlist", "value": [{"handle": ADMIN, "index": 300}, {"handle": ADMIN, "index": 301}]}
        values = [admin_value(100, ADMIN, 200), {"index": 200, "type": "HS_VLIST", "data": group}, secret_value(301)]
        made = await send(node, "PUT", f"/api/handles/{ADMIN}", values, node.admin)
        assert made == (201, f'{{"responseCode":1,"handle":"{ADMIN}"}}')
        yield node


async def request(
    node: NodeUnderTest, method: str, path: str, document: object = None, headers: dict[str, str] = NO_PARAMETERS
) -> ClientResponse:
    response = await node.client.request(method, path, json=document, headers=headers)
    await response.read()
    return response


async def send(
    node: NodeUnderTest, method: str, path: str, document: object = None, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    """By the administrator of the prefix, unless others are named."""
    response = await request(node, method, path, document, basic() if headers is None else headers)
    return response.status, await response.text()


async def values(node: NodeUnderTest, path: str = ONE) -> list[tuple[int, str]]:
    document = await (await request(node, "GET", path)).json()
    return [(value["index"], str(value["data"]["value"])) for value in document["values"]]


async def code(node: NodeUnderTest, method: str, path: str, document: object = None, **by: str) -> tuple[int, int]:
    response = await request(node, method, path, document, basic(**by))
    return response.status, (await response.json())["responseCode"]


async def test_a_record_is_created_overwritten_and_comes_back_in_index_order(rest: NodeUnderTest) -> None:
    created = await send(rest, "PUT", ONE, {"values": [admin_value(100, ADMIN, 200), URL]})
    refused = await send(rest, "PUT", ONE + "?overwrite=false", {"values": [URL]}, {})
    overwritten = await send(rest, "PUT", ONE, [{"index": 7, "type": "NOTE", "data": "x"}, URL])

    assert created == (201, '{"responseCode":1,"handle":"88.118.8/JX-1"}')
    assert refused == (
        409,
        EXISTS,
    )
    assert overwritten == (200, '{"responseCode":1,"handle":"88.118.8/JX-1"}')
    assert await values(rest) == [(1, "https://example.com/1"), (7, "x")]

    history = await (await rest.call("GET", "/v1/history/88.118.8/JX-1")).json()
    assert [(each["operation"], each["actor"]) for each in history["items"]] == [
        ("replace", f"301:{ADMIN}"),
        ("register", f"301:{ADMIN}"),
    ]


async def test_values_are_added_changed_and_removed_by_index(rest: NodeUnderTest) -> None:
    await send(rest, "PUT", ONE, [URL])
    note = {"index": 2, "type": "NOTE", "data": {"format": "hex", "value": "6162"}}

    assert (await send(rest, "PUT", ONE + "?index=various&overwrite=false", [note]))[0] == 201
    assert (await send(rest, "PUT", ONE + "?index=2", note | {"data": "cd"}))[0] == 200
    assert await values(rest) == [(1, "https://example.com/1"), (2, "cd")]

    clash = await send(rest, "PUT", ONE + "?index=2&overwrite=false", note)
    assert clash == (409, '{"responseCode":201,"message":"Index conflict for 2","handle":"88.118.8/JX-1"}')
    assert await code(rest, "PUT", ONE + "?index=3", note) == (400, 4)
    assert await code(rest, "PUT", ONE + "?index=various", []) == (400, 202)
    assert await code(rest, "DELETE", ONE + "?index=2&index=9") == (400, 200)
    assert await code(rest, "DELETE", ONE + "?index=1&index=2") == (400, 202)
    assert await values(rest) == [(1, "https://example.com/1"), (2, "cd")]
    assert (await send(rest, "DELETE", ONE + "?index=2"))[0] == 200
    assert await values(rest) == [(1, "https://example.com/1")]


async def test_a_deleted_handle_is_not_there_and_is_not_given_out_again(rest: NodeUnderTest) -> None:
    await send(rest, "PUT", ONE, [URL])

    assert await send(rest, "DELETE", ONE) == (200, '{"responseCode":1,"handle":"88.118.8/JX-1"}')
    assert await code(rest, "GET", ONE) == (404, 100)
    assert await code(rest, "DELETE", ONE) == (404, 100)
    assert await code(rest, "PUT", ONE + "?index=1", [URL]) == (404, 100)
    assert await code(rest, "PUT", ONE, [URL]) == (409, 101)
    assert (await send(rest, "DELETE", ONE, None, {}))[0] == 401


async def test_a_suffix_can_be_minted(rest: NodeUnderTest) -> None:
    status, body = await send(rest, "PUT", "/api/handles/88.118.8/?mintNewSuffix=true", [URL])
    handle = body.removeprefix('{"responseCode":1,"handle":"').removesuffix('"}')

    assert status == 201
    assert handle.startswith("88.118.8/")
    assert len(handle) == len("88.118.8/") + 36
    assert await values(rest, f"/api/handles/{handle}") == [(1, "https://example.com/1")]


async def test_who_is_not_known_or_has_no_right_is_refused(rest: NodeUnderTest) -> None:
    own = [URL, admin_value(100, "88.118.8/JX-1", 10, "010000000000"), secret_value(10, "other")]
    await send(rest, "PUT", ONE, own)
    reader = {"identity": "10:88.118.8/JX-1", "secret": "other"}
    nobody = await request(rest, "PUT", ONE, [URL])
    wrong = await request(rest, "PUT", ONE, [URL], basic(secret="wrong"))

    assert (nobody.status, (await nobody.json())["responseCode"]) == (401, 402)
    assert (wrong.status, await wrong.text()) == (401, "")
    first, second, _ = wrong.headers.getall("WWW-Authenticate")
    assert first == 'Basic realm="handle"'
    assert second.startswith('Handle sessionId="')
    assert second.endswith('", error="Identity not verified"')
    assert await code(rest, "PUT", ONE, [URL], **reader) == (403, 400)
    assert await code(rest, "DELETE", ONE, **reader) == (403, 400)
    assert await code(rest, "DELETE", ONE + "?index=1", **reader) == (403, 400)
    assert await code(rest, "PUT", "/api/handles/88.118.8/JX-2", [URL], **reader) == (403, 400)
    assert await code(rest, "GET", "/api/handles?prefix=88.118.8", **reader) == (403, 400)
    # The record names its administrators: those of the prefix are none of them.
    assert await code(rest, "DELETE", ONE) == (403, 400)
    assert await code(rest, "GET", ONE, **reader) == (200, 1)
    assert len((await (await request(rest, "GET", ONE, None, basic(**reader))).json())["values"]) == 3
    assert len((await (await request(rest, "GET", ONE, None, basic())).json())["values"]) == 2


async def test_values_keep_to_the_rules_of_the_node(rest: NodeUnderTest) -> None:
    open_secret = {"index": 300, "type": "HS_SECKEY", "data": "everybody's"}
    sealed = {"index": 5, "type": "NOTE", "permissions": "1010", "data": "x"}
    assert await code(rest, "PUT", ONE, [URL, open_secret]) == (400, 202)
    assert await code(rest, "PUT", ONE, [URL | {"index": 1000}]) == (400, 202)
    assert await code(rest, "PUT", "/api/handles/10.1000/x", [URL]) == (400, 301)
    assert (await send(rest, "PUT", ONE, [URL, sealed]))[0] == 201
    assert await code(rest, "PUT", ONE + "?index=5", sealed | {"data": "y"}) == (403, 401)
    assert await code(rest, "DELETE", ONE + "?index=5") == (403, 401)

    form = {
        "identifier": "88.118.8/T-1",
        "template": {"prefix": "88.118", "version": "textiles-1.0"},
        "attributes": TEXTILE,
    }
    made = await rest.call("POST", "/v1/identifiers", form)
    assert made.status == 201, await made.text()
    record = await (await request(rest, "GET", "/api/handles/88.118.8/T-1")).json()
    [fibre] = [value for value in record["values"] if value["type"] == "fibre_composition"]
    fibre["data"]["value"] = "[]"
    status, body = await send(rest, "PUT", f"/api/handles/88.118.8/T-1?index={fibre['index']}", fibre)
    assert (status, body[:20]) == (400, '{"responseCode":202,')


async def test_the_owners_key_still_writes_and_strangers_do_not(rest: NodeUnderTest) -> None:
    await rest.prefix("88.118.9", enterprise=await rest.enterprise(uscc="91310000775785552L", name="示例船舶有限公司"))
    keys = {
        name: {"Authorization": f"Bearer {await rest.key(role, prefix)}"}
        for name, role, prefix in (
            ("owner", "enterprise", "88.118.8"),
            ("stranger", "enterprise", "88.118.9"),
            ("reader", "reader", "88.118.8"),
        )
    }

    assert (await send(rest, "PUT", ONE, [URL], keys["stranger"]))[0] == 403
    assert (await send(rest, "PUT", ONE, [URL], keys["reader"]))[0] == 403
    assert (await send(rest, "PUT", ONE, [URL], keys["owner"]))[0] == 201
    assert (await send(rest, "GET", f"/api/handles/{ADMIN}", None, keys["owner"]))[1].count(SECRET) == 1
    for name in ("stranger", "reader"):
        assert SECRET not in (await send(rest, "GET", f"/api/handles/{ADMIN}", None, keys[name]))[1]
        assert SECRET not in await (await rest.client.get(f"/v1/identifiers/{ADMIN}", headers=keys[name])).text()
    everywhere = {"Authorization": f"Bearer {await rest.key('reader')}"}
    assert SECRET not in await (await rest.client.get(f"/v1/identifiers/{ADMIN}", headers=everywhere)).text()
    assert (await rest.client.get(f"/v1/history/{ADMIN}", headers=everywhere)).status == 403


async def test_handles_are_listed_by_prefix_in_pages_or_all(rest: NodeUnderTest) -> None:
    for name in ("b", "a", "c"):
        await send(rest, "PUT", f"/api/handles/88.118.8/{name}", [URL])
    await send(rest, "DELETE", "/api/handles/88.118.8/b")

    page = await send(rest, "GET", "/api/handles?prefix=88.118.8&page=1&pageSize=1")
    whole = await request(rest, "GET", "/api/handles?prefix=0.na/88.118.8", None, basic())

    assert page == (
        200,
        '{"responseCode":1,"prefix":"88.118.8","totalCount":"2","page":1,"pageSize":1,"handles":["88.118.8/C"]}',
    )
    assert whole.headers["Transfer-Encoding"] == "chunked"
    assert (await whole.json())["handles"] == ["88.118.8/A", "88.118.8/C"]
    assert (await send(rest, "GET", "/api/handles?prefix=88.118.8", None, {}))[0] == 401
    assert await code(rest, "GET", "/api/handles") == (400, 4)
    assert await code(rest, "GET", "/api/handles?prefix=88.118.8&page=x") == (400, 4)
    assert await code(rest, "GET", "/api/handles?prefix=10.1000") == (400, 301)
    assert await code(rest, "PUT", "/api/handles/", [URL]) == (501, 5)


async def open_session(rest: NodeUnderTest) -> tuple[str, bytes]:
    response = await request(rest, "POST", "/api/sessions")
    document = await response.json()
    assert (response.status, response.headers["Location"]) == (201, "/api/sessions/this")
    return document["sessionId"], b64decode(document["nonce"])


async def test_a_session_is_proved_with_a_secret_key_and_used_until_it_is_ended(rest: NodeUnderTest) -> None:
    session, nonce = await open_session(rest)
    own = {"Authorization": f'Handle sessionId="{session}"'}
    answer = hmac.digest(SECRET.encode(), nonce + b"client", "sha256")
    proof = {"cnonce": b64encode(b"client").decode(), "id": f"301:{ADMIN}", "type": "HS_SECKEY", "alg": "HMAC-SHA256"}
    wrong = {"sessionId": session, **proof, "signature": b64encode(answer[::-1]).decode()}
    nonce_text = b64encode(nonce).decode()

    assert (await send(rest, "PUT", ONE, [URL], own))[0] == 401
    assert await send(rest, "PUT", "/api/sessions/this", wrong, {}) == (
        401,
        f'{{"sessionId":"{session}","nonce":"{nonce_text}","error":"Identity not verified"}}',
    )
    right = wrong | {"signature": b64encode(answer).decode()}
    proved = (
        200,
        f'{{"sessionId":"{session}","nonce":"{nonce_text}","authenticated":true,"id":"301:{ADMIN}"}}',
    )
    assert await send(rest, "PUT", "/api/sessions/this", right, {}) == proved
    assert await send(rest, "GET", "/api/sessions/this", None, own) == proved
    assert (await send(rest, "PUT", ONE, [URL], own))[0] == 201
    assert await send(rest, "DELETE", "/api/sessions/this", None, own) == (204, "")
    assert (await send(rest, "GET", "/api/sessions/this", None, own))[0] == 403
    assert (await send(rest, "DELETE", "/api/sessions/this", None, own))[0] == 403
    assert (await send(rest, "PUT", ONE, [URL], own))[0] == 401


async def test_a_public_key_proves_in_the_request_that_writes_and_a_secret_one_in_several_ways(
    rest: NodeUnderTest,
) -> None:
    private = rsa.generate_private_key(65_537, 2_048)
    numbers = private.public_key().public_numbers()
    jwk = {"kty": "RSA", "e": base64url_of(b"\x01\x00\x01"), "n": base64url_of(numbers.n.to_bytes(256, "big"))}
    key = {"index": 300, "type": "HS_PUBKEY", "data": {"format": "key", "value": jwk}}
    assert (await send(rest, "PUT", f"/api/handles/{ADMIN}?index=300", key))[0] == 201
    session, nonce = await open_session(rest)
    signature = private.sign(nonce + b"client", padding.PKCS1v15(), hashes.SHA256())
    header = (
        f'Handle sessionId="{session}", cnonce="{b64encode(b"client").decode()}", id="300%3A{ADMIN}", '
        f'type="HS_PUBKEY", alg="SHA256", signature="{b64encode(signature).decode()}"'
    )

    assert (await send(rest, "PUT", ONE, [URL], {"Authorization": header}))[0] == 201
    assert (await send(rest, "PUT", ONE, [URL], {"Authorization": f'Handle sessionId="{session}"'}))[0] == 200

    await prove_in_the_other_ways(rest)


async def prove_in_the_other_ways(rest: NodeUnderTest) -> None:
    """What else a secret key can be shown by."""
    for algorithm in ("SHA1", "PBKDF2-HMAC-SHA1"):
        session, nonce = await open_session(rest)
        secret, message = SECRET.encode(), nonce + b"c"
        derived = hashlib.pbkdf2_hmac("sha1", secret, b"salt", 10_000, 20)
        answers = {
            "SHA1": hashlib.sha1(secret + message + secret).digest(),  # noqa: S324
            "PBKDF2-HMAC-SHA1": hmac.digest(derived, message, "sha1"),
        }
        document = {
            "sessionId": session,
            "cnonce": b64encode(b"c").decode(),
            "id": f"301:{ADMIN}",
            "type": "HS_SECKEY",
            "alg": algorithm,
            "signature": b64encode(answers[algorithm]).decode(),
            "salt": b64encode(b"salt").decode(),
            "iterations": 10_000,
            "length": 160,
        }
        assert (await send(rest, "PUT", "/api/sessions/this", document, {}))[0] == 200, algorithm


async def test_through_a_proxy_nothing_is_secret_and_browsers_and_bodies_are_answered_for(rest: NodeUnderTest) -> None:
    forwarded = {"X-Forwarded-For": "203.0.113.7"}

    assert (await send(rest, "POST", "/api/sessions", None, forwarded))[0] == 403
    refused = await request(rest, "PUT", ONE, [URL], basic() | forwarded)
    assert (refused.status, (await refused.json())["responseCode"]) == (403, 402)
    assert "WWW-Authenticate" not in refused.headers

    await come_from_a_browser(rest)
    await send_what_cannot_be_read(rest)


async def come_from_a_browser(rest: NodeUnderTest) -> None:
    """Of another site."""
    response = await request(rest, "PUT", ONE, [URL], basic() | {"Origin": "https://app.example.com"})

    assert response.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    preflight = await request(rest, "OPTIONS", "/api/sessions", None, {"Origin": "https://app.example.com"})
    assert preflight.headers["Access-Control-Allow-Methods"] == "GET, HEAD, POST, PUT, DELETE, TRACE, OPTIONS"


async def send_what_cannot_be_read(rest: NodeUnderTest) -> None:
    """It is refused before anybody is asked who he is."""
    for body, kind in ((b"{", "application/json"), (b"[]", "text/plain"), (b"", "application/json")):
        response = await rest.client.put(ONE, data=body, headers={"Content-Type": kind})
        assert (response.status, (await response.json())["responseCode"]) == (400, 4)

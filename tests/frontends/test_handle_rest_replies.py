"""Answers of the Handle REST interface, byte for byte."""

import ssl

import pytest
from aiohttp.test_utils import make_mocked_request

from idnode.frontends.rest.parameters import Presentation
from idnode.frontends.rest.replies import (
    cors_headers,
    not_supported_reply,
    presented,
    refusal_reply,
    respond,
    unknown_endpoint_reply,
    values_reply,
)
from idnode.frontends.rest.visibility import Unreadable
from idnode.model.errors import (
    Deleted,
    Elsewhere,
    Forbidden,
    IdnodeError,
    InvalidIdentifier,
    MalformedInput,
    NotAuthenticated,
    NotFound,
    NotResponsible,
    Suspended,
    Unavailable,
)

HANDLE = "88.118.8/Product-1"
PLAIN = Presentation()


def test_values_stand_under_the_handle_as_asked() -> None:
    reply = values_reply(HANDLE, b'[{"index":1}]', etag='"1"')

    assert reply.json == b'{"responseCode":1,"handle":"88.118.8/Product-1","values":[{"index":1}]}'
    assert (reply.status, reply.etag) == (200, '"1"')


def test_no_values_is_code_200_with_http_200() -> None:
    reply = values_reply(HANDLE, b"[]", etag='"1"')

    assert reply.json == b'{"responseCode":200,"values":[],"handle":"88.118.8/Product-1"}'
    assert reply.status == 200


@pytest.mark.parametrize(
    ("error", "status", "json"),
    [
        (NotFound("x"), 404, b'{"responseCode":100,"handle":"88.118.8/Product-1"}'),
        (Suspended("x"), 404, b'{"responseCode":100,"handle":"88.118.8/Product-1"}'),
        (Deleted("x", at="y"), 404, b'{"responseCode":100,"message":"x","handle":"88.118.8/Product-1"}'),
        (
            NotResponsible("x"),
            400,
            b'{"responseCode":301,"message":"That prefix doesn\'t live here","handle":"88.118.8/Product-1"}',
        ),
        (InvalidIdentifier("x"), 400, b'{"responseCode":102,"message":"x","handle":"88.118.8/Product-1"}'),
        (MalformedInput("x"), 400, b'{"responseCode":4,"message":"x","handle":"88.118.8/Product-1"}'),
        (Unavailable("x"), 503, b'{"responseCode":3,"message":"x","handle":"88.118.8/Product-1"}'),
        (NotAuthenticated("x"), 401, b'{"responseCode":402,"message":"x","handle":"88.118.8/Product-1"}'),
        (Forbidden("x"), 403, b'{"responseCode":400,"message":"x","handle":"88.118.8/Product-1"}'),
        (Unreadable("x"), 403, b'{"responseCode":401,"message":"x","handle":"88.118.8/Product-1"}'),
    ],
)
def test_a_refusal_has_its_code_and_status(error: IdnodeError, status: int, json: bytes) -> None:
    reply = refusal_reply(error, HANDLE)

    assert (reply.status, reply.json, reply.etag) == (status, json, None)


def test_a_fault_of_ours_keeps_its_text_in_the_log() -> None:
    reply = refusal_reply(IdnodeError("password=x"), None)

    assert reply.status == 500
    assert reply.json == b'{"responseCode":2,"message":"Server error processing request, see server logs"}'


def test_a_referral_carries_the_site_of_the_enterprise() -> None:
    site: dict[str, object] = {"ip": "203.0.113.7", "tcp_port": 2641, "udp_port": 2642, "http_port": 8080}
    reply = refusal_reply(Elsewhere("x", site=site), "88.118.9/x")

    assert reply.status == 300
    assert reply.json == (
        b'{"responseCode":303,"handle":"88.118.9/x","values":[{"index":1,"type":"HS_SITE","data":{"format":"site",'
        b'"value":{"version":1,"protocolVersion":"2.11","serialNumber":1,"primarySite":true,"multiPrimary":false,'
        b'"attributes":[],"servers":[{"serverId":1,"address":"203.0.113.7","interfaces":['
        b'{"query":true,"admin":true,"protocol":"TCP","port":2641},'
        b'{"query":true,"admin":true,"protocol":"UDP","port":2642},'
        b'{"query":true,"admin":true,"protocol":"HTTP","port":8080}]}]}},'
        b'"ttl":86400,"timestamp":"1970-01-01T00:00:00Z"}]}'
    )


def test_a_referral_lists_the_ports_that_there_are() -> None:
    site: dict[str, object] = {"ip": "2001:db8::7", "tcp_port": None, "udp_port": 2641, "http_port": None}
    reply = refusal_reply(Elsewhere("x", site=site), "88.118.9/x")

    assert b'"address":"2001:db8::7","interfaces":[{"query":true,"admin":true,"protocol":"UDP","port":2641}]' in (
        reply.json
    )


def test_an_unknown_endpoint_is_named() -> None:
    reply = unknown_endpoint_reply("GET", "/api/nope")

    assert reply.json == b'{"responseCode":4,"message":"Unknown HTTP API endpoint GET /api/nope"}'
    assert reply.status == 404


def test_what_is_not_supported_is_code_5_and_501() -> None:
    reply = not_supported_reply("not yet")

    assert (reply.status, reply.json) == (501, b'{"responseCode":5,"message":"not yet"}')


def test_pretty_is_indented_by_two_spaces() -> None:
    pretty = presented(b'{"responseCode":1,"values":[]}', Presentation(is_pretty=True))

    assert pretty == b'{\n  "responseCode": 1,\n  "values": []\n}'


def test_a_callback_wraps_the_document() -> None:
    assert presented(b'{"a":1}', Presentation("f")) == b'f({"a":1});'


def test_a_script_has_no_line_separators_of_unicode() -> None:
    assert presented('{"a":"\u2028\u2029"}'.encode(), Presentation("f")) == b'f({"a":"\\u2028\\u2029"});'


def test_a_missing_key_is_401_over_tls_and_403_over_http() -> None:
    reply = refusal_reply(NotAuthenticated("x"), HANDLE)
    secure = respond(reply, make_mocked_request("GET", "/", sslcontext=ssl.create_default_context()), PLAIN)
    plain = respond(reply, make_mocked_request("GET", "/"), PLAIN)

    assert (secure.status, secure.headers["WWW-Authenticate"]) == (401, 'Bearer realm="idnode"')
    assert (plain.status, "WWW-Authenticate" in plain.headers) == (403, False)


def test_busy_says_when_to_come_back() -> None:
    response = respond(refusal_reply(Unavailable("x"), HANDLE), make_mocked_request("GET", "/"), PLAIN)

    assert (response.status, response.headers["Retry-After"]) == (503, "1")


def test_the_origin_is_echoed() -> None:
    assert dict(cors_headers("https://app.example.com")) == {
        "Vary": "Authorization, Origin",
        "X-Content-Type-Options": "nosniff",
        "Access-Control-Allow-Origin": "https://app.example.com",
        "Access-Control-Expose-Headers": "ETag",
    }


@pytest.mark.parametrize("origin", [None, "https://\udcff"])
def test_what_cannot_be_an_origin_is_not_echoed(origin: str | None) -> None:
    assert dict(cors_headers(origin)) == {"Vary": "Authorization, Origin", "X-Content-Type-Options": "nosniff"}

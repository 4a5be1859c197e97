"""What a PUT asks for: parameters and values of the REST interface, and the refusals in the words of the protocol."""

from datetime import UTC, datetime

import orjson
import pytest

from idnode.frontends.rest.replies import write_refusal_reply
from idnode.frontends.rest.writing import PutParameters, values_of
from idnode.model.errors import IdnodeError, MalformedInput
from idnode.model.handle_value import HandleValue

NOW = datetime(2026, 11, 24, 7, 18, 31, tzinfo=UTC)
HANDLE = "88.118.8/JX-1"
URL = {"index": 1, "type": "URL", "data": {"format": "string", "value": "https://example.com/"}}
JSON = "application/json"


def read(document: object, *, content_type: str = JSON) -> tuple[HandleValue, ...]:
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    return values_of(body, content_type, HANDLE, now=NOW)


def test_without_parameters_a_put_overwrites_the_record() -> None:
    assert PutParameters.of([]) == PutParameters(overwrites=True, adds=False, indexes=None, mints=False)


def test_parameters_say_what_is_written() -> None:
    assert not PutParameters.of([("overwrite", "false")]).overwrites
    assert PutParameters.of([("overwrite", "")]).overwrites
    assert PutParameters.of([("index", "various")]).adds
    assert PutParameters.of([("index", "various"), ("index", "x")]).indexes is None
    assert PutParameters.of([("index", "1"), ("index", "3")]).indexes == frozenset({1, 3})
    assert PutParameters.of([("mintNewSuffix", "true")]).mints


@pytest.mark.parametrize("text", ["", "x", "1,2", "99999999999"])
def test_an_index_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(MalformedInput, match="is not a number of at most 2147483647"):
        PutParameters.of([("index", text)])


def test_indexes_that_are_named_are_those_of_the_body() -> None:
    with pytest.raises(MalformedInput, match=r"index names 1, 2, the body has 1$"):
        PutParameters.of([("index", "1"), ("index", "2")]).require_fit(read([URL]))
    PutParameters.of([("index", "1")]).require_fit(read([URL]))


@pytest.mark.parametrize(
    "document",
    [
        {"values": [URL]},
        [URL],
        URL,
        {"handle": "88.118.8/jx-1", "values": [URL]},
        {"responseCode": 1, "handle": HANDLE, "values": [URL | {"timestamp": "2023-11-14T22:13:20Z"}]},
        [URL | {"data": "https://example.com/"}],
        [URL | {"data": {"format": "hex", "value": "68747470733A2f2f6578616d706c652e636f6d2f"}}],
        [URL | {"data": {"format": "base64", "value": "aHR0cHM6Ly9leGFtcGxlLmNvbS8="}}],
    ],
)
def test_values_come_in_many_forms(document: object) -> None:
    assert read(document) == (HandleValue(1, "URL", b"https://example.com/", NOW),)


@pytest.mark.parametrize(
    ("document", "code", "message"),
    [
        (b"{", 4, "the body is not JSON: "),
        (b"", 4, "the body is not JSON: "),
        ("text", 4, 'the body must be {"values": […]}, an array of values, or one value'),
        ({}, 4, "/values: must be an array of values"),
        ({"values": {}}, 4, "/values: must be an array of values"),
        ({"values": [], "x": 1}, 4, "/x: is no member here; known are handle and values"),
        ({"values": [URL], "handle": "88.118.8/JX-2"}, 4, "/handle: '88.118.8/JX-2' is not the handle of the path"),
        ([URL | {"index": 0}], 202, "/0/index: Value indexes must be positive"),
        ({"values": [URL | {"index": -7}]}, 202, "/values/0/index: Value indexes must be positive"),
        ([URL, URL], 201, "Index conflict for 1"),
        ([URL | {"index": 1 << 31}], 202, "/0/index: must be an integer from 1 to 2147483647 (got 2147483648)"),
        (
            [{"index": 1, "type": "", "data": 5}],
            202,
            "/0/type: must not be empty (got ); /0/data: must be an object (got 5)",
        ),
    ],
)
def test_what_cannot_be_written_is_refused_with_its_code(document: object, code: int, message: str) -> None:
    with pytest.raises(IdnodeError) as refused:
        read(document)

    reply = orjson.loads(write_refusal_reply(refused.value, HANDLE).json)
    assert reply["responseCode"] == code
    assert reply["message"].startswith(message), reply["message"]
    assert reply["handle"] == HANDLE


def test_a_body_of_another_type_is_refused() -> None:
    with pytest.raises(MalformedInput, match="the body is text/plain; send Content-Type: application/json"):
        read([URL], content_type="text/plain")

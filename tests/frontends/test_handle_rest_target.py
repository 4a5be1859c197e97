"""From the path of a request to the handle in it."""

import re

import pytest

from idnode.frontends.rest.target import PROXY_PATH, handle_in
from idnode.model.errors import MalformedInput


def test_the_handle_is_what_follows_the_steps_before_it() -> None:
    assert handle_in("/api/handles/88.118.8/a/b", steps_before=2) == "88.118.8/a/b"
    assert handle_in("/88.118.8/a/b", steps_before=0) == "88.118.8/a/b"


def test_escapes_are_decoded_once() -> None:
    assert handle_in("/88.118.8%2Fa%252Fb%E4%BA%A7+", steps_before=0) == "88.118.8/a%2Fb产+"


@pytest.mark.parametrize("raw", ["/%FF", "/%C0%AF", "/%ED%A0%80", "/%E4%BA"])
def test_what_is_not_utf_8_is_refused(raw: str) -> None:
    with pytest.raises(MalformedInput, match="not UTF-8"):
        handle_in(raw, steps_before=0)


@pytest.mark.parametrize("raw", ["/\udcff", "/产品"])
def test_bytes_beyond_ascii_have_to_be_escaped(raw: str) -> None:
    with pytest.raises(MalformedInput, match="not percent-encoded"):
        handle_in(raw, steps_before=0)


@pytest.mark.parametrize("path", ["/88.118.8/x", "/88/x", "/88.118.8%2Fx", "/a.b/x\n", "/favicon.ico", "/nope"])
def test_the_proxy_takes_what_may_be_an_identifier_and_single_steps(path: str) -> None:
    assert re.fullmatch(PROXY_PATH[len("/{handle:") :].removesuffix("}"), path[1:])


@pytest.mark.parametrize("path", ["/", "/v1/resolve", "/v1/identifiers/88.118.8/x", "/console/app.js"])
def test_the_proxy_leaves_the_routes_of_others_alone(path: str) -> None:
    assert re.fullmatch(PROXY_PATH[len("/{handle:") :].removesuffix("}"), path[1:]) is None

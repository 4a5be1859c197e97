"""pyhandle, a Handle client of the field, reads from the node and writes to it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from certificates import Authority
from harness import NodeUnderTest
from pyhandle.client.resthandleclient import RESTHandleClient  # type: ignore[import-untyped]  # has no types
from pyhandle.handleexceptions import (  # type: ignore[import-untyped]  # has no types
    GenericHandleError,
    HandleAlreadyExistsException,
    HandleAuthenticationError,
    HandleNotFoundException,
)

from idnode.app_answering import answering
from idnode.config import Settings
from idnode.frontends.tls import secured, server_context
from idnode.lifecycle import listening_socket


@pytest.fixture
async def client(node: NodeUnderTest) -> RESTHandleClient:
    await node.prefix("88.118.8")
    await node.identifier("88.118.8/JX-1", url="https://example.com/jx-1")
    return RESTHandleClient.instantiate_for_read_access(handle_server_url=str(node.client.make_url("/")))


async def test_pyhandle_reads_a_record(client: RESTHandleClient) -> None:
    record = await asyncio.to_thread(client.retrieve_handle_record, "88.118.8/JX-1")

    assert record == {"URL": "https://example.com/jx-1"}


async def test_pyhandle_reads_one_value(client: RESTHandleClient) -> None:
    assert await asyncio.to_thread(client.get_value_from_handle, "88.118.8/jx-1", "URL") == "https://example.com/jx-1"


async def test_pyhandle_chooses_by_index_and_asks_with_auth(client: RESTHandleClient) -> None:
    document = await asyncio.to_thread(
        client.retrieve_handle_record_json, "88.118.8/JX-1", auth=True, indices=[1, 7], type="NOPE"
    )

    assert [value["index"] for value in document["values"]] == [1]


async def test_pyhandle_takes_an_empty_selection(client: RESTHandleClient) -> None:
    document = await asyncio.to_thread(client.retrieve_handle_record_json, "88.118.8/JX-1", indices=[7])

    assert document == {"responseCode": 200, "values": [], "handle": "88.118.8/JX-1"}


async def test_pyhandle_knows_what_is_not_there(client: RESTHandleClient) -> None:
    assert await asyncio.to_thread(client.retrieve_handle_record, "88.118.8/none") is None


async def test_pyhandle_raises_for_a_prefix_of_others(client: RESTHandleClient) -> None:
    with pytest.raises(GenericHandleError, match=r"HTTP Status Code: 400\n.*\"responseCode\":301,"):
        await asyncio.to_thread(client.retrieve_handle_record, "10.1000/1")


class Writer:
    """pyhandle with the rights of 0.NA/88.118.8, over TLS."""

    def __init__(self, url: str, authority: str) -> None:
        self.url = url
        self.authority = authority
        self.client = self.as_user("301:0.NA/88.118.8", "a secret of a test")

    def as_user(self, identity: str, password: str) -> RESTHandleClient:
        return RESTHandleClient.instantiate_with_username_and_password(
            self.url, identity, password, HTTPS_verify=self.authority
        )


@pytest.fixture
async def secure_url(node: NodeUnderTest, tmp_path: Path) -> AsyncIterator[tuple[str, str]]:
    """Where the node answers over TLS, and the file of the authority that its certificate is from."""
    authority = Authority(tmp_path, "authority")
    pair = authority.pair("node")
    listener = listening_socket("127.0.0.1", 0)
    number = listener.getsockname()[1]
    door = secured(listener, server_context(pair.certificate, pair.key))
    async with answering(node.node, Settings(drain_seconds=0), door):
        yield f"https://127.0.0.1:{number}", str(authority.path)


async def test_pyhandle_writes_over_tls(node: NodeUnderTest, secure_url: tuple[str, str]) -> None:
    await node.prefix("88.118.8")
    handle = "0.NA/88.118.8"
    rights = {"handle": handle, "index": 200, "permissions": "111111111111"}
    values = [
        {"index": 100, "type": "HS_ADMIN", "data": {"format": "admin", "value": rights}},
        {"index": 200, "type": "HS_VLIST", "data": {"format": "vlist", "value": [{"handle": handle, "index": 301}]}},
        {"index": 301, "type": "HS_SECKEY", "permissions": "1100", "data": "a secret of a test"},
    ]
    assert (await node.call("PUT", f"/api/handles/{handle}", values)).status == 201

    await asyncio.to_thread(_use, *secure_url)


def _use(url: str, authority: str) -> None:
    """What a client of the field does in its life; in a thread, because pyhandle waits."""
    writer = Writer(url, authority)
    client, one = writer.client, "88.118.8/py-1"

    assert client.register_handle(one, "https://example.com/1", checksum="abc") == one
    record = client.retrieve_handle_record_json(one)
    assert [(value["index"], value["type"]) for value in record["values"]] == [
        (1, "URL"),
        (2, "CHECKSUM"),
        (100, "HS_ADMIN"),
    ]
    with pytest.raises(HandleAlreadyExistsException):
        client.register_handle(one, "https://example.com/2")
    assert client.register_handle(one, "https://example.com/3", overwrite=True, EMAIL="desk@example.com") == one
    client.modify_handle_value(one, URL="https://example.com/4", TITLE="府绸")
    assert client.get_value_from_handle(one, "URL") == "https://example.com/4"
    assert client.get_value_from_handle(one, "TITLE") == "府绸"
    with pytest.raises(GenericHandleError, match=r'HTTP Status Code: 409\n.*"responseCode":201'):
        client.add_handle_value(one, URL="https://example.com/5")
    client.delete_handle_value(one, "EMAIL")
    assert client.get_value_from_handle(one, "EMAIL") is None

    generated = client.generate_and_register_handle("88.118.8", "https://example.com/g")
    assert client.get_value_from_handle(generated, "URL") == "https://example.com/g"

    assert client.delete_handle(one) == one
    assert client.retrieve_handle_record(one) is None
    with pytest.raises(HandleNotFoundException):
        client.delete_handle(one)
    with pytest.raises(HandleNotFoundException):
        client.modify_handle_value(one, URL="https://example.com/6")
    with pytest.raises(GenericHandleError, match=r'HTTP Status Code: 400\n.*"responseCode":301'):
        client.register_handle("10.1000/1", "https://example.com/")
    _be_refused(writer, generated)


def _be_refused(writer: Writer, handle: str) -> None:
    with pytest.raises(HandleAuthenticationError):
        writer.as_user("301:0.NA/88.118.8", "wrong").delete_handle(handle)
    with pytest.raises(HandleNotFoundException):
        writer.as_user("301:88.118.8/none", "x")
    writer.client.register_handle("88.118.8/mine", "https://example.com/", overwrite=False)
    body = [{"index": 5, "type": "HS_SECKEY", "data": {"format": "string", "value": "x"}}]
    with pytest.raises(GenericHandleError, match="a secret key must not be publicly readable; send permissions 1100"):
        writer.client.register_handle_json("88.118.8/open", body)

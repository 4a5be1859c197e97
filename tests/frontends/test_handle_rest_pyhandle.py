"""pyhandle, a Handle client of the field, reads from the node."""

import asyncio

import pytest
from harness import NodeUnderTest
from pyhandle.client.resthandleclient import RESTHandleClient  # type: ignore[import-untyped]  # has no types
from pyhandle.handleexceptions import GenericHandleError  # type: ignore[import-untyped]  # has no types


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

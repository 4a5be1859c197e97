"""The channel between supervisor and worker: whole messages, in order, of bounded size; nothing secret shown."""

import socket
from collections.abc import AsyncIterator

import pytest

from idnode.workers.channel import Channel, ChannelBroken, Kind, Message


@pytest.fixture
async def ends() -> AsyncIterator[tuple[Channel, Channel]]:
    one, other = socket.socketpair()
    channels = await Channel.open(one), await Channel.open(other)
    yield channels
    for channel in channels:
        channel.close()


async def raw(data: bytes) -> Channel:
    """The end of a channel to which somebody has sent bytes and gone."""
    one, other = socket.socketpair()
    one.sendall(data)
    one.close()
    return await Channel.open(other)


async def test_messages_arrive_whole_and_in_order(ends: tuple[Channel, Channel]) -> None:
    one, other = ends
    await one.send(Message(Kind.READY))
    await one.send(Message(Kind.SNAPSHOT, {"round": 7, "families": ["x" * 100_000]}))

    first, second = await other.receive(), await other.receive()

    assert first == Message(Kind.READY)
    assert second == Message(Kind.SNAPSHOT, {"round": 7, "families": ["x" * 100_000]})


async def test_the_end_of_the_other_side_is_no_message(ends: tuple[Channel, Channel]) -> None:
    one, other = ends
    one.close()

    assert await other.receive() is None


@pytest.mark.parametrize("data", [b"", b"\0\0", b"\0\0\0\x0f", b'\0\0\0\x0f["ready"'])
async def test_a_message_cut_off_is_none(data: bytes) -> None:
    channel = await raw(data)

    assert await channel.receive() is None
    channel.close()


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"\0\x40\0\x01", "a message of 4194305 bytes, the limit is 4194304"),
        (b"\0\0\0\x02{}", "what came is no message"),
        (b"\0\0\0\x04junk", "what came is no message"),
        (b'\0\0\0\x0b["dance",{}]', "what came is no message"),
    ],
)
async def test_what_is_no_message_breaks_the_channel(data: bytes, detail: str) -> None:
    channel = await raw(data)

    with pytest.raises(ChannelBroken) as caught:
        await channel.receive()

    assert caught.value.detail == detail
    channel.close()


async def test_a_message_over_the_limit_is_not_sent(ends: tuple[Channel, Channel]) -> None:
    with pytest.raises(ChannelBroken, match=r"a message of 4194\d\d\d bytes, the limit is 4194304"):
        await ends[0].send(Message(Kind.SUM, {"families": "x" * 4_194_304}))


async def test_who_does_not_read_is_not_waited_for_long(
    ends: tuple[Channel, Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idnode.workers.channel.SEND_SECONDS_MAX", 0.05)

    with pytest.raises(ChannelBroken, match="cannot send: it is not read in time"):
        await ends[0].send(Message(Kind.SUM, {"families": "x" * 4_000_000}))


def test_the_content_of_a_message_is_not_shown() -> None:
    message = Message(Kind.BEGIN, {"dsn": "postgresql://idnode:geheim@db.example.com/idnode"})

    assert "geheim" not in f"{message!r} {message}"

"""Messages in a stream of TCP: where one ends and the next begins (handle-protocol.md §1.4)."""

from idnode.wire.messages.envelope import ENVELOPE_BYTES, Envelope


class MessageStream:
    """Takes bytes as they come and gives whole messages, in any split."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def bytes_held(self) -> int:
        """Of a message that is not complete."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """More bytes of the stream."""
        self._buffer += data

    def next_message(self) -> bytes | None:
        """The next whole message. Raises MalformedMessage when the stream can not go on: its length is nonsense."""
        if len(self._buffer) < ENVELOPE_BYTES:
            return None
        end = ENVELOPE_BYTES + Envelope.decode(bytes(self._buffer[:ENVELOPE_BYTES])).size
        if len(self._buffer) < end:
            return None
        message = bytes(self._buffer[:end])
        del self._buffer[:end]
        return message

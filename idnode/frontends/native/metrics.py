"""What is counted of the native protocol: plain ints, read at a scrape."""

from collections.abc import Iterator

from idnode.wire.messages.codes import OpCode, ResponseCode

SEALED = "sealed"
"""The operation of an answer that is encrypted: only its client can tell."""
OTHER = "other"
"""An operation that this node does not know."""

_ENCRYPTED = 0x40
_OPERATIONS = {op_code.to_bytes(4, "big"): op_code.name.lower().replace("_", "-") for op_code in OpCode}
_CODES = {code.to_bytes(4, "big"): str(int(code)) for code in ResponseCode}
_SEALED_KEY = b"\xff\xff\xff\xfe" + bytes(4)
_OTHER_OPERATION = b"\xff\xff\xff\xff"
# The last byte tells the codes of answers that are kept from each other.
_KEPT = (
    ResponseCode.SUCCESS,
    ResponseCode.HANDLE_NOT_FOUND,
    ResponseCode.INVALID_HANDLE,
    ResponseCode.VALUES_NOT_FOUND,
    ResponseCode.NOT_RESPONSIBLE,
    ResponseCode.PREFIX_REFERRAL,
)
KEPT_CODE_AT = 23
"""Where, in the form in which an answer is kept, the last byte of its code is."""


class Answered:
    """The answers over one transport; `hits` by the last byte of the code, which costs the hot path little."""

    __slots__ = ("_by_op_and_code", "hits")

    def __init__(self) -> None:
        self.hits = [0] * 256
        self._by_op_and_code: dict[bytes, int] = {}

    def count(self, answer: bytes) -> None:
        """One request was answered by this message; of a list in parts, the last one."""
        key = _SEALED_KEY if answer[2] & _ENCRYPTED else answer[20:28]
        counted = self._by_op_and_code.get(key)
        if counted is None:
            # What an unknown client asks for must not become a label.
            if key[:4] not in _OPERATIONS and key is not _SEALED_KEY:
                key = _OTHER_OPERATION + key[4:]
            counted = self._by_op_and_code.get(key, 0)
        self._by_op_and_code[key] = counted + 1

    def by_op_and_code(self) -> Iterator[tuple[str, str, int]]:
        """Operation, code, count; the code of what is sealed is empty."""
        counts = dict(self._by_op_and_code)
        resolution = OpCode.RESOLUTION.to_bytes(4, "big")
        for code in _KEPT:
            if hits := self.hits[code & 0xFF]:
                key = resolution + code.to_bytes(4, "big")
                counts[key] = counts.get(key, 0) + hits
        for key, count in sorted(counts.items()):
            if key == _SEALED_KEY:
                yield SEALED, "", count
            else:
                yield _OPERATIONS.get(key[:4], OTHER), _CODES.get(key[4:], OTHER), count


class NativeCounters:
    """Of this process, since it began."""

    def __init__(self) -> None:
        self.udp = Answered()
        self.tcp = Answered()
        self.http = Answered()
        self.connections_open = 0
        self.connections_refused = 0
        self.answers_ignored = 0
        """Messages that are answers themselves, and get none."""
        self.unsent = 0
        """Datagrams that the system did not take."""
        self.overflowed = 0
        """Datagrams that came when the socket's queue was full; those of sockets that are closed now."""
        self.pieces = 0
        """Datagrams that were a part of a message."""
        self.assembled = 0
        """Messages put together from them."""

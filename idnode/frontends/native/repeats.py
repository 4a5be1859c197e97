"""Datagrams that come twice: a client that heard nothing asks again, and what it asked is done once (§1.4)."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable

from idnode.frontends.native.resolving import Told

REMEMBERED_SECONDS_MAX = 10.0
"""A client asks again after 500, 1000 and 1500 ms."""
REMEMBERED_MAX = 4_096
REMEMBERED_BYTES_MAX = 4 << 20

_Remembered = tuple[float, tuple[bytes, ...] | None]


class Repeats:
    """Bounded in number, bytes and time. `monotonic` is a clock in seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._remembered: OrderedDict[bytes, _Remembered] = OrderedDict()
        self._held = 0

    def __len__(self) -> int:
        return len(self._remembered)

    def first(self, address: str, data: bytes, told: Told) -> Told | None:
        """Takes the answer to what comes for the first time; None: it came before, and is answered as before.

        What is still under way is answered once.
        """
        self._forget()
        key = hashlib.sha256(address.encode() + b"\0" + data).digest()
        known = self._remembered.get(key)
        if known is not None:
            told(*(known[1] or ()))
            return None
        self._remembered[key] = (self._monotonic(), None)

        def answered(*messages: bytes) -> None:
            self._keep(key, messages)
            told(*messages)

        return answered

    def _keep(self, key: bytes, messages: tuple[bytes, ...]) -> None:
        if key in self._remembered:
            self._remembered[key] = (self._remembered[key][0], messages)
            self._held += sum(map(len, messages))
            self._forget()

    def _forget(self) -> None:
        until = self._monotonic() - REMEMBERED_SECONDS_MAX
        while self._remembered:
            at, messages = next(iter(self._remembered.values()))
            if at > until and len(self._remembered) < REMEMBERED_MAX and self._held <= REMEMBERED_BYTES_MAX:
                return
            self._remembered.popitem(last=False)
            self._held -= sum(map(len, messages or ()))

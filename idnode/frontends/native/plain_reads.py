"""The commonest miss in few steps: a whole record, public values only, of an identifier in plain characters."""

import asyncio
import re
from collections.abc import Callable
from struct import Struct
from time import perf_counter_ns

from idnode.frontends.native.replies import SITE_SERIAL
from idnode.frontends.native.resolving import ROUTE, UNKEPT_FLAGS, Told, with_request_id
from idnode.model.errors import IdnodeError
from idnode.model.record import State
from idnode.resolver.cache import AnswerCache
from idnode.resolver.metrics import ResolverCounters
from idnode.resolver.prefixes_asked import PREFIXES_REMEMBERED_MAX, Counted, PrefixesAsked
from idnode.resolver.service import ResolverService
from idnode.resolver.tally import Source
from idnode.resolver.usage import Usage
from idnode.storage.identifiers import StoredRecord
from idnode.wire.messages.codes import OpFlag
from idnode.wire.messages.envelope import OWN_VERSION, Envelope, spoken
from idnode.wire.messages.header import EXPIRY_SECONDS_DEFAULT
from idnode.wire.messages.stored_values import stored_values_bytes

# Within the limits of an identifier; the parser of identifiers takes what matches as it is.
_PLAIN = re.compile(rb"([0-9]{1,20}(?:\.[0-9]{1,20}){0,4})/([A-Za-z0-9._~:@!$'()*,;=-]{1,128})")
_RESOLUTION = bytes.fromhex("0000000100000000")
_NO_SESSION_NO_SEQUENCE = bytes(4)
_EVERYTHING = bytes(12)
"""No indexes, no types; no credential."""
_HANDLE_AT = 48
_SIZES = Struct(">II")
_NUMBER = Struct(">I")
_HEADER_REST = Struct(">IIIHBx")
_AROUND_BODY_BYTES = 28
"""Header and the length of no credential."""


class PlainReads:
    """Answers what is active and public; whatever turns out otherwise is for the longer way."""

    def __init__(
        self,
        resolver: ResolverService,
        counters: ResolverCounters,
        cache: AnswerCache,
        usage: Usage,
        *,
        seconds: Callable[[], float],
    ) -> None:
        self._resolver = resolver
        self._counters = counters
        self._cache = cache
        self._usage = usage
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._prefixes = PrefixesAsked(usage, ROUTE)
        self._versions: dict[bytes, bytes] = {}
        self._answered: list[tuple[bytes, str, bytes, int, Counted, Source, int]] = []

    def ask(self, data: bytes, key: bytes, source: Source, told: Told, otherwise: Callable[[], None]) -> bool:
        """Begin the read. False: it is none of the plain ones, and nothing was begun.

        `otherwise` is called where the answer is not the usual one.
        """
        handle = _handle_of(data)
        plain = None if handle is None else _PLAIN.fullmatch(handle)
        if plain is None:
            return False
        prefix, suffix = plain.groups()
        below = self._prefixes.of(prefix)
        folded = below.top + suffix.decode("ascii").upper()
        since, began = self._cache.mark(), perf_counter_ns()

        def found(stored: StoredRecord | None, error: IdnodeError | None) -> None:  # noqa: ARG001  # asked again
            if stored is None or stored[2] is not State.ACTIVE or not stored[3]:
                otherwise()
                return
            kept = self._kept_form(data, stored)
            told(with_request_id(kept, data, _NUMBER.pack(int(self._seconds()) + EXPIRY_SECONDS_DEFAULT)))
            counted = below.counted or self._prefixes.counted(below)
            if not self._answered:
                self._loop.call_soon(self._keep)
            self._answered.append((key, folded, kept, since, counted, source, began))

        try:
            return self._resolver.ask(below.prefix, folded, found)
        except IdnodeError:
            # Refused: asked again by the longer way, it is answered so.
            return False

    def _kept_form(self, data: bytes, stored: StoredRecord) -> bytes:
        body = data[44:-12] + stored_values_bytes(stored.values_json)
        flags = int.from_bytes(data[28:32], "big") | OpFlag.AUTHORITATIVE
        return b"".join(
            (
                self._versions.get(data[:4]) or self._remember_version(data),
                _NO_SESSION_NO_SEQUENCE,
                _SIZES.pack(0, len(body) + _AROUND_BODY_BYTES),
                _HEADER_REST.pack(1, 1, flags, SITE_SERIAL, data[34]),
                _NUMBER.pack(len(body)),
                body,
                _NO_SESSION_NO_SEQUENCE,
            )
        )

    def _keep(self) -> None:
        """Keep and count what was answered in this turn, when the last answer of it is written."""
        answered, self._answered = self._answered, []
        ended = perf_counter_ns()
        self._counters.found += len(answered)
        keep, count = self._cache.keep, self._usage.count
        for key, folded, kept, since, counted, source, began in answered:
            count(source, counted.missed, ended - began)
            keep(key, folded, kept, counted.hit_number, negative=False, since=since)

    def _remember_version(self, data: bytes) -> bytes:
        answered = Envelope(spoken(Envelope.decode(data)), OWN_VERSION, False, False, 0, 0, 0, 0).encode()[:4]
        # At most 2^26, and far fewer that anybody speaks: bounded all the same.
        if len(self._versions) >= PREFIXES_REMEMBERED_MAX:
            self._versions.clear()
        self._versions[data[:4]] = answered
        return answered


def _handle_of(data: bytes) -> bytes | None:
    """The handle of a resolution of everything public, without a session; None where there is a doubt."""
    size = len(data) - _HANDLE_AT - len(_EVERYTHING)
    if (
        size < 1
        or data[20:28] != _RESOLUTION
        or data[4:8] != _NO_SESSION_NO_SEQUENCE
        or data[12:16] != _NO_SESSION_NO_SEQUENCE
        or data[16:20] != _NUMBER.pack(len(data) - 20)
        or data[40:48] != _SIZES.pack(size + 12, size)
        or not data.endswith(_EVERYTHING)
        or data[2] & 0xE0
    ):
        return None
    flags = int.from_bytes(data[28:32], "big")
    if flags & UNKEPT_FLAGS or not flags & OpFlag.PUBLIC_ONLY:
        return None
    return data[_HANDLE_AT : _HANDLE_AT + size]

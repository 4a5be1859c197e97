"""The node's own JSON protocol over HTTPS (docs/top-node.md): batches up; verdicts, digests and lines down."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import ClassVar, TypeVar
from urllib.parse import quote

from idnode.model.errors import InvalidInput
from idnode.model.reporting import Digest, Purpose, ReportedRecord, Verdict, VerdictPage
from idnode.sync.transport import BatchRefused, TransportFailed
from idnode.sync.transports.channel import Channel, Reply, waiting
from idnode.wire.iso_time import iso_time
from idnode.wire.top_node import messages

MEDIA = "application/json"

T = TypeVar("T")


class JsonHttps:
    """A transport (sync/transport.py) for one node, known to the top node by its own prefix."""

    has_digests: ClassVar[bool] = True

    def __init__(self, channel: Channel, *, node: str) -> None:
        self._channel = channel
        self._node = node

    async def deliver(self, purpose: Purpose, records: Sequence[ReportedRecord]) -> Sequence[Verdict]:
        """POST /v1/batches."""
        sent_at = iso_time(datetime.fromtimestamp(int(self._channel.now()), UTC))
        try:
            body = messages.batch_json(self._node, purpose, records, sent_at)
        except InvalidInput as error:
            raise BatchRefused(error.detail) from error
        reply = await self._channel.ask("POST", "/v1/batches", body=body, media=MEDIA)
        return _read(messages.read_verdicts, reply)

    async def verdicts(self, cursor: str, *, wait_seconds: float) -> VerdictPage:
        """GET /v1/verdicts, a long poll."""
        seconds = waiting(wait_seconds)
        target = f"/v1/verdicts?after={quote(cursor, safe='')}&wait={seconds}"
        return _read(messages.read_verdict_page, await self._channel.ask("GET", target, wait_seconds=seconds))

    async def digests(self, day: date) -> Sequence[Digest]:
        """GET /v1/digests."""
        return _read(messages.read_digests, await self._channel.ask("GET", f"/v1/digests?day={day.isoformat()}"))

    async def digest_lines(self, prefix: str, day: date) -> Mapping[str, str]:
        """GET /v1/digests/{prefix}."""
        target = f"/v1/digests/{quote(prefix, safe='')}?day={day.isoformat()}"
        return _read(messages.read_lines, await self._channel.ask("GET", target))

    async def close(self) -> None:
        """Let go of connections."""
        await self._channel.close()


def _read(reading: Callable[[bytes], T], reply: Reply) -> T:
    try:
        return reading(reply.body)
    except InvalidInput as error:
        raise TransportFailed(f"the top node's answer breaks the protocol: {error.detail}") from error

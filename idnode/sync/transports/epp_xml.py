"""A transport shaped like EPP (RFC 5730) over HTTP, as an example of a third kind: no certified schema, no digests.

The session is the server's cookie; it is opened with the first request and again when the server has forgotten it.
Results: 1000 accepted (the receipt is the server's transaction, where no verdict says otherwise), 1001 received and
judged later; the verdicts come as messages of the queue. 2xxx are refusals: see `_failure`.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from hashlib import sha256
from typing import ClassVar

from idnode.model.errors import InvalidInput
from idnode.model.reporting import Digest, Purpose, RecordState, ReportedRecord, Verdict, VerdictPage
from idnode.sync.transport import BatchRefused, TransportFailed, TransportThrottled
from idnode.sync.transports.channel import Channel
from idnode.wire.top_node import epp

POLL_SECONDS = 2.0
SESSIONS_WAIT_SECONDS = 30.0
TRANSACTION_CHARACTERS = 32

_COMPLETED = 1000
_PENDING = 1001
_NO_MESSAGES = 1300
_MESSAGE = 1301
_COMMAND_USE = 2002
_NO_SUCH_MESSAGE = 2303
_NOT_NOW = frozenset({_COMMAND_USE, 2200, 2201, 2400, 2500, 2501})
_REFUSALS_MIN = 2000
_TOO_MANY_SESSIONS = 2502
_ENDS_THE_SESSION = frozenset({2500, 2501, 2502})


class EppXml:
    """A transport (sync/transport.py). `password` is the secret, or a word when requests are signed with a key."""

    has_digests: ClassVar[bool] = False

    def __init__(self, channel: Channel, *, node: str, client: str, password: str, nonce: Callable[[], str]) -> None:
        self._channel = channel
        self._node = node
        self._client = client
        self._password = password
        self._nonce = nonce
        self._is_logged_in = False
        self._acknowledged = ""

    async def deliver(self, purpose: Purpose, records: Sequence[ReportedRecord]) -> Sequence[Verdict]:
        """One command; the same records always have the same client transaction."""
        transaction = _transaction_of(purpose, records)
        try:
            frame = epp.batch_frame(self._node, purpose, records, transaction)
        except InvalidInput as error:
            raise BatchRefused(error.detail) from error
        response = await self._ask(frame)
        if response.code not in (_COMPLETED, _PENDING):
            raise _failure(response)
        told = {verdict.id: verdict for verdict in response.verdicts}
        if response.code == _PENDING or not response.server_transaction:
            return [told.get(each.id) or Verdict(each.id, RecordState.SENT) for each in records]
        receipt = response.server_transaction
        return [told.get(each.id) or Verdict(each.id, RecordState.ACCEPTED, receipt) for each in records]

    async def verdicts(self, cursor: str, *, wait_seconds: float) -> VerdictPage:
        """The first message of the queue; the one that `cursor` names was settled and is taken from the queue first."""
        if cursor and cursor != self._acknowledged:
            response = await self._ask(epp.poll_frame(self._nonce(), acknowledges=cursor))
            if response.code not in (_COMPLETED, _NO_MESSAGES, _NO_SUCH_MESSAGE):
                raise _failure(response)
            self._acknowledged = cursor
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_seconds
        while True:
            response = await self._ask(epp.poll_frame(self._nonce()))
            if response.code == _MESSAGE and response.message:
                return VerdictPage(response.verdicts, response.message)
            if response.code != _NO_MESSAGES:
                raise _failure(response)
            left = deadline - loop.time()
            if left <= 0:
                return VerdictPage((), cursor)
            await asyncio.sleep(min(POLL_SECONDS, left))

    async def digests(self, day: date) -> Sequence[Digest]:  # noqa: ARG002  # of the interface
        """Nothing: EPP has no such question."""
        return ()

    async def digest_lines(self, prefix: str, day: date) -> Mapping[str, str]:  # noqa: ARG002  # of the interface
        """Nothing, as above."""
        return {}

    async def close(self) -> None:
        """Let go of connections; the session runs out at the server."""
        self._is_logged_in = False
        await self._channel.close()

    async def _ask(self, frame: bytes) -> epp.Response:
        await self._enter()
        response = await self._exchange(frame)
        if response.code == _COMMAND_USE:
            # The server knows no session of ours any more.
            self._is_logged_in = False
            await self._enter()
            response = await self._exchange(frame)
        if response.code in _ENDS_THE_SESSION:
            self._is_logged_in = False
        return response

    async def _enter(self) -> None:
        if self._is_logged_in:
            return
        response = await self._exchange(epp.login_frame(self._client, self._password, self._nonce()))
        # The lanes and the reader of verdicts may both try: who comes second is told that there is a session (2002).
        if response.code not in (_COMPLETED, _COMMAND_USE):
            raise _login_failure(response)
        self._is_logged_in = True

    async def _exchange(self, frame: bytes) -> epp.Response:
        reply = await self._channel.ask("POST", "", body=frame, media=epp.MEDIA)
        try:
            return epp.read_response(reply.body)
        except InvalidInput as error:
            raise TransportFailed(f"the top node's answer breaks the protocol: {error.detail}") from error


def _transaction_of(purpose: Purpose, records: Sequence[ReportedRecord]) -> str:
    names = "\n".join((purpose, *(record.id for record in records)))
    return sha256(names.encode()).hexdigest()[:TRANSACTION_CHARACTERS]


def _login_failure(response: epp.Response) -> TransportFailed | TransportThrottled:
    """A refused login says nothing about a batch."""
    failure = _failure(response)
    return TransportFailed(f"login: {failure.detail}") if isinstance(failure, BatchRefused) else failure


def _failure(response: epp.Response) -> TransportFailed | TransportThrottled | BatchRefused:
    """RFC 5730 §3: what failed at the server or for lack of rights may go later; other refusals mean the command."""
    detail = f"EPP {response.code}: {response.text or 'no text'}"
    if response.code == _TOO_MANY_SESSIONS:
        return TransportThrottled(detail, seconds=SESSIONS_WAIT_SECONDS)
    if response.code in _NOT_NOW or response.code < _REFUSALS_MIN:
        return TransportFailed(detail)
    return BatchRefused(detail)

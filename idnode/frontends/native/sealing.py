"""Answers made certain and secret: signed by the node or under a session's key, encrypted as the request was (§1.7)."""

from collections.abc import Callable

import structlog

from idnode.frontends.native.callers import NativeSession
from idnode.frontends.native.resolving import Told
from idnode.model.errors import IdnodeError
from idnode.wire.messages.codes import OpFlag
from idnode.wire.messages.credential import MAC, SIGNED, Credential, signed_bytes
from idnode.wire.messages.envelope import ENVELOPE_BYTES, Envelope
from idnode.wire.messages.header import Header
from idnode.wire.session_crypto import IV_BYTES, MAC_ALGORITHM, encrypted, mac_of

SIGNATURE_ALGORITHM = "SHA-256"

_NO_CREDENTIAL_BYTES = 4

log = structlog.get_logger("idnode.native")

Sign = Callable[[bytes], bytes]
"""The node's signature over bytes."""


class Signing:
    """Takes answers without a session: those that are to be certain (CT) get the node's signature."""

    def __init__(self, told: Told, sign: Sign) -> None:
        self._told = told
        self._sign = sign

    def __call__(self, *messages: bytes) -> None:
        """As `told`."""
        self._told(*map(self._signed, messages))

    def _signed(self, message: bytes) -> bytes:
        envelope, content = Envelope.decode(message), message[ENVELOPE_BYTES:-_NO_CREDENTIAL_BYTES]
        if not Header.decode(content).flags & OpFlag.CERTIFY:
            return message
        try:
            signature = self._sign(signed_bytes(envelope, 0, content))
        except IdnodeError as error:
            # Whoever insists on a signature refuses the answer; the others have it.
            log.warning("answer_unsigned", code=error.code, detail=error.detail)
            return message
        return _assembled(envelope, _with(content, Credential(0, SIGNED, SIGNATURE_ALGORITHM, signature)))


class SessionSeal:
    """Takes answers within a session. They carry the counter of the request, whose answer they are."""

    def __init__(
        self, told: Told, session: NativeSession, counter: int, *, encrypts: bool, random: Callable[[int], bytes]
    ) -> None:
        self._told = told
        self._session = session
        self._counter = counter
        self._encrypts = encrypts
        self._random = random

    def __call__(self, *messages: bytes) -> None:
        """As `told`."""
        self._told(*map(self._sealed, messages))

    def _sealed(self, message: bytes) -> bytes:
        key = self._session.key
        envelope = Envelope.decode(message)._replace(session_id=self._session.id)
        content = message[ENVELOPE_BYTES:-_NO_CREDENTIAL_BYTES]
        flags = Header.decode(content).flags
        if flags & OpFlag.CERTIFY:
            mac = mac_of(key, signed_bytes(envelope, self._counter, content))
            content = _with(content, Credential(self._counter, MAC, MAC_ALGORITHM, mac))
        else:
            content += bytes(_NO_CREDENTIAL_BYTES)
        if not self._encrypts and not flags & OpFlag.ENCRYPT:
            return _assembled(envelope, content)
        sealed = encrypted(key, content, self._random(IV_BYTES))
        return _assembled(envelope._replace(is_encrypted=True), sealed)


def _with(content: bytes, credential: Credential) -> bytes:
    octets = credential.encode()
    return content + len(octets).to_bytes(4, "big") + octets


def _assembled(envelope: Envelope, content: bytes) -> bytes:
    return envelope._replace(size=len(content)).encode() + content

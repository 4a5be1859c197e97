"""Who may report: signature, timestamp and nonce of a request, by the simulated top node's own clock."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from idnode.model.errors import MalformedInput, shown
from idnode.simulator.refusals import Refusal, refused
from idnode.wire.top_node.problems import CLOCK_SKEW, NOT_AUTHENTICATED
from idnode.wire.top_node.signing import (
    RSA_PSS_SHA256,
    TIMESTAMP_SECONDS_OFF_MAX,
    Signature,
    read_signature,
    verify_hmac,
    verify_rsa,
)

_NO_SIGNATURE = Signature("", 0, "", RSA_PSS_SHA256, b"none")

NONCES_MAX = 200_000
"""Remembered at most; within the window of the timestamp that is some 300 requests a second."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What one application is known by: a shared secret, or the public half of its RSA key. Raises InvalidInput."""

    app_id: str
    secret: str | None = None
    public_key_pem: bytes | None = None

    def __post_init__(self) -> None:
        if self.public_key_pem is not None:
            # Raised here and not at the first request.
            verify_rsa(_NO_SIGNATURE, self.public_key_pem, "", "", b"")


class Doorkeeper:
    """Lets signed requests in, those that change something once. Without credentials everyone is let in."""

    def __init__(self, credentials: Credentials | None, clock: Callable[[], float]) -> None:
        self._credentials = credentials
        self._clock = clock
        self._nonces: set[str] = set()
        self._in_order: deque[tuple[float, str]] = deque()
        self.is_open = credentials is None

    def require_admitted(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> None:
        """Raises Refusal with status 401; the clock is this top node's, skew included."""
        if self._credentials is None:
            return
        try:
            signature = read_signature(headers)
        except MalformedInput as error:
            raise _not_signed(error.detail) from error
        self._require_signed(self._credentials, signature, method, target, body)
        self._require_timely(signature)
        # HTTP clients may repeat a GET by themselves when its connection breaks (RFC 9110 §9.2.2).
        if method != "GET":
            self._require_new(signature)

    def _require_signed(self, known: Credentials, signature: Signature, method: str, target: str, body: bytes) -> None:
        if signature.app_id != known.app_id:
            raise _not_signed(f"the application id '{shown(signature.app_id)}' is not known here")
        if known.public_key_pem is not None:
            is_right = verify_rsa(signature, known.public_key_pem, method, target, body)
        else:
            is_right = verify_hmac(signature, known.secret or "", method, target, body)
        if not is_right:
            raise _not_signed(f"the {signature.scheme} signature does not fit this request and this application")

    def _require_timely(self, signature: Signature) -> None:
        now = self._clock()
        off = signature.at - now
        if abs(off) > TIMESTAMP_SECONDS_OFF_MAX:
            here = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
            detail = f"the timestamp is {off:+.0f} s off the clock here ({here}); at most {TIMESTAMP_SECONDS_OFF_MAX} s"
            raise refused(401, CLOCK_SKEW, detail)

    def _require_new(self, signature: Signature) -> None:
        now = self._clock()
        while self._in_order and (self._in_order[0][0] < now or len(self._in_order) >= NONCES_MAX):
            self._nonces.discard(self._in_order.popleft()[1])
        if signature.nonce in self._nonces:
            raise _not_signed("a request with this nonce came before")
        self._nonces.add(signature.nonce)
        # A timestamp may lie ahead of the clock here, so it is good for twice the distance.
        self._in_order.append((now + 2 * TIMESTAMP_SECONDS_OFF_MAX, signature.nonce))


def _not_signed(detail: str) -> Refusal:
    return refused(401, NOT_AUTHENTICATED, detail)

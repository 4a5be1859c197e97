"""Passwords of SNMS users as they are sent and compared (snms-api.md, token calls). Pure."""

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime, timedelta

from idnode.model.beijing import BEIJING
from idnode.wire.encoded_bytes import from_hex

DIGEST_BYTES = 32
MIDNIGHT_GRACE = timedelta(minutes=10)
"""Clocks differ: this long before and after midnight in Beijing the neighbouring day counts as well."""

Proof = Callable[[bytes], bool]
"""Whether what was sent proves the password whose SHA-256 is given."""


def password_sha256(password: str) -> bytes:
    """What the node keeps, encrypted, of a password."""
    return hashlib.sha256(password.encode()).digest()


def digest_of(text: str) -> bytes | None:
    """The SHA-256 that 64 hexadecimal digits stand for, or None."""
    octets = from_hex(text)
    return octets if octets is not None and len(octets) == DIGEST_BYTES else None


def plain_proof(password: str) -> Proof:
    """The password itself."""
    sent = password_sha256(password)
    return lambda digest: hmac.compare_digest(sent, digest)


def dated_proof(sent: str, now: datetime) -> Proof:
    """sha256hex(sha256hex(password) + day): the day's proof, as `POST /identity/token/v1` takes it."""
    days = days_of(now)

    def holds(digest: bytes) -> bool:
        # Both days are looked at in any case, so that the time tells nothing.
        held = [hmac.compare_digest(sent.lower().encode(), _dated(digest, day)) for day in days]
        return True in held

    return holds


def days_of(now: datetime) -> tuple[str, ...]:
    """The days in Beijing that count at `now`: two around midnight."""
    moments = (now - MIDNIGHT_GRACE, now, now + MIDNIGHT_GRACE)
    return tuple(sorted({moment.astimezone(BEIJING).date().isoformat() for moment in moments}))


def _dated(digest: bytes, day: str) -> bytes:
    return hashlib.sha256(f"{digest.hex()}{day}".encode()).hexdigest().encode()

"""How often an address may ask: a bucket of tokens for each, bounded in number; the clock is an argument."""

import socket
from collections.abc import Callable

ENTRIES_MAX = 100_000
"""Some 20 MB when every one of them is in use."""
_NETWORK_BYTES = 8
# Sums of fractions are off by less than this.
_ROUNDING_SECONDS = 1e-6


class TokenBuckets:
    """A bucket holds `burst` tokens at first and at most, and gains `rate_per_second`; a request takes one.

    A bucket is one number: when it will be full again. Addresses are kept in two generations: one that has not asked
    for so long that its bucket is full again goes with the older generation, and so does, where there are more than
    `entries_max`, one that has not asked while half of that number did. IPv6 is counted by /64, which is one customer.
    """

    def __init__(self, rate_per_second: float, burst: int, entries_max: int, monotonic: Callable[[], float]) -> None:
        self.is_on = rate_per_second > 0
        self._token_seconds = 1 / rate_per_second if self.is_on else 0.0
        self._full_seconds = self._token_seconds * burst
        self._generation_max = max(1, entries_max // 2)
        self._monotonic = monotonic
        self._young: dict[str | bytes, float] = {}
        self._old: dict[str | bytes, float] = {}
        self._turns_at = monotonic() + self._full_seconds

    @property
    def entries(self) -> int:
        """Buckets that are kept; an address in both generations counts twice."""
        return len(self._young) + len(self._old)

    def take(self, address: str) -> float:
        """0.0 and a token less, or the seconds until there is a token; being refused costs nothing."""
        if not self.is_on:
            return 0.0
        now = self._monotonic()
        if now >= self._turns_at or len(self._young) >= self._generation_max:
            self._turn(now)
        key = _key_of(address) if ":" in address else address
        full_at = self._young.get(key)
        if full_at is None:
            full_at = self._old.get(key, now)
        full_at = max(full_at, now)
        wait = full_at + self._token_seconds - now - self._full_seconds
        # Written down even when refused: whoever keeps asking is not forgotten.
        is_refused = wait > _ROUNDING_SECONDS
        self._young[key] = full_at if is_refused else full_at + self._token_seconds
        return wait if is_refused else 0.0

    def _turn(self, now: float) -> None:
        # After the time in which any bucket fills, all that only the old generation knows are full.
        self._old, self._young = self._young, {}
        self._turns_at = now + self._full_seconds


def _key_of(address: str) -> str | bytes:
    try:
        return socket.inet_pton(socket.AF_INET6, address)[:_NETWORK_BYTES]
    except (OSError, ValueError):
        return address

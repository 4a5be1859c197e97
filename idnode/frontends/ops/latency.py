"""Power-of-two latency buckets in the form in which Prometheus takes them."""

from collections.abc import Sequence


def cumulative(buckets: Sequence[int], seconds: float) -> tuple[list[tuple[str, float]], float]:
    """Bucket n of `buckets` holds what took less than 2^n µs, the last one what took longer; `seconds` is the sum."""
    *bounded, slower = buckets
    total = 0
    found: list[tuple[str, float]] = []
    for exponent, count in enumerate(bounded):
        total += count
        found.append((repr(2**exponent / 1_000_000), total))
    found.append(("+Inf", total + slower))
    return found, seconds

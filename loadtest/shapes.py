"""Shapes: how many users a run has at which second. Pure; the locustfile hands them to locust."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

Schedule = Callable[[float, float, int], int]
"""Second of the run, its length in seconds, users at its peak: users now."""

RAMP_SHARE = 0.8
"""Part of a ramp that rises; the rest stays at the peak."""
SPIKE_BASE_SHARE = 0.2
SPIKE_FROM_SHARE, SPIKE_TO_SHARE = 0.4, 0.6
SOAK_RISE_SECONDS_MAX = 30.0
SOAK_USERS_SHARE = 0.6


def ramp(second: float, seconds: float, users: int) -> int:
    """From one user evenly up to all of them, which then stay for the last fifth."""
    return _part(users, min(1.0, second / (seconds * RAMP_SHARE)))


def steady(_second: float, _seconds: float, users: int) -> int:
    """All users from the first second to the last."""
    return users


def spike(second: float, seconds: float, users: int) -> int:
    """A fifth of the users; all of them at once in the middle fifth of the time."""
    is_high = SPIKE_FROM_SHARE * seconds <= second < SPIKE_TO_SHARE * seconds
    return users if is_high else _part(users, SPIKE_BASE_SHARE)


def soak(second: float, seconds: float, users: int) -> int:
    """Up within half a minute, or a tenth of the time if that is less; then six users of ten to the end."""
    rise_seconds = min(SOAK_RISE_SECONDS_MAX, seconds / 10)
    return _part(users, SOAK_USERS_SHARE * min(1.0, second / rise_seconds))


SHAPES: Mapping[str, Schedule] = MappingProxyType({"ramp": ramp, "steady": steady, "spike": spike, "soak": soak})


def users_at(shape: str, *, second: float, seconds: float, users: int) -> int | None:
    """Users of a run of `seconds` with `users` at its peak; None when it is over."""
    return None if second >= seconds else SHAPES[shape](second, seconds, users)


def _part(users: int, share: float) -> int:
    """At least one: a run without users measures nothing."""
    return max(1, round(users * share))

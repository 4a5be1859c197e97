"""What the resolver counts, in plain ints."""

from dataclasses import dataclass


@dataclass(slots=True)
class ResolverCounters:
    """Counted since the process began; every lookup ends in exactly one of these."""

    found: int = 0
    missing: int = 0
    withheld: int = 0
    referred: int = 0
    foreign: int = 0

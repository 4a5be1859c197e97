"""Refuses clients that ask too often, whichever way their requests take."""

from math import ceil

from idnode.frontends.answer import Answer
from idnode.frontends.problems import problem_answer
from idnode.frontends.refusals import TooManyRequests
from idnode.frontends.token_bucket import TokenBuckets


class Limiting:
    """The limit of each client address at this worker."""

    def __init__(self, buckets: TokenBuckets) -> None:
        self._buckets = buckets
        self.is_on = buckets.is_on
        self.refused = 0
        """Requests refused since the process began."""

    def refusal(self, client: str) -> Answer | None:
        """429 with Retry-After; None lets the request pass."""
        wait = self._buckets.take(client)
        if not wait:
            return None
        self.refused += 1
        error = TooManyRequests(f"{client} asks more often than its limit allows")
        return problem_answer(error, headers=(("Retry-After", str(ceil(wait))),))

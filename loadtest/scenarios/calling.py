"""What all users share: a pace, a key, and one way to call and to judge the answer."""

import os
import time
from collections.abc import Callable
from itertools import count
from random import Random
from typing import ClassVar, cast

from locust.contrib.fasthttp import FastHttpUser

from loadtest.dataset import Dataset, Zipf
from loadtest.runs import JOB_VARIABLE, KEY_VARIABLE, Job, Pacing

NETWORK_SECONDS_MAX = 10.0
REASON_CHARACTERS_MAX = 200

JOB = Job.from_json(os.environ[JOB_VARIABLE])
DATASET = Dataset(JOB.dataset)
POPULARITY = Zipf(JOB.dataset.count, JOB.zipf_exponent)
_KEY = os.environ[KEY_VARIABLE]
_users = count()


class CallingUser(FastHttpUser):
    """A user with a pace of its own and numbers of its own to draw; both follow from the seed of the dataset."""

    abstract = True
    network_timeout = NETWORK_SECONDS_MAX
    connection_timeout = NETWORK_SECONDS_MAX
    rate: ClassVar[float]
    """Requests per second."""

    def on_start(self) -> None:
        """Begin."""
        self.rng = Random(f"user {JOB.dataset.seed} {JOB.series} {next(_users)}")
        self._pacing = Pacing(self.rate, self.rng)

    def wait_time(self) -> float:
        """Seconds until the next task."""
        return self._pacing.wait_seconds(time.perf_counter())

    def popular(self) -> str:
        """One of the loaded identifiers, drawn by popularity."""
        return DATASET.by_popularity[POPULARITY.draw(self.rng)]

    def call(
        self,
        name: str,
        target: str,
        *,
        expected: int,
        body: bytes | None = None,
        idempotency_key: str | None = None,
        is_writing: bool = False,
        check: Callable[[bytes], str | None] | None = None,
    ) -> bool:
        """One request: a failure unless the status is the expected one and `check` has nothing against the body."""
        headers = {"Authorization": f"Bearer {_KEY}"} if is_writing else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        method = name.partition(" ")[0]
        # Typed as text, sent as it is: bytes are cheaper.
        sent = cast("str", body)
        with self.client.request(
            method, target, name, data=sent, headers=headers, allow_redirects=False, catch_response=True
        ) as response:
            reason: str | None = None
            if response.status_code != expected:
                reason = _reason(response.status_code, response.content, getattr(response, "error", None))
            elif check is not None:
                reason = check(response.content or b"")
            if reason is None:
                response.success()
            else:
                response.failure(reason)
        return reason is None


def _reason(status: int, content: bytes | None, error: object) -> str:
    if not status:
        return f"no answer: {error!r}"
    return f"{status}: {(content or b'')[:REASON_CHARACTERS_MAX].decode(errors='replace')}"

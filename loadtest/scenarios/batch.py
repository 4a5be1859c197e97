"""BatchResolver: takes stock, a hundred identifiers at a time."""

import orjson
from locust import task

from loadtest.runs import RESOLVE, SCENARIOS
from loadtest.scenarios.calling import CallingUser

BATCH = 100


class BatchResolver(CallingUser):
    """Resolves in batches; an answer counts when every one of its identifiers was found."""

    rate = SCENARIOS["batch"].rate

    @task
    def resolve(self) -> None:
        """A hundred, drawn by popularity."""
        identifiers = [self.popular() for _ in range(BATCH)]
        body = orjson.dumps({"identifiers": identifiers})
        self.call(RESOLVE, "/v1/resolve", expected=200, body=body, check=_all_found)


def _all_found(content: bytes) -> str | None:
    found = content.count(b'"found":true')
    return None if found == BATCH else f"found {found} of {BATCH}"

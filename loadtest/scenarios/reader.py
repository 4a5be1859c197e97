"""SupplyChainReader: looks up what passes its scanner, some identifiers far more often than others."""

from urllib.parse import quote

from locust import task

from loadtest.runs import HANDLE, RECORD, REDIRECT, SCENARIOS, UNKNOWN_HANDLE
from loadtest.scenarios.calling import DATASET, CallingUser

UNKNOWN_MAX = 100_000
"""Different identifiers that nobody registered."""


class SupplyChainReader(CallingUser):
    """Reads without a key. An unknown identifier is expected to be answered with 404."""

    rate = SCENARIOS["reader"].rate

    @task(50)
    def handle(self) -> None:
        """As Handle clients resolve."""
        self.call(HANDLE, f"/api/handles/{quote(self.popular())}", expected=200, check=_is_resolved)

    @task(25)
    def record(self) -> None:
        """As programs read."""
        self.call(RECORD, f"/v1/identifiers/{quote(self.popular())}", expected=200)

    @task(15)
    def redirect(self) -> None:
        """As a browser follows a code on a product; where it leads is not called."""
        self.call(REDIRECT, f"/{quote(self.popular())}", expected=302)

    @task(10)
    def unknown(self) -> None:
        """A code that was misread."""
        identifier = DATASET.unknown(self.rng.randrange(UNKNOWN_MAX))
        self.call(UNKNOWN_HANDLE, f"/api/handles/{quote(identifier)}", expected=404)


def _is_resolved(content: bytes) -> str | None:
    return None if b'"responseCode":1,' in content[:100] else "responseCode is not 1"

"""FactoryUser: registers products of its line, says some of them twice, revises and suspends a few."""

from collections import deque
from itertools import count
from urllib.parse import quote

from locust import task

from loadtest.dataset import Product, patch_body
from loadtest.runs import PATCH, REGISTER, REPEAT, SCENARIOS, SUSPEND
from loadtest.scenarios.calling import DATASET, JOB, CallingUser

REMEMBERED_MAX = 100
"""Products of its own that a factory may still change."""
_numbers = count()


class FactoryUser(CallingUser):
    """Writes. Every write has an Idempotency-Key; a product is suspended once and not touched afterwards."""

    rate = SCENARIOS["factory"].rate

    def on_start(self) -> None:
        """Begin with nothing registered."""
        super().on_start()
        self._own: deque[Product] = deque(maxlen=REMEMBERED_MAX)

    @task(82)
    def register(self) -> None:
        """A new product."""
        product = DATASET.product(JOB.series, next(_numbers))
        if self._register(REGISTER, product):
            self._own.append(product)

    @task(3)
    def repeat(self) -> None:
        """A registration whose answer was lost: the same request with the same key gets the same answer."""
        if self._own:
            self._register(REPEAT, self.rng.choice(self._own))

    @task(10)
    def revise(self) -> None:
        """Another page for a product."""
        if self._own:
            identifier = self.rng.choice(self._own).identifier
            target = f"/v1/identifiers/{quote(identifier)}"
            self.call(PATCH, target, expected=200, body=patch_body(self.rng.randrange(1_000)), is_writing=True)

    @task(5)
    def suspend(self) -> None:
        """The oldest product it remembers."""
        if self._own:
            product = self._own.popleft()
            target, key = f"/v1/suspend/{quote(product.identifier)}", f"{product.idempotency_key}-suspend"
            self.call(SUSPEND, target, expected=200, idempotency_key=key, is_writing=True)

    def _register(self, name: str, product: Product) -> bool:
        return self.call(
            name,
            "/v1/identifiers",
            expected=201,
            body=product.body,
            idempotency_key=product.idempotency_key,
            is_writing=True,
        )

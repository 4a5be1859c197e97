"""Deterministic datasets: which identifiers are registered with which bodies, and how popular each of them is.

Pure. Equal forms give equal identifiers, bodies and order, on every machine and on every day.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import accumulate
from random import Random

import orjson

from idnode.model.identifier import Prefix
from idnode.registry.seeds.enterprises import PAGE_INDEX, SeedIndustry, products
from idnode.registry.seeds.product import SeedProduct

DRAFTS_PER_INDUSTRY = 400
"""Bodies beyond these repeat the earlier ones under new identifiers."""
IDENTIFIERS_MAX = 5_000_000
RUN_CHARACTERS_MAX = 16
ZIPF_EXPONENT_MAX = 10.0
LOADED = "D"
"""The series that is registered before anything is measured."""

_LABELS = {
    SeedIndustry.TEXTILES: "29901",
    SeedIndustry.CONSTRUCTION: "29902",
    SeedIndustry.SHIPBUILDING: "29903",
    SeedIndustry.ELECTRONICS: "29904",
}
"""Prefixes of the load test's own: what it registers never mixes with demo data."""
_DAY = date(2026, 1, 5)
_RUN = re.compile(r"[0-9A-Za-z]+")


@dataclass(frozen=True, slots=True)
class DatasetForm:
    """What names a dataset. `prefix` is the node's own; `run` tells apart datasets on one node, `seed` their order."""

    seed: int
    run: str
    prefix: str
    count: int

    def __post_init__(self) -> None:
        if not _RUN.fullmatch(self.run) or len(self.run) > RUN_CHARACTERS_MAX:
            raise ValueError(f"run: {self.run!r} is not 1 to {RUN_CHARACTERS_MAX} ASCII letters and digits")
        if not 1 <= self.count <= IDENTIFIERS_MAX:
            raise ValueError(f"identifiers: {self.count} is not between 1 and {IDENTIFIERS_MAX}")


@dataclass(frozen=True, slots=True)
class Product:
    """One registration: `body` is the JSON of POST /v1/identifiers, valid for a shipped template."""

    identifier: str
    body: bytes
    idempotency_key: str


class Dataset:
    """The products of a form, made when they are asked for."""

    def __init__(self, form: DatasetForm) -> None:
        self.form = form
        self._drafts = _shuffled_drafts(form)

    def product(self, series: str, number: int) -> Product:
        """Number `number` of a series; series share bodies, never identifiers."""
        prefix, rest = self._drafts[number % len(self._drafts)]
        suffix = f"LT{self.form.run}-{series}{number}"
        identifier = f"{prefix}/{suffix}"
        return Product(identifier, b'{"identifier":"%b",%b' % (identifier.encode(), rest), suffix)

    def loaded(self) -> Iterator[Product]:
        """What stands in the node before the first scenario begins."""
        return (self.product(LOADED, number) for number in range(self.form.count))

    @cached_property
    def by_popularity(self) -> tuple[str, ...]:
        """The loaded identifiers, most popular first; popularity and the order of loading have nothing in common."""
        identifiers = [f"{self._prefix_of(number)}/LT{self.form.run}-{LOADED}{number}" for number in self._numbers()]
        Random(f"popularity {self.form.seed}").shuffle(identifiers)
        return tuple(identifiers)

    def unknown(self, number: int) -> str:
        """An identifier under one of the prefixes that nobody registers."""
        return f"{self._prefix_of(number)}/LT{self.form.run}-NONE{number}"

    def _prefix_of(self, number: int) -> str:
        return self._drafts[number % len(self._drafts)][0]

    def _numbers(self) -> range:
        return range(self.form.count)


class Zipf:
    """Ranks from 0 to `size` - 1; rank r is drawn in proportion to 1 / (r + 1) ** exponent. Exponent 0 is uniform."""

    def __init__(self, size: int, exponent: float) -> None:
        if not 0 <= exponent <= ZIPF_EXPONENT_MAX:
            raise ValueError(f"zipf exponent: {exponent} is not between 0 and {ZIPF_EXPONENT_MAX:g}")
        self._sums: tuple[float, ...] = tuple(accumulate(float(rank + 1) ** -exponent for rank in range(size)))

    def draw(self, rng: Random) -> int:
        """One rank."""
        # Rounding can carry the product up to the last sum itself.
        return min(bisect_right(self._sums, rng.random() * self._sums[-1]), len(self._sums) - 1)

    def share(self, rank: int) -> float:
        """The expected share of draws that give `rank`."""
        below = self._sums[rank - 1] if rank else 0.0
        return (self._sums[rank] - below) / self._sums[-1]


def industry_prefixes(node_prefix: str) -> tuple[str, ...]:
    """The enterprise prefixes that a load test registers under."""
    return tuple(f"{node_prefix}.{label}" for label in _LABELS.values())


def patch_body(number: int) -> bytes:
    """PATCH of the page that a product points to."""
    return orjson.dumps({"values": [_url_value(f"https://example.com/moved/{number}")]})


def _shuffled_drafts(form: DatasetForm) -> tuple[tuple[str, bytes], ...]:
    """Prefix, and the body after its identifier: all industries mixed."""
    drafts = [
        (prefix, _rest(product))
        for industry, prefix in zip(_LABELS, industry_prefixes(form.prefix), strict=True)
        for product in products(industry, Prefix.parse(prefix), today=_DAY, count=DRAFTS_PER_INDUSTRY)
    ]
    Random(f"drafts {form.seed}").shuffle(drafts)
    return tuple(drafts)


def _rest(product: SeedProduct) -> bytes:
    template = {"prefix": product.template.prefix.text, "version": product.template.version}
    values = [_url_value(value.data.decode()) for value in product.values]
    document = {"template": template, "attributes": dict(product.attributes), "values": values}
    return orjson.dumps(document).removeprefix(b"{")


def _url_value(url: str) -> dict[str, object]:
    return {"index": PAGE_INDEX, "type": "URL", "data": url}

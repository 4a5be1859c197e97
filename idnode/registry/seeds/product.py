"""What the generators yield: drafts of products, and the finished seeds of products and enterprises."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from idnode.model.enterprise import Contact
from idnode.model.handle_value import HandleValue
from idnode.model.identifier import Identifier, Prefix
from idnode.model.template import TemplateName


@dataclass(frozen=True, slots=True)
class Draft:
    """A product as its industry knows it. Dates among `attributes` are ISO 8601 text, as in a request.

    They may name another maker than the registering enterprise: shipyards register what they were supplied with.
    """

    suffix: str
    product_type: str
    product_name: str
    produced: date
    valid_until: date
    industry_code: str
    attributes: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class SeedProduct:
    """One product, ready to be registered: `attributes` fit the template, `values` come on top of them."""

    identifier: Identifier
    template: TemplateName
    attributes: Mapping[str, object]
    values: tuple[HandleValue, ...]


@dataclass(frozen=True, slots=True)
class SeedEnterprise:
    """A fictitious enterprise with its products. The node's operator has no prefix, no template and no products."""

    name: str
    uscc: str
    industry: str
    contact: Contact
    website: str
    address: str
    prefix: Prefix | None = None
    template_version: str | None = None
    products: tuple[SeedProduct, ...] = ()

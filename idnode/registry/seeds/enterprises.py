"""The fictitious enterprises of the demo, and their products: draft of the industry, core of T9, identifier, page."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from itertools import islice
from random import Random

from idnode.model.enterprise import Contact
from idnode.model.handle_value import HandleValue
from idnode.model.identifier import Identifier, Prefix
from idnode.model.industry import Industry
from idnode.model.template import TemplateName
from idnode.registry.seeds.codes import uscc_code
from idnode.registry.seeds.construction import construction_drafts
from idnode.registry.seeds.electronics import electronics_drafts
from idnode.registry.seeds.product import Draft, SeedEnterprise, SeedProduct
from idnode.registry.seeds.shipbuilding import shipbuilding_drafts
from idnode.registry.seeds.textiles import textile_drafts


class SeedIndustry(StrEnum):
    """The industries with a generator; each value is also the stem of its template file."""

    TEXTILES = "textiles"
    CONSTRUCTION = "construction"
    SHIPBUILDING = "shipbuilding"
    ELECTRONICS = "electronics"


@dataclass(frozen=True, slots=True)
class _Profile:
    name: str
    brand: str
    industry_code: str
    contact_name: str
    label: str
    drafts: Callable[[Random, date], Iterator[Draft]]


_PROFILES = {
    SeedIndustry.TEXTILES: _Profile("示例高端纺织有限公司", "示锦", "C17", "张示例", "20001", textile_drafts),
    SeedIndustry.CONSTRUCTION: _Profile("示例智慧建造有限公司", "示筑", "E47", "李示例", "20002", construction_drafts),
    SeedIndustry.SHIPBUILDING: _Profile("示例船舶海工有限公司", "示舟", "C373", "王示例", "20003", shipbuilding_drafts),
    SeedIndustry.ELECTRONICS: _Profile("示例电子信息有限公司", "示芯", "C39", "赵示例", "20004", electronics_drafts),
}
_OPERATOR_NUMBER = 1
PAGE_INDEX = 1
"""Index of the value that holds the address of the product's page."""


def demo(node_prefix: Prefix, *, today: date, products_each: int = 200) -> tuple[SeedEnterprise, ...]:
    """The operator, then one enterprise per industry with `products_each` products. Equal arguments, equal answer."""
    enterprises = [_enterprise(industry, node_prefix, today, products_each) for industry in SeedIndustry]
    return (_operator(), *enterprises)


def products(industry: SeedIndustry, prefix: Prefix, *, today: date, count: int) -> Iterator[SeedProduct]:
    """The first `count` products of an industry under an enterprise's prefix, made one at a time, all before `today`.

    A larger count begins with the same products. The template is the industry's shipped one, owned by the node, whose
    prefix is `prefix` without its last label.
    """
    profile = _PROFILES[industry]
    # The seed is the industry's name: nothing here is secret, everything must come out the same again.
    rng = Random(industry.value)  # noqa: S311
    node_prefix = Prefix.parse(prefix.text.rpartition(".")[0])
    template = TemplateName(node_prefix, _template_version(industry))
    core = {"brand": profile.brand, "manufacturer": profile.name, "manufacturer_uscc": _uscc(industry)}
    timestamp = datetime(today.year, today.month, today.day, tzinfo=UTC)
    for draft in islice(profile.drafts(rng, today), count):
        page = f"https://example.com/{industry}/{draft.suffix}"
        yield SeedProduct(
            identifier=Identifier.parse(f"{prefix.text}/{draft.suffix}"),
            template=template,
            attributes={**core, **_own_core(draft), **draft.attributes},
            values=(HandleValue(PAGE_INDEX, "URL", page.encode(), timestamp),),
        )


def _own_core(draft: Draft) -> dict[str, object]:
    section, division, group, class_ = Industry(draft.industry_code).levels
    return {
        "product_type": draft.product_type,
        "product_name": draft.product_name,
        "produced_at": draft.produced.isoformat(),
        "valid_until": draft.valid_until.isoformat(),
        "industry_section": section,
        "industry_division": division,
        "industry_group": group,
        "industry_class": class_,
    }


def _operator() -> SeedEnterprise:
    return SeedEnterprise(
        name="示例标识解析二级节点运营有限公司",
        uscc=uscc_code(_OPERATOR_NUMBER),
        industry="I64",
        contact=Contact("陈示例", "000-00000001", "operator@example.com"),
        website="https://example.com/operator",
        address="示例省示例市示例区示例路1号",
    )


def _enterprise(industry: SeedIndustry, node_prefix: Prefix, today: date, count: int) -> SeedEnterprise:
    profile = _PROFILES[industry]
    number = _number(industry)
    prefix = Prefix.parse(f"{node_prefix.text}.{profile.label}")
    return SeedEnterprise(
        name=profile.name,
        uscc=_uscc(industry),
        industry=profile.industry_code,
        contact=Contact(profile.contact_name, f"000-{number:08}", f"{industry}@example.com"),
        website=f"https://example.com/{industry}",
        address=f"示例省示例市示例区示例路{number}号",
        prefix=prefix,
        template_version=_template_version(industry),
        products=tuple(products(industry, prefix, today=today, count=count)),
    )


def _template_version(industry: SeedIndustry) -> str:
    return f"{industry}-1.0"


def _uscc(industry: SeedIndustry) -> str:
    return uscc_code(_number(industry))


def _number(industry: SeedIndustry) -> int:
    """The operator has the first number, the enterprises follow."""
    return _OPERATOR_NUMBER + 1 + list(SeedIndustry).index(industry)

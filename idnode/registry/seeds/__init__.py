"""Demo data: an operator, one fictitious enterprise per industry, and as many believable products as wanted."""

from idnode.registry.seeds.enterprises import SeedIndustry, demo, products
from idnode.registry.seeds.product import SeedEnterprise, SeedProduct

__all__ = ["SeedEnterprise", "SeedIndustry", "SeedProduct", "demo", "products"]

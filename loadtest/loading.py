"""Brings the dataset into a node through its API: an enterprise, its prefixes, then the products."""

import asyncio
from collections.abc import Iterator
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector

from idnode.registry.seeds.codes import uscc_code
from loadtest.dataset import Dataset, Product, industry_prefixes
from loadtest.own_node import Target

IN_FLIGHT = 32
REQUEST_SECONDS_MAX = 60.0
_ENTERPRISE = {
    "name": "示例负载测试有限公司",
    "uscc": uscc_code(9_901),
    "industry": "C17",
    "contact": {"name": "吴示例", "email": "loadtest@example.com"},
}


class NodeRefused(RuntimeError):
    """The node answered something else than what the load test needs."""


async def load(target: Target, dataset: Dataset) -> int:
    """Register everything that is read later; the number of products. The same dataset may be loaded again.

    Raises NodeRefused, also when the node cannot be reached.
    """
    headers = {"Authorization": f"Bearer {target.key}"}
    timeout = ClientTimeout(total=REQUEST_SECONDS_MAX)
    connector = TCPConnector(limit=IN_FLIGHT)
    try:
        async with ClientSession(target.url, headers=headers, timeout=timeout, connector=connector) as session:
            await _ensure_prefixes(session, industry_prefixes(dataset.form.prefix))
            # All tasks draw from one generator, between their awaits.
            products = dataset.loaded()
            async with asyncio.TaskGroup() as group:
                counts = [group.create_task(_register(session, products)) for _ in range(IN_FLIGHT)]
    except* (ClientError, TimeoutError) as errors:
        raise NodeRefused(f"{target.url}: {_first(errors)!r}") from errors
    except* NodeRefused as errors:
        raise NodeRefused(str(_first(errors))) from errors
    return sum(count.result() for count in counts)


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """Any one of the errors in a group says enough."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def _register(session: ClientSession, products: Iterator[Product]) -> int:
    count = 0
    for product in products:
        headers = {"Content-Type": "application/json", "Idempotency-Key": product.idempotency_key}
        async with session.post("/v1/identifiers", data=product.body, headers=headers) as response:
            content = await response.read()
        # 409: from an earlier run of the same name whose kept answers have expired.
        if response.status not in (201, 409):
            raise NodeRefused(f"{product.identifier}: {response.status} {content.decode(errors='replace')}")
        count += 1
    return count


async def _ensure_prefixes(session: ClientSession, prefixes: tuple[str, ...]) -> None:
    missing = [prefix for prefix in prefixes if not await _has_prefix(session, prefix)]
    if not missing:
        return
    enterprise = await _ensure_enterprise(session)
    for prefix in missing:
        form = {"prefix": prefix, "enterprise": enterprise, "hosting": "hosted"}
        await _call(session, "POST", "/v1/prefixes", 201, form)


async def _has_prefix(session: ClientSession, prefix: str) -> bool:
    async with session.get(f"/v1/prefixes/{prefix}") as response:
        if response.status not in (200, 404):
            raise NodeRefused(f"prefix {prefix}: {response.status} {await response.text()}")
        return response.status == 200


async def _ensure_enterprise(session: ClientSession) -> str:
    async with session.post("/v1/enterprises", json=_ENTERPRISE) as response:
        document = await response.json(content_type=None)
    if response.status == 201:
        return str(document["id"])
    if response.status != 409:
        raise NodeRefused(f"enterprise: {response.status} {document}")
    return await _find_enterprise(session)


async def _find_enterprise(session: ClientSession) -> str:
    cursor: str | None = ""
    while cursor is not None:
        page = await _call(
            session, "GET", "/v1/enterprises", 200, None, limit="1000", **({"cursor": cursor} if cursor else {})
        )
        for item in page["items"]:
            if item["uscc"] == _ENTERPRISE["uscc"]:
                return str(item["id"])
        cursor = page["next"]
    raise NodeRefused(f"the enterprise with USCC {_ENTERPRISE['uscc']} exists and is not listed")


async def _call(session: ClientSession, method: str, path: str, expected: int, form: object, **query: str) -> Any:
    async with session.request(method, path, json=form, params=query) as response:
        document = await response.json(content_type=None)
    if response.status != expected:
        raise NodeRefused(f"{method} {path}: {response.status} {document}")
    return document

"""What tests share: a whole node to call over HTTP, and the few requests that most of them begin with."""

from dataclasses import dataclass
from typing import Any

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request

from idnode.app_node import Node

USCC = "91110108589104047H"
TEXTILE = {
    "product_name": "精梳棉府绸",
    "manufacturer": "示例纺织有限公司",
    "fibre_composition": [{"fibre": "cotton", "percent": 60}, {"fibre": "polyester", "percent": 40}],
}


@dataclass(frozen=True)
class NodeUnderTest:
    """A whole node, its admin key, and a client that calls it over TCP."""

    node: Node
    client: "TestClient[Request, Application]"
    admin_key: str
    port: int
    aiohttp_port: int

    @property
    def admin(self) -> dict[str, str]:
        """Headers of the admin."""
        return {"Authorization": f"Bearer {self.admin_key}"}

    async def call(
        self, method: str, path: str, document: Any = None, *, key: str | None = "", **headers: str
    ) -> ClientResponse:
        """One request; `key` "" is the admin's, None sends no Authorization. Header names have _ for -."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            sent["Authorization"] = f"Bearer {key or self.admin_key}"
        response = await self.client.request(method, path, json=document, headers=sent)
        await response.read()
        return response

    async def enterprise(self, *, uscc: str = USCC, name: str = "示例纺织有限公司") -> str:
        """A registered enterprise; its id."""
        document = {"name": name, "uscc": uscc, "industry": "C1711"}
        response = await self.call("POST", "/v1/enterprises", document)
        assert response.status == 201, await response.text()
        return str((await response.json())["id"])

    async def prefix(self, prefix: str = "88.118.8", *, enterprise: str | None = None) -> str:
        """A prefix given to an enterprise, a new one if none is named."""
        document = {"prefix": prefix, "enterprise": enterprise or await self.enterprise(), "hosting": "hosted"}
        response = await self.call("POST", "/v1/prefixes", document)
        assert response.status == 201, await response.text()
        return prefix

    async def key(self, role: str, *prefixes: str) -> str:
        """The secret of a new key."""
        document = {"name": f"{role} in a test", "role": role, "prefixes": list(prefixes)}
        response = await self.call("POST", "/v1/keys", document)
        assert response.status == 201, await response.text()
        return str((await response.json())["key"])

    async def identifier(self, identifier: str = "88.118.8/JX-1", *, url: str = "https://example.com/jx-1") -> str:
        """A registered identifier with one URL value."""
        values = [{"index": 1, "type": "URL", "data": {"format": "string", "value": url}}]
        response = await self.call("POST", "/v1/identifiers", {"identifier": identifier, "values": values})
        assert response.status == 201, await response.text()
        return identifier

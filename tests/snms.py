"""A node with SNMS users to call over HTTP, as a factory's system does."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from conftest import serve_node
from harness import NodeUnderTest

from idnode.app_secrets import node_key
from idnode.config import Settings
from idnode.lifecycle import new_id, now
from idnode.model.access import ApiKey, Role
from idnode.model.change import Trace
from idnode.registry.commands import Asked
from idnode.registry.directory_writes import DirectoryWriter
from idnode.registry.enterprises import EnterpriseRegistry
from idnode.registry.metrics import RegistryCounters
from idnode.registry.snms_users import PasswordSealing, SnmsUserForm, SnmsUserRegistry
from idnode.storage.database import Database
from idnode.storage.enterprises import EnterpriseStore
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.snms_users import SnmsUserStore
from idnode.wire.snms_passwords import password_sha256

PASSWORD = "123456"  # of nobody
TEMPLATE: dict[str, Any] = {
    "prefix": "88.118.8",
    "version": "1.0",
    "industryCategory": "C",
    "industrySpecific": "17",
    "industryTrade": "171",
    "industrySubclass": "1711",
    "type": 2,
    "description": "坯布",
    "items": [
        {
            "name": "名称",
            "idType": "name",
            "idIndex": 2000,
            "required": True,
            "metadata": {"type": "string", "minLength": 1, "maxLength": 64},
        },
        {
            "name": "批号",
            "idType": "lot",
            "idIndex": 2001,
            "metadata": {"type": "string", "minLength": 0, "maxLength": 32},
        },
    ],
}


@dataclass
class SnmsNode:
    """A node, and one user of it: what is sent bears the token of `user`, whom the fixture has logged in."""

    node: NodeUnderTest
    users: SnmsUserRegistry
    token: str = ""

    async def call(self, method: str, path: str, document: Any = None, **headers: str) -> dict[str, Any]:
        """The envelope of one answer; an Authorization of "" is not sent."""
        response = await self.raw(method, path, None if document is None else orjson.dumps(document), **headers)
        answer: dict[str, Any] = orjson.loads(response)
        return answer

    async def raw(self, method: str, path: str, body: bytes | None = None, **headers: str) -> bytes:
        """The bytes of one answer, which is always 200."""
        sent = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        response = await self.node.client.request(
            method, path, data=body, headers={name: value for name, value in sent.items() if value}
        )
        assert response.status == 200, await response.text()
        return await response.read()

    async def user(self, name: str, **members: Any) -> None:
        """A registered user; mail address and number follow from the name."""
        number = sum(name.encode())
        form = SnmsUserForm(name, password_sha256(PASSWORD), f"{name}@example.com", f"1380000{number:04}", **members)
        await self.users.register(form, _asked(), lambda _: KeptAnswer(200, "", None, None, b""))

    async def log_in(self, name: str) -> None:
        """Whatever is sent from now on bears a token of this user."""
        answer = await self.call("POST", "/identity/token", {"username": name, "password": PASSWORD})
        self.token = answer["data"]["token"]


async def serve_snms(home: Path, database: Database, dsn: str) -> AsyncIterator[SnmsNode]:
    """Enterprise prefix 88.118.8 with the user `mes`, who is logged in, and the admin `admin`."""
    settings = Settings(native_port=0, seed="none", home=home, body_seconds=1, drain_seconds=1)
    async for node in serve_node(settings, database, dsn):
        writer = DirectoryWriter(database, RegistryCounters(), committed=lambda _: None, now=now, new_id=new_id)
        enterprises = EnterpriseRegistry(EnterpriseStore(database), writer)
        sealing = PasswordSealing(node_key(settings), os.urandom)
        served = SnmsNode(node, SnmsUserRegistry(SnmsUserStore(database), enterprises, writer, sealing))
        enterprise = await node.enterprise()
        await node.prefix("88.118.8", enterprise=enterprise)
        await served.user("mes", enterprise=UUID(enterprise))
        await served.user("admin", is_admin=True)
        await served.log_in("mes")
        yield served


def row(suffix: str, *values: tuple[int, str, str], version: str = "1.0", prefix: str = "88.118.8") -> dict[str, Any]:
    """An identifier as SNMS has it; without values it has a name."""
    return {
        "handle": f"{prefix}/{suffix}",
        "templateVersion": version,
        "value": [
            {"auth": "", "index": index, "type": kind, "data": {"format": "string", "value": text}}
            for index, kind, text in values or ((2000, "name", "精梳棉府绸"),)
        ],
    }


def _asked() -> Asked:
    at = now()
    key = ApiKey(UUID(int=0), "test", Role.ADMIN, (), "", at, None, None, None, None, 1)
    return Asked(key, Trace("test", "test", at))

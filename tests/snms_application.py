"""What tests of SNMS applications begin with: an enterprise object that lacks nothing, a picture, and an SNMS admin."""

import base64
import hashlib
import os
from collections.abc import AsyncIterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from aiohttp import FormData
from conftest import serve_node
from reported import PHOTO
from snms import PASSWORD, SnmsNode

from idnode.app_secrets import node_key
from idnode.config import Settings
from idnode.lifecycle import new_id, now
from idnode.registry.directory_writes import DirectoryWriter
from idnode.registry.enterprises import EnterpriseRegistry
from idnode.registry.metrics import RegistryCounters
from idnode.registry.snms_users import PasswordSealing, SnmsUserRegistry
from idnode.storage.database import Database
from idnode.storage.enterprises import EnterpriseStore
from idnode.storage.snms_users import SnmsUserStore

PICTURE = base64.b64decode(PHOTO)
"""A PNG of one pixel."""
APPLY = "/snms/api/v3/ent/apply"
UPGRADE = "/snms/api/v3/ent/upgrade-apply"
PREFIX = "88.118.66"
CODE = "911101080000000660"
OBJECT: dict[str, Any] = {
    "sysUser": {
        "userName": "weaver",
        "password": hashlib.sha256(PASSWORD.encode()).hexdigest(),
        "email": "weaver@example.com",
        "mobile": "13800000066",
        "remarks": "",
    },
    "entBasicInfo": {
        "orgName": "示例纺织有限公司",
        "orgNature": "2",
        "orgAddr": "示例路 1 号",
        "orgAddrProvince": "330000",
        "orgAddrCity": "330600",
        "orgAddrCounty": "330603",
        "orgCrtType": 1,
        "orgCrtCode": CODE,
        "orgDesc": "示例企业",
        "industryCategory": "C",
        "industrySpecific": "17",
        "website": "www.example.com",
        "regAuthority": "",
        "regCapital": 1200,
        "establishDate": "2012-01-06",
        "contactName": "周示例",
        "contactCrtType": 1,
        "contactCrtNo": "11010519491231002X",
        "contactEmail": "contact@example.com",
        "contactPhone": "13800000067",
        "legalName": "吴示例",
        "legalCrtType": "2",
        "legalCrtNo": "P0000001",
        "entPrefix": PREFIX,
    },
    "entRegisterManageInfo": {
        "entInfoSyses": [
            {"sysType": 1, "deployMode": 1, "deployAddr": "示例机房", "ipPort": "[192.0.2.1]:8080;[2001:db8::1]:8080"},
            {"sysType": 2, "deployMode": 2, "name": "示例云"},
            {"sysType": 3, "deployMode": 2, "name": "示例云"},
            {"sysType": 4, "deployMode": 1, "deployAddr": "示例机房"},
        ],
        "servSysBuildType": 1,
        "servSysOperType": 1,
    },
    "entHostingAndIdentifyServeInfo": {
        "extWebName": "示例服务",
        "extDomain": "id.example.com",
        "extIpAddr": "192.0.2.1;2001:db8::1",
        "dataHostingOrg": "示例云",
        "entInfoSerIndustries": [
            {
                "industryCategory": "C",
                "industrySpecific": "17",
                "industryTrade": "171",
                "industrySubclass": "1711",
            }
        ],
        "entInfoLicenses": [{"licenceType": 4, "licenceNo": "B2-00000000"}],
    },
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The object with another value at a dotted path; `...` leaves the member out."""
    document = deepcopy(OBJECT)
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place: Any = document
    for step in steps:
        place = place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return document


@dataclass
class ApplyingNode(SnmsNode):
    """A node with the SNMS users `admin` and `stranger`, who is of no enterprise; `admin` is logged in."""

    home: Path = Path()

    async def upload(self, content: bytes, *, part: str = "file") -> dict[str, Any]:
        """One uploaded file; the envelope."""
        form = FormData()
        form.add_field(part, content, filename="../../客户.php", content_type="image/png")
        headers = {"Authorization": f"Bearer {self.token}"}
        response = await self.node.client.request("POST", "/snms/api/file/upload", data=form, headers=headers)
        assert response.status == 200, await response.text()
        answer: dict[str, Any] = orjson.loads(await response.read())
        return answer

    async def review(self, *, step: str = "", document: Any = None, key: str = "") -> dict[str, Any]:
        """The newest application as a reviewer sees it, or what a step (`approve`, `reject`) makes of it."""
        listed = await (await self.node.call("GET", "/v1/reviews?limit=1000", key=key)).json()
        path = f"/v1/reviews/{listed['items'][-1]['id']}"
        response = await self.node.call("POST" if step else "GET", f"{path}/{step}".rstrip("/"), document, key=key)
        answer: dict[str, Any] = await response.json()
        return answer

    async def sent(self, document: dict[str, Any], *, path: str = APPLY) -> str:
        """What is told of an application: `success`, or why not."""
        answer = await self.call("POST", path, document)
        assert answer["data"] == (True if answer["status"] == 1 else None)
        return str(answer["message"])


async def serve_applying(home: Path, database: Database, dsn: str, **members: Any) -> AsyncIterator[ApplyingNode]:
    """Served until the block ends; `members` are settings."""
    settings = Settings(native_port=0, seed="none", home=home, body_seconds=5, drain_seconds=1, **members)
    async for node in serve_node(settings, database, dsn):
        writer = DirectoryWriter(database, RegistryCounters(), committed=lambda _: None, now=now, new_id=new_id)
        enterprises = EnterpriseRegistry(EnterpriseStore(database), writer)
        sealing = PasswordSealing(node_key(settings), os.urandom)
        users = SnmsUserRegistry(SnmsUserStore(database), enterprises, writer, sealing)
        served = ApplyingNode(node, users, home=home)
        await served.user("admin", is_admin=True)
        await served.user("stranger")
        await served.log_in("admin")
        yield served

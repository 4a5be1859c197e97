"""What tests of reporting begin with: an operator that lacks nothing, and change rows as the relay claims them."""

from typing import Any

from idnode.model.change import Subject
from idnode.model.reporting import Report
from idnode.storage.database import Database
from idnode.storage.ledger import Claimed

PHOTO = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
"""One grey pixel."""
WORKER = {"by": "self"}
OPERATOR: dict[str, Any] = {
    "organisation_name": "示例标识服务有限公司",
    "nature": "private_controlled",
    "address": "示例市示例路 1 号",
    "certificate_type": "uscc",
    "certificate_number": "91110108589104047H",
    "certificate_photo": PHOTO,
    "representative_name": "甲示例",
    "representative_id_type": "居民身份证",
    "representative_id_number": "000000000000000000",
    "representative_id_photo": PHOTO,
    "profile": "示例二级节点运营单位。",
    "industry": "I64",
    "contact_name": "乙示例",
    "contact_mobile": "00000000000",
    "contact_id_type": "居民身份证",
    "contact_id_number": "000000000000000001",
    "contact_id_photo": PHOTO,
    "contact_email": "contact@example.com",
    "registration_authority": "示例市市场监督管理局",
    "capital": "1000 万元",
    "founded": "2020-01-02",
    "province": "示例省",
    "city": "示例市",
    "county": "示例区",
    "system_built_by": WORKER,
    "system_operated_by": {"by": "contractor", "name": "示例运维有限公司", "contract": "HT-1"},
    "registration_system": {"place": "示例云", "address": "192.0.2.1:8000"},
    "registration_data_place": "示例云",
    "data_backup_place": "示例机房",
    "resolution_server_place": "示例云",
    "system_backup_place": "示例机房",
    "real_name_verification": {"by": "self", "documents": ["营业执照"]},
    "naming_standard": "GB/T 36461",
    "service_industries": ["纺织业"],
    "public_service_website": "https://example.com/",
    "public_service_domain": "example.com",
    "public_service_ips": "192.0.2.1;2001:db8::1",
}
ROUTE: dict[str, Any] = {
    "scheme": "Handle",
    "prefix": "88.118",
    "ip_type": "IPv4",
    "ip": "192.0.2.1",
    "protocols": [{"protocol": "HTTP", "port": 8000}],
}


async def claimed(database: Database, report: Report, subject: Subject, name: str) -> list[Claimed]:
    """The changes of one thing, the oldest first, as a relay claims records of them."""
    async with database.session() as session:
        rows = await session.rows(
            "SELECT * FROM change WHERE subject = $1 AND name = $2 ORDER BY position", subject, name
        )
    return [
        Claimed(
            number=row["position"],
            report=report,
            subject=name,
            version=row["version"],
            operation=row["operation"],
            occurred=row["at"],
            attempts=0,
            payload=None,
            old=row["old"],
            new=row["new"],
        )
        for row in rows
    ]

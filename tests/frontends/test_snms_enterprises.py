"""An enterprise from its application to its first identifier, as a client of SNMS and a reviewer see it."""

from collections.abc import AsyncIterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from snms import PASSWORD, TEMPLATE, row
from snms_application import CODE, OBJECT, PICTURE, PREFIX, UPGRADE, ApplyingNode, changed, serve_applying

from idnode.storage.database import Database

DETAIL = "/snms/api/v3/ent/detail"
PAGE = "/snms/api/v3/ent/page"


@pytest.fixture
async def applying(database: Database, dsn: str, tmp_path: Path) -> AsyncIterator[ApplyingNode]:
    async for served in serve_applying(tmp_path, database, dsn):
        yield served


@pytest.fixture
async def judged_above(database: Database, dsn: str, tmp_path: Path) -> AsyncIterator[ApplyingNode]:
    async for served in serve_applying(
        tmp_path, database, dsn, sync_transport="files", sync_directory=tmp_path / "top-node"
    ):
        yield served


async def test_from_the_application_to_the_first_identifier_under_the_new_prefix(applying: ApplyingNode) -> None:
    picture = (await applying.upload(PICTURE))["data"]
    applied = await applying.sent(changed("entBasicInfo.orgCrtImgRid", picture["id"]))
    waiting = (await applying.call("GET", f"{PAGE}?orgName=纺织"))["data"]["content"][0]
    review = await applying.review()
    approved = await applying.review(step="approve")
    detail = (await applying.call("GET", f"{DETAIL}?id={waiting['id']}"))["data"]
    profile = await (await applying.node.call("GET", f"/v1/enterprises/{approved['enterprise']}/profile")).json()
    await applying.log_in("weaver")
    await applying.call("POST", "/snms/api/v5/template", TEMPLATE | {"prefix": PREFIX})
    created = await applying.call("POST", "/identityv2/data", row("ROLL-1", prefix=PREFIX))

    assert (applied, waiting["status"], waiting["orgNature"]) == ("success", 4, 2)
    assert (review["state"], review["files"][0]["number"]) == ("waiting", picture["id"])
    assert (approved["state"], approved["status"], detail["status"]) == ("approved", 1, 1)
    assert detail["sysUser"] == {"userName": "weaver", "email": "weaver@example.com", "mobile": "13800000066"}
    assert "password" not in str(review) + str(detail)
    assert (profile["organisation"]["representative_name"], profile["organisation"]["capital"]) == ("吴示例", "1200")
    assert created == {"status": 1, "message": "success", "data": True}


async def test_what_is_taken_is_told_and_a_rejected_application_can_be_mended(applying: ApplyingNode) -> None:
    picture = (await applying.upload(PICTURE))["data"]["id"]
    first = changed("entBasicInfo.orgCrtImgRid", picture)
    await applying.sent(first)
    other = deepcopy(first)
    other["entBasicInfo"] |= {"orgCrtCode": "911101080000000673", "entPrefix": "88.118.67"}
    other["sysUser"] |= {"userName": "dyer", "email": "dyer@example.com", "mobile": "13800000068"}
    await applying.review(step="approve")

    assert await applying.sent(first) == f"已存在: 单位证件号 {CODE} 已有申请，修改请用 upgrade-apply"
    assert await applying.sent(other) == (
        f"参数不符合要求: entBasicInfo.orgCrtImgRid: 文件 {picture} 已被其他企业关联，不能再次关联"
    )
    del other["entBasicInfo"]["orgCrtImgRid"]
    assert await applying.sent(_with(other, "entPrefix", PREFIX)) == f"已存在: 企业前缀 {PREFIX} 属于其他企业"
    assert await applying.sent(_with(other, "entPrefix", "88.119.1")) == (
        "参数不符合要求: entBasicInfo.entPrefix: 88.119.1 必须是本节点前缀 88.118 的下一级，末级为 1 到 128 位数字"
    )
    assert await applying.sent(_with(other, "orgCrtImgRid", 999)) == (
        "参数不符合要求: entBasicInfo.orgCrtImgRid: 没有文件 999，请先上传"
    )
    taken = deepcopy(other)
    taken["sysUser"]["userName"] = "admin2"
    await applying.user("admin2")
    assert await applying.sent(taken) == "sysUser.userName: 用户名已存在"
    assert await applying.sent(other, path=UPGRADE) == "没有找到: 单位证件号 911101080000000673 的企业"
    assert await applying.sent(other) == "success"
    rejected = await applying.review(step="reject", document={"reason": "营业执照缺失"})
    again = await applying.node.call("POST", f"/v1/reviews/{rejected['id']}/approve")
    assert (rejected["status"], rejected["reason"], again.status) == (3, "营业执照缺失", 409)
    assert await applying.sent(other, path=UPGRADE) == "success"
    assert (await applying.review(step="approve"))["status"] == 1


async def test_an_approval_that_one_step_refuses_leaves_nothing_and_can_be_repeated(applying: ApplyingNode) -> None:
    await applying.sent(OBJECT)
    await applying.user("weaver")

    refused = await applying.review(step="approve")
    enterprises = await (await applying.node.call("GET", "/v1/enterprises")).json()
    prefixes = await (await applying.node.call("GET", "/v1/prefixes")).json()

    assert refused["detail"] == "another SNMS user has the userName weaver"
    assert (enterprises["items"], [each["prefix"] for each in prefixes["items"]]) == ([], ["88.118"])
    assert (await applying.review())["state"] == "waiting"
    renamed = deepcopy(OBJECT)
    renamed["sysUser"] |= {"userName": "weaver-2", "email": "weaver-2@example.com"}
    assert await applying.sent(renamed, path=UPGRADE) == "success"
    assert (await applying.review(step="approve?dry_run=true"))["status"] == 1
    assert (await applying.review())["state"] == "waiting"
    assert (await applying.review(step="approve"))["status"] == 1


async def test_the_top_node_has_the_last_word_where_there_is_one(judged_above: ApplyingNode) -> None:
    await judged_above.sent(OBJECT)
    approved = await judged_above.review(step="approve")
    note = {"state": "rejected", "review_note": "资质不全"}
    await judged_above.node.call("PATCH", f"/v1/prefixes/{PREFIX}", note)
    told = (await judged_above.call("GET", f"{DETAIL}?id={approved['number']}"))["data"]
    await judged_above.log_in("weaver")
    mended = await judged_above.sent(changed("sysUser", ...), path=UPGRADE)
    listed = (await judged_above.call("GET", PAGE))["data"]
    again = await judged_above.review(step="approve")
    query = (await judged_above.call("GET", f"/snms/api/prefix/query?prefix={PREFIX}"))["data"]

    assert (approved["state"], approved["status"]) == ("approved", 5)
    assert (told["status"], told["reason"]) == (3, "资质不全")
    assert (mended, listed["content"][0]["status"]) == ("success", 4)
    assert (again["status"], query["status"]) == (5, 5)


async def test_each_sees_what_is_theirs(applying: ApplyingNode) -> None:
    await applying.log_in("stranger")
    nobody = await applying.call("POST", "/snms/api/v3/ent/apply", OBJECT, Authorization="")
    await applying.sent(changed("entBasicInfo.orgName", "示例一厂"))
    own = (await applying.call("GET", PAGE))["data"]
    await applying.user("neighbour")
    await applying.log_in("neighbour")
    others = (await applying.call("GET", PAGE))["data"]
    number = own["content"][0]["id"]

    assert (nobody["status"], nobody["data"]) == (-1, None)
    assert (own["totalElements"], own["number"], own["first"], own["last"]) == (1, 1, True, True)
    assert (others["totalElements"], others["content"], others["totalPages"]) == (0, [], 0)
    assert (await applying.call("GET", f"{DETAIL}?id={number}"))["message"] == f"没有找到: 企业 {number}"
    assert await applying.sent(OBJECT, path=UPGRADE) == f"没有权限: 单位证件号 {CODE} 的申请属于其他用户"
    assert (await applying.call("GET", DETAIL))["message"] == "缺少必要的请求参数: id"
    assert (await applying.call("GET", f"{DETAIL}?id=x"))["message"] == "id 必须是企业编号，收到 x"
    review = f"/v1/reviews/{(await applying.review())['id']}"
    elsewhere = await applying.node.key("reviewer", "88.118.9")
    assert (await (await applying.node.call("GET", "/v1/reviews", key=elsewhere)).json())["items"] == []
    assert (await applying.node.call("GET", review, key=elsewhere)).status == 403
    assert (await applying.node.call("POST", f"{review}/approve", key=elsewhere)).status == 403


async def test_whoever_applies_for_their_own_enterprise_becomes_its_user(applying: ApplyingNode) -> None:
    await applying.log_in("stranger")
    own = changed("sysUser.userName", "stranger")
    del own["sysUser"]["password"]

    applied = await applying.sent(own)
    await applying.review(step="approve")
    await applying.log_in("stranger")
    query = await applying.call("GET", f"/snms/api/prefix/query?prefix={PREFIX}")

    assert applied == "success"
    assert query["data"]["status"] == 1


async def test_prefixes_are_listed_and_their_hosting_is_configured(applying: ApplyingNode) -> None:
    enterprise = await applying.node.enterprise()
    await applying.node.prefix("88.118.8", enterprise=enterprise)
    await applying.node.prefix("88.118.9", enterprise=enterprise)
    site = {
        "entPrefix": "88.118.8",
        "hdlType": "HS_SITE",
        "ipType": 6,
        "ip": "2001:DB8::1",
        "tcpPort": "2641",
        "udpPort": "",
    }

    configured = await applying.call("POST", "/snms/api/ent/config", {"entPrefixConfig": site})
    page = (await applying.call("GET", "/snms/api/prefix/page?currentPage=2&pageSize=1&entName=&startDate="))["data"]
    entry = page["content"][0]
    beyond = (await applying.call("GET", "/snms/api/prefix/page?currentPage=9&pageSize=1"))["data"]
    hosted = await applying.call(
        "POST", "/snms/api/ent/config", {"proxyServerId": 1, "entPrefixConfig": {"entPrefix": "88.118.8"}}
    )
    query = (await applying.call("GET", "/snms/api/prefix/query?prefix=88.118.8"))["data"]
    unknown = await applying.call("GET", "/snms/api/prefix/query?prefix=88.118.7")
    future = (await applying.call("GET", "/snms/api/prefix/page?startDate=2999-01-01 00:00:00"))["data"]

    assert configured == {"status": 1, "message": "success", "data": True}
    assert list(page) == [
        "first", "last", "totalPages", "totalElements", "number", "size", "sort", "numberOfElements", "content",
    ]  # fmt: skip
    assert list(page.values())[:8] == [False, True, 2, 2, 2, 1, None, 1]
    assert list(entry) == ["id", "createDate", "updateDate", "entPrefix", "entId", "state", "entName", "proxyState"]
    assert (entry["entPrefix"], entry["state"], entry["proxyState"]) == ("88.118.8", 1, 1)
    assert (entry["entName"], type(entry["id"]), type(entry["entId"])) == ("示例纺织有限公司", int, int)
    assert (beyond["content"], beyond["totalElements"], beyond["last"]) == ([], 2, True)
    assert hosted["data"] is True
    assert list(query) == [
        "prefix", "createDate", "ghrName", "status", "entNameCn", "entWebSite", "entIndustry", "entAddrCn", "entDesc",
    ]  # fmt: skip
    assert (query["status"], query["entIndustry"]) == (1, "C1711")
    assert unknown == {"status": -2, "message": "没有找到: 前缀 88.118.7", "data": None}
    assert future["totalElements"] == 0
    await applying.log_in("stranger")
    assert (await applying.call("POST", "/snms/api/ent/config", {}))["status"] == -3
    assert (await applying.call("GET", "/snms/api/prefix/page"))["data"]["totalElements"] == 0
    assert (await applying.call("GET", "/snms/api/prefix/query?prefix=88.118.8"))["status"] == -3


async def test_files_are_told_by_their_content_and_bounded(applying: ApplyingNode) -> None:
    picture = await applying.upload(PICTURE)
    document = await applying.upload(b"%PDF-1.7\n" + bytes(2 << 20))
    script = await applying.upload(b"<?php echo 'not a picture at all'; ?>")
    large = await applying.upload(b"\x89PNG\r\n\x1a\n" + bytes(1 << 20))
    larger = await applying.upload(b"%PDF-1.7\n" + bytes(5 << 20))
    empty = await applying.upload(b"")
    nameless = await applying.upload(PICTURE, part="photo")
    as_json = await applying.call("POST", "/snms/api/file/upload", {"file": "x"})
    names = sorted(path.name for path in (applying.home / "files").iterdir())

    assert list(picture["data"]) == ["id", "path"]
    assert (applying.home / "files" / picture["data"]["path"]).read_bytes() == PICTURE
    assert names == sorted([picture["data"]["path"], document["data"]["path"]])
    assert {name.rpartition(".")[2] for name in names} == {"png", "pdf"}
    refusals: list[Any] = [script, large, larger, empty, nameless, as_json]
    assert [(each["status"], each["message"]) for each in refusals] == [
        (-2, "参数不符合要求: file: 文件内容既不是图片（PNG、JPEG、GIF、BMP）也不是 PDF"),
        (-2, "参数不符合要求: file: 图片超过 1048576 字节的限制（1 MB）"),
        (-2, "参数不符合要求: file: PDF超过 5242880 字节的限制（5 MB）"),
        (-2, "参数不符合要求: file: 文件为空"),
        (-2, "缺少必要的请求参数: file"),
        (-2, "不支持的请求体格式: application/json，请用 multipart/form-data"),
    ]


async def test_the_password_of_an_application_is_the_new_users(applying: ApplyingNode) -> None:
    await applying.sent(OBJECT)
    early = await applying.call("POST", "/identity/token", {"username": "weaver", "password": PASSWORD})
    await applying.review(step="approve")
    late = await applying.call("POST", "/identity/token", {"username": "weaver", "password": PASSWORD})

    assert (early["status"], early["message"]) == (-2, "用户名/密码错误！")
    assert late["status"] == 1


def _with(document: dict[str, Any], member: str, value: object) -> dict[str, Any]:
    following = deepcopy(document)
    following["entBasicInfo"][member] = value
    return following

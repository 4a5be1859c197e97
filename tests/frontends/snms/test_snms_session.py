"""A session as a factory's system has it: every message as the guide words it, over HTTP on a whole node."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from snms import TEMPLATE, SnmsNode, row, serve_snms

from idnode.storage.database import Database

DONE = {"status": 1, "message": "success", "data": True}
DATA = "/identityv2/data"


@pytest.fixture
async def snms(tmp_path: Path, database: Database, dsn: str) -> AsyncIterator[SnmsNode]:
    async for served in serve_snms(tmp_path, database, dsn):
        await served.call("POST", "/snms/api/v5/template", TEMPLATE)
        yield served


def refused(message: str, status: int = -2) -> dict[str, Any]:
    return {"status": status, "message": message, "data": None}


async def test_an_identifier_from_token_to_deletion(snms: SnmsNode) -> None:
    assert (
        await snms.raw("GET", f"{DATA}/detail")
        == '{"status":-2,"message":"缺少必要的请求参数: handle","data":null}'.encode()
    )
    assert await snms.call("GET", f"{DATA}/detail?handle=88.118.8/SN-1") == refused("没有找到标识")
    assert await snms.call("PUT", DATA, row("SN-1")) == refused("没有找到标识")
    assert await snms.call("DELETE", DATA, {"handle": "88.118.8/SN-1"}) == refused("没有找到标识")

    assert await snms.call("POST", DATA, row("SN-1")) == DONE

    assert await snms.call("POST", DATA, row("SN-1")) == refused("标识已存在")
    assert (
        await snms.raw("GET", f"{DATA}/detail?handle=88.118.8/SN-1")
        == (
            '{"status":1,"message":"success","data":{"code":"200","prefix":"88.118.8","handle":"88.118.8/SN-1",'
            '"templateVersion":"1.0","value":[{"auth":"1","index":2000,"type":"name",'
            '"data":{"format":"string","value":"精梳棉府绸"}}]}}'
        ).encode()
    )
    assert await snms.call("PUT", DATA, row("SN-1", (2001, "lot", "L7"), (2000, "name", "府绸"))) == DONE
    detail = await snms.call("GET", f"{DATA}/detail?handle=88.118.8%2Fsn-1")
    assert [(v["index"], v["data"]["value"]) for v in detail["data"]["value"]] == [(2000, "府绸"), (2001, "L7")]
    assert await snms.call("DELETE", DATA, {"handle": "88.118.8/SN-1"}) == DONE
    assert await snms.call("GET", f"{DATA}/detail?handle=88.118.8/SN-1") == refused("没有找到标识")
    assert await snms.call("DELETE", DATA, {"handle": "88.118.8/SN-1"}) == refused("没有找到标识")
    # The name stays taken: an identifier is not given to another thing.
    assert await snms.call("POST", DATA, row("SN-1")) == refused("标识已存在")


async def test_a_batch_tells_the_fate_of_each_row(snms: SnmsNode) -> None:
    await snms.call("POST", DATA, row("OLD"))
    rows = [row("OLD"), row("A"), row("A"), row("B", (1000, "name", "x")), row("C", version="9"), {}, 7]
    rows += [row("D", prefix="88.118.9"), row("E", (2001, "lot", "L7"))]

    created = await snms.call("POST", f"{DATA}/batchCreate", rows)
    updated = await snms.call("PUT", f"{DATA}/batchUpdate", [row("A"), row("Z"), row("A")])
    deleted = await snms.raw("DELETE", f"{DATA}/batchDelete", b'["88.118.8/A","88.118.8/Z","88.118.8/A",5]')

    assert (created["status"], created["message"]) == (1, "success")
    assert [(each["handle"], each["msg"], each["code"]) for each in created["data"]] == [
        ("88.118.8/OLD", "标识已存在", -2),
        ("88.118.8/A", "success", 1),
        ("88.118.8/A", "标识已存在", -2),
        ("88.118.8/B", "非法操作，索引1000在模板中不存在", -2),
        ("88.118.8/C", "模板不存在: 88.118.8 9", -2),
        ("", "缺少必要的请求参数: handle", -2),
        ("", "每条标识必须是JSON对象，收到 7", -2),
        ("88.118.9/D", "模板不存在: 88.118.9 1.0", -2),
        ("88.118.8/E", "缺少模板必填项: name", -2),
    ]
    assert [(each["msg"], each["code"]) for each in updated["data"]] == [
        ("success", 1),
        ("没有找到标识", -2),
        ("标识在同一批次中重复", -2),
    ]
    assert (
        deleted
        == (
            '{"status":1,"message":"success","data":[{"handle":"88.118.8/A","code":1,"msg":"success"},'
            '{"handle":"88.118.8/Z","code":-2,"msg":"标识不存在"},{"handle":"88.118.8/A","code":-2,"msg":"标识不存在"},'
            '{"handle":"","code":-2,"msg":"handle 必须是字符串，收到 5"}]}'
        ).encode()
    )


async def test_a_batch_has_two_thousand_rows_at_most(snms: SnmsNode) -> None:
    made = await snms.call("POST", f"{DATA}/batchCreate", [row(f"N-{number}") for number in range(2_000)])

    assert [each["code"] for each in made["data"]] == [1] * 2_000
    too_many = [row(f"M-{number}") for number in range(2_001)]
    assert await snms.call("POST", f"{DATA}/batchCreate", too_many) == refused("单次最多2000条，收到2001条")
    assert await snms.call("GET", f"{DATA}/detail?handle=88.118.8/M-0") == refused("没有找到标识")
    assert await snms.call("POST", f"{DATA}/batchCreate", []) == {"status": 1, "message": "success", "data": []}


async def test_with_an_idempotency_key_a_repeated_write_gets_its_first_answer(snms: SnmsNode) -> None:
    assert await snms.call("POST", DATA, row("R"), Idempotency_Key="k1") == DONE

    assert await snms.call("POST", DATA, row("R"), Idempotency_Key="k1") == DONE
    assert await snms.call("POST", DATA, row("R")) == refused("标识已存在")
    assert await snms.call("POST", DATA, row("R"), Idempotency_Key="k2") == refused("标识已存在")
    misused = await snms.call("POST", DATA, row("S"), Idempotency_Key="k1")
    assert misused["status"] == -2
    assert misused["message"].startswith("Idempotency-Key 已用于其他请求")
    batch = [row("R"), row("T")]
    first = await snms.raw("POST", f"{DATA}/batchCreate", orjson.dumps(batch), Idempotency_Key="k3")
    assert await snms.raw("POST", f"{DATA}/batchCreate", orjson.dumps(batch), Idempotency_Key="k3") == first
    assert b'"88.118.8/T","msg":"success"' in first


async def test_who_may_what(snms: SnmsNode) -> None:
    new = {"userName": "erp", "password": "a" * 64, "email": "erp@example.com", "mobile": "13800000009"}
    assert (await snms.call("POST", "/identity/registry", new))["status"] == -3
    assert (await snms.call("POST", DATA, row("X", prefix="88.118.9")))["status"] == -3
    for authorization in ("", "Bearer nobody", "Basic eDp5"):
        answer = await snms.call("GET", f"{DATA}/detail?handle=88.118.8/SN-1", Authorization=authorization)
        assert answer == refused("没有登录，或登录已失效", -1)

    await snms.log_in("admin")
    assert await snms.call("POST", "/identity/registry", new) == DONE
    assert await snms.call("POST", "/identity/registry", new) == refused("用户名已存在")
    assert await snms.call("POST", "/identity/registry", new | {"userName": "e2", "mobile": "13800000010"}) == refused(
        "邮箱已存在"
    )
    other = new | {"userName": "e2", "email": "e2@example.com"}
    assert await snms.call("POST", "/identity/registry", other) == refused("手机号已存在")
    assert await snms.call("POST", "/identity/registry", {}) == refused("缺少必要的请求参数: userName")
    short = await snms.call("POST", "/identity/registry", new | {"password": "123456"})
    assert short == refused("password 必须是密码的SHA-256（64位十六进制）")
    assert await snms.call("POST", DATA, row("BY-ADMIN")) == DONE


async def test_wrong_user_and_wrong_password_are_one_answer_and_tries_are_counted(snms: SnmsNode) -> None:
    wrong = {"username": "mes", "password": "x"}
    for path in ("/identity/token", "/identity/token/v1"):
        assert await snms.call("POST", path, wrong) == refused("用户名/密码错误！")
        assert await snms.call("POST", path, wrong | {"username": "nobody"}) == refused("用户名/密码错误！")
    assert await snms.call("POST", "/identity/token", {"username": "mes"}) == refused("缺少必要的请求参数: password")
    long = await snms.call("POST", "/identity/token", {"username": "mes", "password": "geheim" * 11})

    assert long == refused("password 有 66 个字符，最多 64 个: " + "…" * 66)
    answers = [await snms.call("POST", "/identity/token", wrong) for _ in range(9)]
    assert answers == [refused("用户名/密码错误！")] * 8 + [refused("密码错误次数过多，请5分钟后再试")]


async def test_whatever_is_wrong_is_told_in_the_envelope(snms: SnmsNode) -> None:
    assert await snms.call("GET", "/identityv2/none") == refused("接口不存在: /identityv2/none")
    assert await snms.call("GET", "/snms/api/v9/x?y=1") == refused("接口不存在: /snms/api/v9/x")
    patched = await snms.call("PATCH", DATA, {})
    assert patched["message"].startswith("不支持的请求方式: PATCH，可用 DELETE, POST, PUT")
    assert await snms.call("POST", DATA) == refused("缺少请求体")
    assert await snms.call("POST", DATA, 5) == refused("每条标识必须是JSON对象，收到 5")
    assert await snms.call("DELETE", DATA, []) == refused("请求体必须是JSON对象，收到 an array of 0")
    assert await snms.call("POST", f"{DATA}/batchCreate", {}) == refused("请求体必须是JSON数组，收到 an object of 0")
    for body in (b"{", b"\xff", b'{"handle":"a","handle":"b"}', b'{"a":NaN}', b"[" * 2_000):
        assert b'"status":-2,"message":"\xe8\xaf\xb7\xe6\xb1\x82\xe4\xbd\x93' in await snms.raw("POST", DATA, body)
    assert (await snms.call("POST", DATA, "x" * (1 << 20)))["message"].startswith("请求体过大: ")
    zipped = await snms.call("POST", DATA, {}, Content_Encoding="gzip")
    assert zipped == refused("不支持的请求体格式: Content-Encoding gzip")
    assert await snms.call("GET", f"{DATA}/detail?handle={'x' * 256}") == refused(
        f"handle 有 256 个字符，最多 255 个: {'x' * 79}…"
    )


async def test_a_value_that_is_not_for_everyone_is_shown_to_those_who_reach_it(snms: SnmsNode) -> None:
    await snms.user("other")
    hidden = row("H", (2000, "name", "府绸"), (2001, "lot", "L7"))
    hidden["value"][1]["auth"] = "1100"
    await snms.call("POST", DATA, hidden)

    own = await snms.call("GET", f"{DATA}/detail?handle=88.118.8/H")
    await snms.log_in("other")
    others = await snms.call("GET", f"{DATA}/detail?handle=88.118.8/H")

    assert [(value["auth"], value["index"]) for value in own["data"]["value"]] == [("1", 2000), ("1100", 2001)]
    assert [value["index"] for value in others["data"]["value"]] == [2000]

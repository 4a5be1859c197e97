"""Templates in SNMS: defined, read as strings, revised item by item, deleted; each refusal in its words."""

from collections.abc import AsyncIterator
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from snms import TEMPLATE, SnmsNode, row, serve_snms

from idnode.frontends.snms.envelope import SnmsRefusal
from idnode.frontends.snms.template_documents import sent_template, template_detail
from idnode.model.template import Item, ItemType, Template
from idnode.storage.database import Database

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DONE = {"status": 1, "message": "success", "data": True}
V3, V5 = "/snms/api/v3/template", "/snms/api/v5/template"
ONE = "prefix=88.118.8&version=1.0"


@pytest.fixture
async def snms(tmp_path: Path, database: Database, dsn: str) -> AsyncIterator[SnmsNode]:
    async for served in serve_snms(tmp_path, database, dsn):
        yield served


def refused(message: str, status: int = -2) -> dict[str, Any]:
    return {"status": status, "message": message, "data": None}


async def test_a_template_from_definition_to_deletion(snms: SnmsNode) -> None:
    assert await snms.call("GET", f"{V5}?{ONE}") == refused("模板不存在")
    assert await snms.call("PUT", V5, TEMPLATE) == refused("模板不存在")
    assert await snms.call("POST", V3, TEMPLATE) == DONE
    assert await snms.call("POST", V5, TEMPLATE) == refused("模板已存在")
    assert (
        await snms.raw("GET", f"{V3}?{ONE}")
        == (
            '{"status":1,"message":"success","data":{"id":294829287112868,"prefix":"88.118.8","version":"1.0",'
            '"description":"坯布","industryCategory":"C","industrySpecific":"17","industryTrade":"171",'
            '"industrySubclass":"1711","type":2,"handle":"","items":['
            '{"name":"名称","idType":"name","idIndex":2000,"required":true,'
            '"metadata":{"type":"string","minLength":1,"maxLength":64}},'
            '{"name":"批号","idType":"lot","idIndex":2001,"required":false,'
            '"metadata":{"type":"string","minLength":0,"maxLength":32}}]}}'
        ).encode()
    )
    change = deepcopy(TEMPLATE) | {"type": 1}
    change["items"] = [TEMPLATE["items"][1] | {"state": 0}, TEMPLATE["items"][1] | {"idType": "roll", "idIndex": None}]

    assert await snms.call("PUT", V5, change) == DONE

    after = (await snms.call("GET", f"{V5}?{ONE}"))["data"]
    assert after["type"] == 1
    assert [(each["idType"], each["idIndex"], each["state"]) for each in after["items"]] == [
        ("name", 2000, 1),
        ("lot", 2001, 0),
        ("roll", 2002, 1),
    ]
    assert [each["idType"] for each in (await snms.call("GET", f"{V3}?{ONE}"))["data"]["items"]] == ["name", "roll"]
    disabled = row("A", (2000, "name", "x"), (2001, "lot", "y"))
    assert await snms.call("POST", "/identityv2/data", disabled) == refused("非法操作，索引2001在模板中已禁用")
    assert await snms.call("DELETE", f"{V5}?{ONE}") == DONE
    assert await snms.call("GET", f"{V5}?{ONE}") == refused("模板不存在")
    assert await snms.call("DELETE", V3, {"prefix": "88.118.8", "version": "1.0"}) == refused("模板不存在")
    assert (await snms.call("POST", "/identityv2/data", row("A")))["message"].startswith("当前状态不允许此操作: ")


async def test_who_may_read_and_define_templates(snms: SnmsNode) -> None:
    shipped = await snms.call("GET", f"{V5}?prefix=88.118&version=textiles-1.0")
    foreign = TEMPLATE | {"prefix": "88.118.9"}

    assert (await snms.call("POST", V5, foreign))["status"] == -3
    assert (await snms.call("GET", f"{V5}?prefix=88.118.9&version=1.0"))["status"] == -3
    assert (await snms.call("DELETE", f"{V5}?prefix=88.118&version=textiles-1.0"))["status"] == -3
    assert await snms.call("GET", V5) == refused("缺少必要的请求参数: prefix")
    assert await snms.call("GET", f"{V5}?prefix=88.118.8") == refused("缺少必要的请求参数: version")
    long = await snms.call("GET", f"{V5}?prefix={'8' * 65}&version=1")
    assert long == refused(f"prefix 有 65 个字符，最多 64 个: {'8' * 65}")
    assert (shipped["data"]["prefix"], shipped["data"]["industryCategory"]) == ("88.118", "C")
    assert {each["metadata"]["type"] for each in shipped["data"]["items"]} == {"string"}


def sent(**members: Any) -> dict[str, Any]:
    return deepcopy(TEMPLATE) | members


def item(**members: Any) -> dict[str, Any]:
    return sent(items=[TEMPLATE["items"][0] | members])


def metadata(**members: Any) -> dict[str, Any]:
    return item(metadata=TEMPLATE["items"][0]["metadata"] | members)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (sent(prefix=None), "缺少必要的请求参数: prefix"),
        (sent(version=""), "缺少必要的请求参数: version"),
        (sent(industryTrade=None), "缺少必要的请求参数: industryTrade"),
        (sent(industrySubclass="1721"), "industryTrade 171 与 C1721 不一致"),
        (sent(industrySpecific="18"), "industrySpecific 18 与 C1711 不一致"),
        (
            sent(industryCategory="A"),
            "A1711 不是GB/T 4754的行业代码: division 17 lies under section C, not under A",
        ),
        (sent(type=3), "type 只能是1（主动标识载体）或2（其他），收到 3"),
        (sent(type=True), "type 只能是1（主动标识载体）或2（其他），收到 true"),
        (sent(type=None), "缺少必要的请求参数: type"),
        (sent(items=None), "缺少必要的请求参数: items"),
        (sent(items={}), "items 必须是数组，收到 an object of 0"),
        (sent(items=[{}] * 513), "items 有 513 项，最多 512 项"),
        (sent(items=[5]), "items[0] 必须是JSON对象，收到 5"),
        (item(name=None), "缺少必要的请求参数: items[0].name"),
        (item(idType=""), "缺少必要的请求参数: items[0].idType"),
        (item(idIndex=1000), "items[0].idIndex 1000 是预留索引，不可使用"),
        (item(idIndex="1999"), "items[0].idIndex 1999 是预留索引，不可使用"),
        (item(idIndex=12), "items[0].idIndex 必须是2000到2147483647的整数，收到 12"),
        (item(idIndex="x"), "items[0].idIndex 必须是2000到2147483647的整数，收到 x"),
        (item(required="yes"), "items[0].required 只能是true/false或1/0，收到 yes"),
        (item(state=2), "items[0].state 只能是true/false或1/0，收到 2"),
        (item(metadata=None), "缺少必要的请求参数: items[0].metadata"),
        (item(metadata=[]), "items[0].metadata 必须是JSON对象，收到 an array of 0"),
        (metadata(type="String"), "items[0].metadata.type 只支持string，收到 String"),
        (metadata(minLength=None), "缺少必要的请求参数: items[0].metadata.minLength"),
        (metadata(maxLength=65_537), "items[0].metadata.maxLength 必须是0到65536的整数，收到 65537"),
        (metadata(minLength=65), "items[0].metadata.minLength 65 大于 maxLength 64"),
        (sent(items=[TEMPLATE["items"][0]] * 2), "items 中的 idType name 重复"),
        (
            sent(items=[TEMPLATE["items"][0], TEMPLATE["items"][1] | {"idIndex": 2000}]),
            "items 中的 idIndex 2000 重复",
        ),
    ],
)
def test_a_template_that_does_not_fit_says_what_and_the_limit(document: dict[str, Any], message: str) -> None:
    with pytest.raises(SnmsRefusal) as found:
        sent_template(document)

    assert found.value.detail == message


def defined(document: dict[str, Any]) -> Template:
    return sent_template(document).template(NOW)


def test_indexes_may_be_digits_or_missing() -> None:
    items = [TEMPLATE["items"][0] | {"idIndex": "2001"}, TEMPLATE["items"][1] | {"idIndex": None}]

    assert [(each.index, each.name) for each in defined(sent(items=items)).items] == [(2001, "name"), (2000, "lot")]


def test_an_item_is_changed_where_index_and_name_match_and_what_was_not_sent_stays() -> None:
    current = defined(TEMPLATE)
    change = TEMPLATE["items"][0] | {"name": "品名", "required": None, "metadata": {"minLength": 2, "maxLength": 10}}

    revised = sent_template(sent(items=[change], description=None)).revised(current)

    assert revised.description == "坯布"
    assert revised.items == (
        Item(2000, "name", "品名", ItemType.STRING, required=True, min_length=2, max_length=10),
        current.items[1],
    )


def test_a_typed_item_reads_as_a_string_and_keeps_its_type() -> None:
    weight = Item(2002, "weight", "克重", ItemType.NUMBER, minimum=10)
    current = defined(TEMPLATE)
    typed = Template(
        current.name, "1.0", None, current.industry, current.carrier, (weight,), (), current.state, 1, NOW, NOW
    )
    change = {"name": "克重", "idType": "weight", "idIndex": 2002, "metadata": {"minLength": 0, "maxLength": 9}}

    assert template_detail(typed, has_states=True)["items"] == [
        {
            "name": "克重",
            "idType": "weight",
            "idIndex": 2002,
            "required": False,
            "metadata": {"type": "string", "minLength": 0, "maxLength": 255},
            "state": 1,
        }
    ]
    assert sent_template(sent(items=[change])).revised(typed).items == (weight,)

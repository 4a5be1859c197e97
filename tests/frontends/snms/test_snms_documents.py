"""Identifiers as SNMS documents: what is taken, and each refusal in its words. Pure."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from snms import TEMPLATE, row

from idnode.frontends.problems import problem_answer
from idnode.frontends.refusals import InternalFault, TooManyRequests
from idnode.frontends.snms.documents import content_of, detail_of, identifier_of, row_of
from idnode.frontends.snms.envelope import (
    SnmsRefusal,
    failure_of,
    message_of,
    worded,
)
from idnode.frontends.snms.template_documents import sent_template
from idnode.model.errors import Forbidden, IdnodeError, InvalidInput, NotAuthenticated, Unavailable, Violation
from idnode.model.handle_value import HandleValue, Permission
from idnode.model.identifier import Identifier, Prefix
from idnode.model.template import Item, ItemType, Template
from idnode.registry.commands import Content
from idnode.registry.plan import Moment, plan_register
from idnode.storage.database import StorageFault
from idnode.wire.record_json import render_record

SECOND = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def template(*more: Item) -> Template:
    made = sent_template(TEMPLATE).template(SECOND)
    return Template(
        made.name,
        made.title,
        None,
        made.industry,
        made.carrier,
        (*made.items, *more),
        (),
        made.state,
        1,
        SECOND,
        SECOND,
    )


WEIGHT = Item(2002, "weight", "克重", ItemType.NUMBER)
OLD = Item(2003, "old", "旧", ItemType.STRING, enabled=False)


def content(document: dict[str, Any]) -> Content:
    return content_of(row_of(document), template(WEIGHT, OLD), SECOND)


def test_text_becomes_attributes_and_what_else_stays_as_it_was_sent() -> None:
    sent = row("A", (2000, "name", "府绸"), (2002, "weight", "12.0"), (2001, "lot", "L7"))
    sent["value"][2]["auth"] = "1100"

    found = content(sent)

    secret = Permission.ADMIN_READ | Permission.ADMIN_WRITE
    assert (found.template, found.attributes) == (template().name, {"name": "府绸"})
    assert found.values == (
        HandleValue(2002, "weight", b"12.0", SECOND),
        HandleValue(2001, "lot", b"L7", SECOND, permissions=secret),
    )


def test_a_record_reads_as_strings_with_its_template_and_auth() -> None:
    sent = row("A", (2002, "weight", "12.0"), (2000, "name", "府绸"))
    record = plan_register(
        Identifier.parse("88.118.8/A"), content(sent), template(WEIGHT, OLD), Moment(SECOND, SECOND.date())
    )

    assert orjson.dumps(detail_of(render_record(record).json)).decode() == (
        '{"code":"200","prefix":"88.118.8","handle":"88.118.8/A","templateVersion":"1.0","value":['
        '{"auth":"1","index":2000,"type":"name","data":{"format":"string","value":"府绸"}},'
        '{"auth":"1","index":2002,"type":"weight","data":{"format":"string","value":"12.0"}}]}'
    )


def changed(**members: Any) -> dict[str, Any]:
    """A row with other members; of its only value those that the value has."""
    document = row("A")
    value = document["value"][0]
    for name, member in members.items():
        (value["data"] if name in ("format", "text") else value if name in value else document)[
            "value" if name == "text" else name
        ] = member
    return document


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (7, "每条标识必须是JSON对象，收到 7"),
        ({}, "缺少必要的请求参数: handle"),
        ({"handle": ""}, "缺少必要的请求参数: handle"),
        ({"handle": None}, "缺少必要的请求参数: handle"),
        ({"handle": 5}, "handle 必须是字符串，收到 5"),
        ({"handle": "a/" + "b" * 254}, "handle 有 256 个字符，最多 255 个: a/" + "b" * 77 + "…"),
        ({"handle": "abc"}, "handle 不是有效的标识: no slash in 'abc'; an identifier is prefix/suffix"),
        ({"handle": "88.118.8/A"}, "缺少必要的请求参数: templateVersion"),
        (changed(templateVersion="v" * 129), "templateVersion 有 129 个字符，最多 128 个: " + "v" * 79 + "…"),
        ({"handle": "88.118.8/A", "templateVersion": "1.0"}, "缺少必要的请求参数: value"),
        ({"handle": "88.118.8/A", "templateVersion": "1.0", "value": {}}, "value 必须是数组，收到 an object of 0"),
        (row("A") | {"value": [7]}, "value[0] 必须是JSON对象，收到 7"),
        (row("A") | {"value": [{}]}, "缺少必要的请求参数: value[0].index"),
        (row("A") | {"value": [{"index": 2000}]}, "缺少必要的请求参数: value[0].type"),
        (row("A") | {"value": [{"index": 2000, "type": "name"}]}, "缺少必要的请求参数: value[0].data"),
        (changed(data="x"), "value[0].data 必须是JSON对象，收到 x"),
        (changed(data={"format": "string"}), "缺少必要的请求参数: value[0].data.value"),
        (changed(data={"value": "x"}), "缺少必要的请求参数: value[0].data.format"),
        (changed(index="2000"), "value[0].index 必须是整数，收到 2000"),
        (changed(index=True), "value[0].index 必须是整数，收到 true"),
        (changed(index=1000), "非法操作，索引1000在模板中不存在"),
        (changed(index=2999), "非法操作，索引2999在模板中不存在"),
        (changed(type="Name"), "非法操作，索引2000在模板中的类型是name，不是Name"),
        (row("A", (2003, "old", "x")), "非法操作，索引2003在模板中已禁用"),
        (row("A", (2000, "name", "x"), (2000, "name", "y")), "非法操作，索引2000重复"),
        (changed(format="base64"), "value[0].data.format 只支持string，收到 base64"),
        (changed(text=5), "value[0].data.value 必须是字符串，收到 5"),
        (changed(text="字" * 256), "value[0].data.value 有 256 个字符，最多 255 个: " + "字" * 79 + "…"),
        (changed(text="a\nb"), "value[0].data.value 含有控制字符: U+000A at character 1"),
        (changed(auth="0"), 'value[0].auth 是预留字段，只支持空、"1"或四位权限码，收到 0'),
        (changed(auth=1), 'value[0].auth 是预留字段，只支持空、"1"或四位权限码，收到 1'),
        (changed(auth=[]), 'value[0].auth 是预留字段，只支持空、"1"或四位权限码，收到 an array of 0'),
    ],
)
def test_a_row_that_does_not_fit_says_what_and_the_limit(document: Any, message: str) -> None:
    with pytest.raises(SnmsRefusal) as refused:
        content(document)

    assert refused.value.detail == message


def test_the_longest_that_fits_is_taken() -> None:
    handle = "88.118.8/" + "b" * 246

    assert len(identifier_of(handle).text) == 255
    assert content(changed(text="字" * 255)).attributes == {"name": "字" * 255}


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (NotAuthenticated("x"), '{"status":-1,"message":"没有登录，或登录已失效","data":null}'),
        (
            Forbidden("prefix 88.118.9 is outside"),
            '{"status":-3,"message":"没有权限: prefix 88.118.9 is outside","data":null}',
        ),
        (Unavailable("the database is away"), '{"status":-4,"message":"系统繁忙，请稍后重试","data":null}'),
        (StorageFault("PostgreSQL refused: 42601"), '{"status":-4,"message":"系统内部错误","data":null}'),
        (SnmsRefusal("标识已存在"), '{"status":-2,"message":"标识已存在","data":null}'),
    ],
)
def test_each_error_has_its_status_and_faults_tell_nothing_of_the_inside(error: IdnodeError, answer: str) -> None:
    assert failure_of(error).body.decode() == answer


def test_a_missing_item_is_named_and_other_rules_give_their_detail() -> None:
    missing = InvalidInput.of([Violation("/attributes/name", "required", "is required", item="name")])
    long = InvalidInput.of([Violation("/attributes/lot", "max-length", "has 33 characters, …", item="lot")])

    assert message_of(missing) == "缺少模板必填项: name"
    assert message_of(long) == "参数不符合要求: lot: has 33 characters, …"


@pytest.mark.parametrize(
    ("error", "body"),
    [
        (TooManyRequests("x"), '{"status":-2,"message":"请求过于频繁，请稍后重试","data":null}'),
        (InternalFault("x"), '{"status":-4,"message":"系统内部错误","data":null}'),
    ],
)
async def test_what_the_boundary_of_all_front_ends_says_fits_the_envelope(error: IdnodeError, body: str) -> None:
    response = worded(problem_answer(error))

    assert (response.status, response.body) == (200, body.encode())


def test_prefixes_of_other_nodes_are_read_too() -> None:
    assert identifier_of("86.709.612/cc").prefix == Prefix.parse("86.709.612")

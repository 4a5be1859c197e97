"""The pages of the proxy, Chinese and English: a record, or why there is none. Everything from outside is escaped."""

from collections.abc import Sequence
from html import escape
from urllib.parse import quote

import orjson

from idnode.model.errors import (
    Deleted,
    Elsewhere,
    IdnodeError,
    InvalidInput,
    NotFound,
    NotResponsible,
    Suspended,
    Unavailable,
)
from idnode.model.handle_value import HandleValue, TimeToLive
from idnode.wire.handle_json import data_to_json
from idnode.wire.iso_time import iso_seconds, iso_time

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""Content-Security-Policy: the page loads nothing, runs nothing and stands in no frame."""

COLUMNS = (
    ("索引", "Index"),
    ("类型", "Type"),
    ("值", "Data"),
    ("有效期", "TTL"),
    ("更新时间", "Timestamp"),
)
HEADINGS: dict[type[IdnodeError], tuple[int, str, str]] = {
    InvalidInput: (404, "不是标识", "Not an identifier"),
    Suspended: (404, "标识已停用", "The identifier is suspended"),
    NotFound: (404, "标识不存在", "The identifier does not exist"),
    NotResponsible: (404, "前缀不属于本节点", "The prefix does not belong to this node"),
    Elsewhere: (404, "标识由企业节点解析", "The identifier is answered by its enterprise"),
    Deleted: (410, "标识已删除", "The identifier was deleted"),
    Unavailable: (503, "暂时无法解析", "Not available now"),
}
"""HTTP status and heading of each refusal that has a page."""

_STYLE = """
:root{color-scheme:light dark}
body{margin:0;font:16px/1.5 system-ui,"Noto Sans CJK SC","Microsoft YaHei",sans-serif;color:#1f2933;background:#fff}
main{max-width:60rem;margin:0 auto;padding:2rem 1rem}
h1{font-size:1.1rem;margin:0}
p{margin:.25rem 0 1.5rem;overflow-wrap:anywhere}
.handle{font-size:1.5rem}
table{width:100%;border-collapse:collapse}
th,td{padding:.5rem .75rem .5rem 0;border-bottom:1px solid #cbd2d9;text-align:left;vertical-align:top}
td{overflow-wrap:anywhere}
td:nth-child(3){white-space:pre-wrap}
[lang=en]{color:#616e7c;font-weight:normal}
th [lang=en]{display:block}
a{color:#0b69a3}
@media(prefers-color-scheme:dark){body{color:#e4e7eb;background:#12181f}th,td{border-color:#3e4c59}
[lang=en]{color:#9aa5b1}a{color:#62b0e8}}
"""


def record_page(handle: str, values: Sequence[HandleValue]) -> str:
    """The values as a table; the caller has taken out what is not public."""
    head = "".join(f'<th scope="col">{zh} <span lang="en">{en}</span></th>' for zh, en in COLUMNS)
    rows = "".join(_row(value) for value in values)
    name, path = escape(handle), escape(quote(handle, safe="/"))
    return _document(
        name,
        f'<h1>标识 <span lang="en">Identifier</span></h1><p class="handle">{name}</p>'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        f'<p><a href="/api/handles/{path}?pretty">JSON</a></p>',
    )


def refusal_status(refusal: IdnodeError) -> int:
    """The HTTP status of the page."""
    return _heading(refusal)[0]


def refusal_page(refusal: IdnodeError) -> str:
    """Why there is nothing to show."""
    _, zh, en = _heading(refusal)
    return _document(zh, f'<h1>{zh} <span lang="en">{en}</span></h1><p lang="en">{escape(refusal.detail)}</p>')


def _heading(refusal: IdnodeError) -> tuple[int, str, str]:
    return next(HEADINGS[ancestor] for ancestor in type(refusal).__mro__ if ancestor in HEADINGS)


def _row(value: HandleValue) -> str:
    cells = (
        str(value.index),
        value.type,
        _data_text(value),
        _ttl_text(value.ttl),
        iso_time(value.timestamp),
    )
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _data_text(value: HandleValue) -> str:
    data = data_to_json(value.type, value.data)["value"]
    return data if isinstance(data, str) else orjson.dumps(data, option=orjson.OPT_INDENT_2).decode()


def _ttl_text(ttl: TimeToLive) -> str:
    return iso_seconds(ttl.seconds) if ttl.is_absolute else f"{ttl.seconds} s"


def _document(title: str, main: str) -> str:
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><main>{main}</main></body></html>"
    )

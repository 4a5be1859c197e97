"""The status page of the simulated top node: one page that loads nothing. Everything from outside is escaped."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import quote

from idnode.simulator.whims import Act

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
REFRESH_SECONDS = 2
STATES = ("sent", "accepted", "rejected", "withdrawn", "dropped")

_STYLE = """
:root{color-scheme:light dark;--line:#cbd2d9;--soft:#616e7c;--bad:#b3261e;--good:#1a7f37;--card:#f5f7fa}
body{margin:0;font:15px/1.45 system-ui,"Noto Sans CJK SC","Microsoft YaHei",sans-serif;color:#1f2933;background:#fff}
main{max-width:72rem;margin:0 auto;padding:1.5rem 1rem}
h1{font-size:1.3rem;margin:0}
h2{font-size:1rem;margin:1.75rem 0 .5rem}
p{margin:.25rem 0;color:var(--soft)}
.figures{display:flex;flex-wrap:wrap;gap:.75rem;margin:1rem 0 0}
.figure{background:var(--card);border-radius:.5rem;padding:.6rem 1rem;min-width:7.5rem}
.figure b{display:block;font-size:1.4rem;font-variant-numeric:tabular-nums}
.figure span{color:var(--soft);font-size:.85rem}
.bad{color:var(--bad)}.good{color:var(--good)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;min-width:min(100%,30rem)}
th,td{padding:.3rem 1.25rem .3rem 0;border-bottom:1px solid var(--line);text-align:left;white-space:nowrap}
th{color:var(--soft);font-weight:normal;font-size:.85rem}
th.number{padding-left:1.5rem}
.number{text-align:right;font-variant-numeric:tabular-nums}
code{font:13px/1.4 ui-monospace,monospace}
form{display:inline}
button{font:inherit;padding:.1rem .7rem;margin-right:.4rem}
@media(prefers-color-scheme:dark){:root{--line:#3e4c59;--soft:#9aa5b1;--bad:#ff8a80;--good:#7ee08f;--card:#1c252e}
body{color:#e4e7eb;background:#12181f}}
"""


def status_page(summary: Mapping[str, Any], *, is_signed: bool) -> str:
    """The summary as a page that looks again every two seconds."""
    records: Mapping[str, Mapping[str, int]] = summary["records"]
    signed = "signatures are checked" if is_signed else "signatures are not checked: no credentials were given"
    outage = '<p class="bad">An outage is on.</p>' if summary["is_out"] else ""
    return _document(
        f"<h1>Simulated top node</h1><p>{escape(summary['now'])} by its own clock · {signed}</p>{outage}"
        + _figures(summary, records)
        + _section("Records by report and verdict", ("report", *STATES), _record_rows(records))
        + _waiting(summary["waiting"])
        + _section("The last requests", _REQUEST_COLUMNS, _request_rows(summary["last_requests"]))
        + _section("What was done to requests", ("act", "requests"), _plain_rows(summary["acts"]))
        + _section("Drift planted", ("kind", "records"), _plain_rows(summary["planted"]))
        + _section("Settings", ("setting", "value"), _plain_rows(summary["settings"]))
    )


_REQUEST_COLUMNS = ("no.", "when", "method", "target", "status", "records", "done to it", "ms")


def _figures(summary: Mapping[str, Any], records: Mapping[str, Mapping[str, int]]) -> str:
    def total(state: str) -> int:
        return sum(states.get(state, 0) for states in records.values())

    figures = (
        ("accepted", total("accepted"), "good"),
        ("waiting for a verdict", total("sent"), ""),
        ("rejected", total("rejected"), "bad" if total("rejected") else ""),
        ("order violations", summary["order_violations"], "bad" if summary["order_violations"] else "good"),
        ("conflicts", summary["conflicts"], "bad" if summary["conflicts"] else "good"),
        ("requests", summary["requests"], ""),
    )
    cells = (
        f'<div class="figure"><b class="{look}">{number:,}</b><span>{name}</span></div>'
        for name, number, look in figures
    )
    return f'<div class="figures">{"".join(cells)}</div>'


def _record_rows(records: Mapping[str, Mapping[str, int]]) -> Iterable[Sequence[object]]:
    return [(report, *(states.get(state, 0) for state in STATES)) for report, states in records.items()]


def _request_rows(requests: Sequence[Mapping[str, Any]]) -> Iterable[Sequence[object]]:
    names = ("number", "at", "method", "target", "status", "records", "act", "delay_ms")
    return [[request[name] for name in names] for request in reversed(requests)]


def _plain_rows(members: Mapping[str, object]) -> Iterable[Sequence[object]]:
    return [(name.replace("_", " "), "none" if value is None else value) for name, value in members.items()]


def _waiting(ids: Sequence[str]) -> str:
    if not ids:
        return ""
    rows = "".join(f"<tr><td><code>{escape(id_)}</code></td><td>{_buttons(id_)}</td></tr>" for id_ in ids)
    return f"<h2>Applications that wait for a verdict</h2><table>{rows}</table>"


def _buttons(id_: str) -> str:
    action = escape(f"/simulator/applications/{quote(id_, safe='')}")
    return (
        f'<form method="post" action="{action}">'
        + "".join(f'<button name="verdict" value="{verdict}">{verdict}</button>' for verdict in ("accept", "reject"))
        + "</form>"
    )


def _section(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    listed = list(rows)
    if not listed:
        return f"<h2>{title}</h2><p>none yet</p>"
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in listed)
    looks = [' class="number"' if _is_number(value) else "" for value in listed[0]]
    head = "".join(f'<th scope="col"{look}>{escape(column)}</th>' for column, look in zip(columns, looks, strict=True))
    return (
        f'<h2>{title}</h2><div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _cell(value: object) -> str:
    if _is_number(value):
        return f'<td class="number">{value:,}</td>'
    look = ' class="bad"' if isinstance(value, Act) and value is not Act.SERVE else ""
    return f"<td{look}>{escape(str(value))}</td>"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _document(main: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="refresh" '
        f'content="{REFRESH_SECONDS}"><title>Simulated top node</title><style>{_STYLE}</style></head>'
        f"<body><main>{main}</main></body></html>"
    )

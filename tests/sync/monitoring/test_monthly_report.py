"""Annex 3: the SLA by hand-made rounds, and the report of a small month in full."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from uuid import UUID

import pytest
from docx import Document
from docx.oxml.ns import qn

from idnode.model.errors import NotFound
from idnode.model.prefix_registration import Hosting
from idnode.storage.database import Database
from idnode.storage.monitoring import (
    NODE,
    SITE,
    Approval,
    Gap,
    MonthRounds,
    ProbeKind,
    ProbeResult,
    ProbeRound,
    ProbeStore,
)
from idnode.storage.monitoring_events import (
    Closing,
    Emergency,
    Event,
    EventKind,
    EventStore,
    Opening,
    Source,
    Stop,
)
from idnode.sync.monitoring.monthly import Figures, MonthlyReport, monthly_report
from idnode.sync.monitoring.monthly_docx import monthly_docx
from idnode.sync.monitoring.monthly_json import monthly_document
from idnode.sync.monitoring.monthly_markdown import monthly_markdown
from idnode.sync.monitoring.months import Month
from idnode.sync.monitoring.reports import MonthlyReports

OCTOBER = Month(date(2026, 10, 1))
MADE = datetime(2026, 11, 3, 1, 0, tzinfo=UTC)
ONE = UUID("01a20ca9-9b60-7bf8-8ddf-c13ad95da979")
TWO = UUID("01a20ca9-9b60-7bf8-8ddf-c13ad95da97a")


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """In October, UTC."""
    return datetime(2026, 10, day, hour, minute, tzinfo=UTC)


def figures(
    *,
    rounds: Sequence[MonthRounds] = (),
    gaps: Sequence[Gap] = (),
    stops: Sequence[Stop] = (),
    approvals: Sequence[Approval] = (),
    emergencies: Sequence[Emergency] = (),
) -> Figures:
    latencies = {ProbeKind.RESOLUTION: 1.2345, ProbeKind.REGISTRATION: 7.0}
    return Figures("88.118", OCTOBER, MADE, rounds, gaps, stops, latencies, approvals, emergencies)


def stop(begins: datetime, ends: datetime, *, announced: datetime, reason: str = "升级") -> Stop:
    return Stop(ONE, begins, ends, reason, announced, "me")


@pytest.mark.parametrize(
    ("month", "due"),
    [("2026-10", "2026-11-13"), ("2026-12", "2027-01-14"), ("2026-01", "2026-02-13"), ("2028-02", "2028-03-14")],
)
def test_the_report_is_due_on_the_tenth_working_day(month: str, due: str) -> None:
    parsed = Month.parse(month)

    assert parsed is not None
    assert parsed.report_due.isoformat() == due


@pytest.mark.parametrize(
    "text", ["2026-13", "2026-1", "2026", "2026-10-01", "２０２６-10", "", "x026-10", "0001-01", "9999-12"]
)
def test_what_is_no_month_is_none(text: str) -> None:
    assert Month.parse(text) is None


def test_months_begin_in_beijing_and_are_counted_over_years() -> None:
    assert Month.of(datetime(2026, 9, 30, 16, tzinfo=UTC)) == OCTOBER
    assert Month.of(datetime(2026, 9, 30, 15, 59, tzinfo=UTC)) == OCTOBER.before(1)
    assert (str(OCTOBER.before(10)), str(OCTOBER.before(22))) == ("2025-12", "2024-12")
    assert OCTOBER.ends_at == datetime(2026, 10, 31, 16, tzinfo=UTC)


def test_rounds_that_did_not_take_place_count_as_down() -> None:
    report = monthly_report(
        figures(
            rounds=[MonthRounds(date(2026, 10, 1), 95, 93, 0, 2_790)],
            gaps=[Gap(at(5, 8), at(5, 8, 3), 30)],
        )
    )

    # 93 of 95 + 5: a gap of three minutes after a round holds five that were due.
    assert (report.sla.missed, report.sla.percent) == (5, 93.0)
    assert report.operation_hours == 0.78


def test_only_stops_announced_beforehand_are_left_out() -> None:
    gap = Gap(at(5, 8), at(5, 9), 30)
    announced = stop(at(5, 8), at(5, 8, 30), announced=at(4, 8))
    overlapping = stop(at(5, 8, 20), at(5, 8, 40), announced=at(4, 9))
    noted = stop(at(5, 8), at(5, 9), announced=at(5, 8))

    def missed(*stops: Stop) -> int:
        return monthly_report(figures(gaps=[gap], stops=stops)).sla.missed

    assert (missed(), missed(announced), missed(announced, overlapping), missed(noted)) == (119, 59, 39, 119)


def test_a_share_is_never_rounded_up_to_what_was_not_reached() -> None:
    september = MonthRounds(date(2026, 9, 1), 2_592_000, 2_592_000, 0, 0)
    october = MonthRounds(date(2026, 10, 1), 2_678_400, 2_678_399, 0, 0)

    report = monthly_report(figures(rounds=[september, october]))

    assert (report.past[0].percent, report.sla.percent, report.average_percent) == (100, 99.999, 99.999)


def test_seconds_until_a_prefix_was_resolvable_are_not_lost_among_hours() -> None:
    approvals = [Approval("88.118.9", at(2, 1), Hosting.SELF, at(2, 1) + timedelta(seconds=9))]

    assert monthly_report(figures(approvals=approvals)).approval_hours == 0.0025


def test_a_short_event_has_a_length() -> None:
    gap = Gap(at(12, 2), at(12, 2) + timedelta(hours=27, minutes=1, seconds=15), 30)

    assert "| 27:01:15 |" in monthly_markdown(monthly_report(figures(gaps=[gap]))).decode()


def test_a_gap_over_the_end_of_a_month_counts_in_both() -> None:
    gap = Gap(datetime(2026, 9, 30, 15, 50, tzinfo=UTC), datetime(2026, 9, 30, 16, 10, tzinfo=UTC), 60)

    report = monthly_report(figures(gaps=[gap]))

    assert [(str(each.month), each.missed, each.percent) for each in (*report.past, report.sla)] == [
        ("2026-09", 9, 0.0),
        ("2026-10", 10, 0.0),
    ]


def test_a_month_without_rounds_has_no_share_and_does_not_pull_the_average_down() -> None:
    report = monthly_report(figures(rounds=[MonthRounds(date(2026, 8, 1), 10, 9, 0, 270)]))

    assert (report.sla.percent, report.average_percent) == (None, 90.0)


def small_month() -> MonthlyReport:
    opened = Event(ONE, None, NODE, Source.PROBE, EventKind.NETWORK, at(5, 8, 1), "resolution: connection refused",
                   "重启了 <解析> 进程|换了网卡", "probe", 3, is_open=False)  # fmt: skip
    going_on = Event(TWO, None, "88.118.9", Source.OPERATOR, EventKind.ATTACK, at(30, 0), "DDoS", None, "me", 1,
                     is_open=True)  # fmt: skip
    return monthly_report(
        figures(
            rounds=[
                MonthRounds(date(2026, 9, 1), 86_400, 86_400, 0, 2_592_000),
                MonthRounds(date(2026, 10, 1), 89_000, 88_900, 120, 2_670_000),
            ],
            gaps=[Gap(at(12, 2), at(12, 3), 30)],
            stops=[stop(at(20, 18), at(20, 19), announced=at(18, 8))],
            approvals=[
                Approval("88.118.8", at(2, 1), Hosting.HOSTED, None),
                Approval("88.118.9", at(2, 1), Hosting.SELF, at(2, 4)),
                Approval("88.118.10", at(28, 1), Hosting.SELF, None),
            ],
            emergencies=[Emergency(opened, at(5, 8, 31)), Emergency(going_on, None)],
        )
    )


SMALL_MONTH = r"""# 二级节点运行月报 Monthly operations report: 88.118, 2026-10

## 概要 Summary

| 项目 Item | 内容 Value |
| --- | --- |
| 二级节点前缀 Prefix of the node | 88.118 |
| 报告月份 Month | 2026-10 |
| 生成时间 Made | 2026-11-03 09:00:00 |
| 报送期限 Due | 2026-11-13 |

报送期限按月后第 10 个工作日计，仅计周一至周五，法定节假日及调休未计入。

Due on the tenth working day, counted from Monday to Friday: public holidays are not known to the node.

数据来自本节点自有探测，时间均为北京时间（UTC+8）。

Figures come from the node's own probes; times are UTC+8.

## 服务水平 Service level (SLA)

| 月份 Month | SLA % | 探测轮次 Rounds | 正常轮次 Up | 缺失轮次 Missed | 公告维护轮次 In announced stops |
| --- | --- | --- | --- | --- | --- |
| 2026-09 | 100 | 86400 | 86400 | 0 | 0 |
| 2026-10 | 99.754 | 89000 | 88900 | 119 | 120 |
| 平均 Average | 99.877 |  |  |  |  |

SLA = 正常轮次 ÷（探测轮次 + 缺失轮次）× 100。51 % 及以上探测点见解析异常或注册异常的轮次为异常，其余为正常。

缺失轮次按不可用计；事前公告的维护不计入。

SLA = rounds up / (rounds + missed) × 100. A round is up unless 51 % or more of the probe points see it down.

Missed rounds count as down; stops announced beforehand are not counted.

## 往返时延 Round-trip times

| 项目 Item | 月均 RTT（毫秒） Monthly mean RTT (ms) |
| --- | --- |
| 注册 Registration | 7 |
| 解析 Resolution | 1.234 |

仅计成功的探测。

Of successful probes.

## 注册审核通过至可解析 From approval to resolvable

| 项目 Item | 内容 Value |
| --- | --- |
| 平均时长（小时） Mean time (hours) | 1.5 |
| 本月审核通过的前缀 Prefixes approved | 3 |
| 其中已可解析 Of these resolvable | 2 |

托管前缀审核通过即可解析，计 0；非托管前缀计至探测首次连通企业节点。

Hosted prefixes are resolvable at once (0); others from the first probe that reached the enterprise's site.

## 运行时长 Hours in operation

| 项目 Item | 内容 Value |
| --- | --- |
| 运行时长（小时） Hours in operation | 741.67 |

## 维护停机 Maintenance stops

| 开始 Begin | 结束 End | 时长（时:分:秒） Duration (h:mm:ss) | 性质 Kind | 原因 Reason |
| --- | --- | --- | --- | --- |
| 2026-10-12 10:00:00 | 2026-10-12 11:00:00 | 1:00:00 | 非计划：无探测 unplanned: no probe ran | — |
| 2026-10-21 02:00:00 | 2026-10-21 03:00:00 | 1:00:00 | 计划：事前公告 planned: announced beforehand | 升级 |

## 突发事件 Emergencies

| 事件编号 Event id | 对象 Subject | 类型 Kind | 开始 Begin | 恢复 Recovered | 时长（时:分:秒） Duration (h:mm:ss) | 原因 Cause | 处置 Remedy |
| --- | --- | --- | --- | --- | --- | --- | --- |
| 01a20ca9-9b60-7bf8-8ddf-c13ad95da979 | 节点 node | 网络 network | 2026-10-05 16:01:00 | 2026-10-05 16:31:00 | 0:30:00 | resolution: connection refused | 重启了 \<解析\> 进程\|换了网卡 |
| 01a20ca9-9b60-7bf8-8ddf-c13ad95da97a | 88.118.9 | 攻击 attack | 2026-10-30 08:00:00 | 未恢复 not yet | — | DDoS | — |
"""  # noqa: E501  # Markdown has one line for a row


def test_a_small_month_in_markdown() -> None:
    assert monthly_markdown(small_month()).decode() == SMALL_MONTH


def test_the_same_in_word() -> None:
    document = Document(BytesIO(monthly_docx(small_month())))
    lines = [paragraph.text for paragraph in document.paragraphs]
    tables = [[[cell.text for cell in row.cells] for row in table.rows] for table in document.tables]

    assert lines[:3] == [
        "二级节点运行月报 Monthly operations report: 88.118, 2026-10",
        "概要 Summary",
        "报送期限按月后第 10 个工作日计，仅计周一至周五，法定节假日及调休未计入。",
    ]
    assert tables[1][2] == ["2026-10", "99.754", "89000", "88900", "119", "120"]
    # Both say the same, cell by cell and line by line.
    rows = [line for line in SMALL_MONTH.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    shown = [["" if cell == " " else cell for cell in _cells(row)] for row in rows]
    assert [row for table in tables for row in table] == shown
    assert lines == [line.lstrip("# ") for line in SMALL_MONTH.splitlines() if line and not line.startswith("|")]
    assert all(table.rows[0]._tr.find(f".//{qn('w:tblHeader')}") is not None for table in document.tables)
    assert (document.core_properties.author, document.core_properties.created) == ("88.118", MADE)


def _cells(row: str) -> list[str]:
    plain = row.replace(r"\<", "<").replace(r"\>", ">").replace(r"\|", "¦")
    return [cell.replace("¦", "|").strip() for cell in plain.strip("|").split("|")]


def test_the_same_as_a_document() -> None:
    document = monthly_document(small_month())

    assert document["sla"] == {
        "month": "2026-10",
        "percent": 99.754,
        "rounds": 89_000,
        "rounds_up": 88_900,
        "rounds_missed": 119,
        "rounds_in_announced_stops": 120,
    }
    assert (document["average_percent"], document["approval_to_resolvable_hours"]) == (99.877, 1.5)
    assert document["due"] == "2026-11-13"
    assert document["emergencies"] == [
        {
            "event": str(ONE),
            "prefix": None,
            "kind": "network",
            "at": "2026-10-05T08:01:00.000Z",
            "recovered": "2026-10-05T08:31:00.000Z",
            "cause": "resolution: connection refused",
            "remedy": "重启了 <解析> 进程|换了网卡",
        },
        {
            "event": str(TWO),
            "prefix": "88.118.9",
            "kind": "attack",
            "at": "2026-10-30T00:00:00.000Z",
            "recovered": None,
            "cause": "DDoS",
            "remedy": None,
        },
    ]


async def probe(database: Database, moment: datetime, *, up: bool, site: str | None = None) -> None:
    judged = ProbeRound(moment, 30, 1, int(up), 1, is_resolution_up=up, is_registration_up=True)
    results = [
        ProbeResult("https://a", ProbeKind.RESOLUTION, NODE, up, 2_000, None if up else "HTTP 503"),
        ProbeResult("https://a", ProbeKind.REGISTRATION, NODE, True, 6_000, None),
    ]
    if site is not None:
        results.append(ProbeResult(SITE, ProbeKind.RESOLUTION, site, up, 500, None if up else "connection refused"))
    await EventStore(database).record(judged, results, [])


async def test_the_figures_come_from_rounds_changes_stops_and_events(database: Database) -> None:
    events, probes = EventStore(database), ProbeStore(database)
    await probe(database, datetime(2026, 9, 30, 15, 59, 30, tzinfo=UTC), up=True)  # September in Beijing
    for second in range(0, 300, 30):
        await probe(database, at(1, 0) + timedelta(seconds=second), up=second != 60, site="88.118.9")
    await events.announce(stop(at(1, 0, 2), at(1, 0, 3), announced=at(1, 0)), None)
    await events.record(
        ProbeRound(at(1, 0, 5), 30, 1, 1, 1, is_resolution_up=True, is_registration_up=True),
        [ProbeResult("https://a", ProbeKind.RESOLUTION, NODE, True, 2_000, None)],
        [
            Opening(ONE, NODE, Source.PROBE, EventKind.SYSTEM, at(1, 0, 1), "resolution: HTTP 503", "probe"),
            Closing(TWO, ONE, Source.PROBE, at(1, 0, 2), "it is back", "probe"),
        ],
    )
    await approved(database, "88.118.8", at(1, 0, 1), hosting="hosted", before=None)
    await approved(database, "88.118.9", at(1, 0) - timedelta(hours=2), hosting="self", before="in_review")
    await approved(database, "88.118.7", at(1, 0, 1), hosting="hosted", before="stopped")

    reports = MonthlyReports(probes, events, node="88.118", now=lambda: at(1, 0, 6))
    report = await reports.of(OCTOBER)

    assert [(str(each.month), each.percent) for each in report.past] == [("2026-09", 100.0)]
    # From 00:00 to 00:05 there were eleven rounds, two of them in an announced stop, one that failed.
    assert (report.sla.rounds, report.sla.up, report.sla.announced) == (9, 8, 2)
    # Nobody probed from 15:59:30 to 00:00, eight hours of which lie in October.
    assert report.sla.missed == 960
    assert (report.resolution_rtt_ms, report.registration_rtt_ms) == (2.0, 6.0)
    assert (report.approvals, report.approvals_reached, report.approval_hours) == (2, 2, 1.0)
    assert (report.is_complete, report.operation_hours) == (False, 0.09)
    assert [(each.is_planned, each.is_excused) for each in report.stops] == [(False, False), (True, True)]
    assert [(each.event.id, each.recovered) for each in report.emergencies] == [(ONE, at(1, 0, 2))]


async def test_a_node_that_fell_silent_has_missed_what_was_due_since(database: Database) -> None:
    await probe(database, at(31, 15, 0), up=True)
    reports = MonthlyReports(ProbeStore(database), EventStore(database), node="88.118", now=lambda: MADE)

    report = await reports.of(OCTOBER)

    assert (report.sla.rounds, report.sla.missed, report.sla.percent) == (1, 119, 0.833)


async def test_a_month_to_come_has_no_report(database: Database) -> None:
    reports = MonthlyReports(ProbeStore(database), EventStore(database), node="88.118", now=lambda: at(31, 15))

    with pytest.raises(NotFound, match="month 2026-11 has not begun"):
        await reports.of(Month(date(2026, 11, 1)))


async def approved(database: Database, prefix: str, moment: datetime, *, hosting: str, before: str | None) -> None:
    new = f'{{"state":"active","hosting":"{hosting}","enterprise":"{ONE}"}}'.encode()
    old = None if before is None else f'{{"state":"{before}"}}'.encode()
    async with database.session() as session:
        await session.run(
            "INSERT INTO change (at, subject, name, version, operation, actor, request_id, old, new) "
            "VALUES ($1, 'prefix', $2, 2, 'move', 'me', 'r', $3, $4)",
            moment, prefix, old, new,
        )  # fmt: skip

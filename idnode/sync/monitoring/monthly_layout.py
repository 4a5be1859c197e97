"""What a monthly report says, section by section: Chinese first, for the top node reads it, English beside it; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from idnode.model.beijing import BEIJING
from idnode.storage.monitoring import NODE
from idnode.storage.monitoring_events import Emergency, EventKind
from idnode.sync.monitoring.monthly import SECONDS_PER_HOUR, MonthlyReport, MonthSla, ReportedStop

NOTHING = "—"
"""Stands where there is no value."""
DUE = (
    "报送期限按月后第 10 个工作日计，仅计周一至周五，法定节假日及调休未计入。",
    "Due on the tenth working day, counted from Monday to Friday: public holidays are not known to the node.",
)
ORIGIN = (
    "数据来自本节点自有探测，时间均为北京时间（UTC+8）。",
    "Figures come from the node's own probes; times are UTC+8.",
)
INCOMPLETE = ("本月尚未结束，数据截至生成时间。", "The month is not over: figures up to the time of making.")
SLA = (
    "SLA = 正常轮次 ÷（探测轮次 + 缺失轮次）× 100。51 % 及以上探测点见解析异常或注册异常的轮次为异常，其余为正常。",
    "缺失轮次按不可用计；事前公告的维护不计入。",
    "SLA = rounds up / (rounds + missed) × 100. A round is up unless 51 % or more of the probe points see it down.",
    "Missed rounds count as down; stops announced beforehand are not counted.",
)
SUCCESSFUL = ("仅计成功的探测。", "Of successful probes.")
RESOLVABLE = (
    "托管前缀审核通过即可解析，计 0；非托管前缀计至探测首次连通企业节点。",
    "Hosted prefixes are resolvable at once (0); others from the first probe that reached the enterprise's site.",
)
DURATION = "时长（时:分:秒） Duration (h:mm:ss)"
KINDS = {
    EventKind.NETWORK: "网络 network",
    EventKind.SYSTEM: "系统 system",
    EventKind.ATTACK: "攻击 attack",
    EventKind.OTHER: "其他 other",
}


@dataclass(frozen=True, slots=True)
class Table:
    """Every row has as many cells as the header."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, a table (None where there is nothing to list), and remarks below it."""

    heading: str
    table: Table | None
    remarks: tuple[str, ...] = ()


def title_of(report: MonthlyReport) -> str:
    """The title of the whole."""
    return f"二级节点运行月报 Monthly operations report: {report.node}, {report.month}"


def sections_of(report: MonthlyReport) -> tuple[Section, ...]:
    """The report in its order (annex 3)."""
    return (_head(report), _sla(report), _latencies(report), _approvals(report), _operation(report),
            _stops(report), _emergencies(report))  # fmt: skip


def _head(report: MonthlyReport) -> Section:
    remarks = (*DUE, *ORIGIN) if report.is_complete else (*INCOMPLETE, *DUE, *ORIGIN)
    rows = (
        ("二级节点前缀 Prefix of the node", report.node),
        ("报告月份 Month", str(report.month)),
        ("生成时间 Made", _moment(report.made)),
        ("报送期限 Due", report.due.isoformat()),
    )
    return Section("概要 Summary", Table(("项目 Item", "内容 Value"), rows), remarks)


def _sla(report: MonthlyReport) -> Section:
    header = (
        "月份 Month",
        "SLA %",
        "探测轮次 Rounds",
        "正常轮次 Up",
        "缺失轮次 Missed",
        "公告维护轮次 In announced stops",
    )
    rows = [_share(each) for each in (*report.past, report.sla)]
    rows.append(("平均 Average", _number(report.average_percent), "", "", "", ""))
    return Section("服务水平 Service level (SLA)", Table(header, tuple(rows)), SLA)


def _share(sla: MonthSla) -> tuple[str, ...]:
    counts = (sla.rounds, sla.up, sla.missed, sla.announced)
    return (str(sla.month), _number(sla.percent), *map(str, counts))


def _latencies(report: MonthlyReport) -> Section:
    rows = (
        ("注册 Registration", _number(report.registration_rtt_ms)),
        ("解析 Resolution", _number(report.resolution_rtt_ms)),
    )
    header = ("项目 Item", "月均 RTT（毫秒） Monthly mean RTT (ms)")
    return Section("往返时延 Round-trip times", Table(header, rows), SUCCESSFUL)


def _approvals(report: MonthlyReport) -> Section:
    rows = (
        ("平均时长（小时） Mean time (hours)", _number(report.approval_hours)),
        ("本月审核通过的前缀 Prefixes approved", str(report.approvals)),
        ("其中已可解析 Of these resolvable", str(report.approvals_reached)),
    )
    heading = "注册审核通过至可解析 From approval to resolvable"
    return Section(heading, Table(("项目 Item", "内容 Value"), rows), RESOLVABLE)


def _operation(report: MonthlyReport) -> Section:
    rows = (("运行时长（小时） Hours in operation", _number(report.operation_hours)),)
    return Section("运行时长 Hours in operation", Table(("项目 Item", "内容 Value"), rows))


def _stops(report: MonthlyReport) -> Section:
    header = ("开始 Begin", "结束 End", DURATION, "性质 Kind", "原因 Reason")
    return _listed("维护停机 Maintenance stops", header, map(_stop, report.stops))


def _stop(stop: ReportedStop) -> tuple[str, ...]:
    if not stop.is_planned:
        kind = "非计划：无探测 unplanned: no probe ran"
    elif stop.is_excused:
        kind = "计划：事前公告 planned: announced beforehand"
    else:
        kind = "计划：事后登记 planned: noted afterwards"
    return (*_span(stop.begins, stop.ends), kind, stop.reason or NOTHING)


def _emergencies(report: MonthlyReport) -> Section:
    header = (
        "事件编号 Event id",
        "对象 Subject",
        "类型 Kind",
        "开始 Begin",
        "恢复 Recovered",
        DURATION,
        "原因 Cause",
        "处置 Remedy",
    )
    return _listed("突发事件 Emergencies", header, map(_emergency, report.emergencies))


def _emergency(emergency: Emergency) -> tuple[str, ...]:
    event = emergency.event
    subject = "节点 node" if event.subject == NODE else event.subject
    span = _span(event.at, emergency.recovered)
    return (str(event.id), subject, KINDS[event.kind], *span, event.reason, event.remedy or NOTHING)


def _listed(heading: str, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Section:
    listed = tuple(rows)
    return Section(heading, Table(header, listed)) if listed else Section(heading, None, ("无。", "None."))


def _span(begins: datetime, ends: datetime | None) -> tuple[str, str, str]:
    if ends is None:
        return _moment(begins), "未恢复 not yet", NOTHING
    return _moment(begins), _moment(ends), _duration(ends - begins)


def _duration(span: timedelta) -> str:
    """Events last seconds as well as days."""
    hours, rest = divmod(int(span.total_seconds()), SECONDS_PER_HOUR)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}"


def _moment(moment: datetime) -> str:
    return moment.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def _number(number: float | None) -> str:
    return NOTHING if number is None else f"{number:g}" if number == int(number) else f"{number}"

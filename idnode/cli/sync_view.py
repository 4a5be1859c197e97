"""The sync for people: a line on the relay, one on the backlog, a table of reports; records; comparisons."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.cells import cell_len

from idnode.cli.console import moment_text, printable, show_line, show_table
from idnode.frontends.v1.schemas.sync import (
    ReconciliationOut,
    RelayOut,
    SyncOut,
    SyncRecordOut,
    SyncReportOut,
)

SHRINKS_PER_SECOND_MIN = 0.05
"""What is slower counts as standing still."""

_REPORTS = ("report", "cadence", ">to send", ">held", ">sent", ">rejected", ">dead", ">oldest", ">accepted", ">due")
_RECORDS = (">number", "report", "subject", ">version", "operation", "state", ">tries", "updated", "receipt or reason")
"""Where > stands before a name, the column is set to the right."""
_DRIFT = ("prefix", "missing", "extra", "changed", "repaired")
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def show_sync(sync: SyncOut, *, now: datetime, shrinks_per_second: float | None) -> None:
    """Print how the sync stands; `shrinks_per_second` is None where that was not measured."""
    show_line(relay_line(sync.relay, is_configured=sync.configured, now=now))
    show_line(backlog_line(sync, shrinks_per_second=None))
    if sync.pending and shrinks_per_second is not None:
        show_line(pace(sync.pending, shrinks_per_second))
    if sync.relay.last_error is not None:
        show_line(f"last error {_ago(sync.relay.last_error_at, now)}: {sync.relay.last_error}")
    for state in ("rejected", "dead"):
        if getattr(sync, state):
            show_line(f"why {state}: idnode sync records --state {state}; to send them again: idnode sync retry")
    _show_columns(_REPORTS, [_report_row(each, now) for each in sync.reports])


def relay_line(relay: RelayOut, *, is_configured: bool, now: datetime) -> str:
    """Who relays, since when, and whether anything stands in its way."""
    if not is_configured:
        return "this node reports to no top node (IDNODE_SYNC_TRANSPORT is none)"
    if relay.name is None or relay.seen is None:
        return "no relay has run yet"
    state = "runs" if relay.is_running else "does not run"
    parts = [f"relay {relay.name} {state}, seen {_ago(relay.seen, now)}", f"breaker {relay.breaker}"]
    if relay.paused is not None:
        parts.append(f"PAUSED {_ago(relay.paused, now)} by {relay.paused_by}")
    return " · ".join(parts)


def backlog_line(sync: SyncOut, *, shrinks_per_second: float | None) -> str:
    """How much there is still to do, and how fast it becomes less."""
    parts = [f"{sync.pending:,} to send", f"{sync.waiting:,} held back", f"{sync.sent:,} without a verdict"]
    parts += [f"{sync.rejected:,} rejected", f"{sync.dead:,} dead"]
    if sync.pending and shrinks_per_second is not None:
        parts.append(pace(sync.pending, shrinks_per_second))
    return " · ".join(parts)


def show_records(records: Iterable[SyncRecordOut]) -> None:
    """Print one line for each record."""
    _show_columns(_RECORDS, [_record_row(each) for each in records])


def show_reconciliation(found: ReconciliationOut) -> None:
    """Print what a comparison found."""
    repaired = sum(each.repaired for each in found.drift)
    drifted = sum(each.missing + each.extra + each.changed for each in found.drift)
    if found.ended is None:
        show_line(f"{found.day}: comparison {found.number} is asked for")
        return
    prefixes, records = found.prefixes or 0, found.records or 0
    told = f"{found.day}: {records:,} records of {prefixes:,} prefixes compared, {drifted:,} differ"
    show_line(f"{told}, {repaired:,} repaired" if found.repair else told)
    if found.failure is not None:
        show_line(f"not complete: {found.failure}")
    if found.drift:
        rows = [(d.prefix, f"{d.missing:,}", f"{d.extra:,}", f"{d.changed:,}", f"{d.repaired:,}") for d in found.drift]
        show_table(_DRIFT, rows)


def pace(pending: int, shrinks_per_second: float) -> str:
    """How fast the backlog shrinks, and when it is gone at that pace."""
    if shrinks_per_second < -SHRINKS_PER_SECOND_MIN:
        return f"growing by {-shrinks_per_second:,.0f}/s"
    if shrinks_per_second < SHRINKS_PER_SECOND_MIN:
        return "standing still"
    return f"shrinking by {shrinks_per_second:,.0f}/s, done in {_duration(pending / shrinks_per_second)}"


def _show_columns(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as narrow as what stands in them, each row one line: fits a terminal of 100 columns, and greps well."""
    lines = [[name.removeprefix(">") for name in names], *([printable(cell) for cell in row] for row in rows)]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = []
        for name, cell, width in zip(names, line, widths, strict=True):
            space = " " * (width - cell_len(cell))
            cells.append(space + cell if name.startswith(">") else cell + space)
        show_line("  ".join(cells).rstrip())


def _report_row(each: SyncReportOut, now: datetime) -> Sequence[str]:
    counts = (each.pending, each.waiting, each.sent, each.rejected, each.dead)
    return (
        each.report,
        each.cadence,
        *(f"{count:,}" if count else "·" for count in counts),
        "" if each.oldest_pending_seconds is None else _duration(each.oldest_pending_seconds),
        "" if each.last_accepted is None else _duration((now - each.last_accepted).total_seconds()),
        "" if each.next_release is None else _duration((each.next_release - now).total_seconds()),
    )


def _record_row(each: SyncRecordOut) -> Sequence[str]:
    return (
        str(each.number),
        each.report,
        each.subject,
        str(each.subject_version),
        each.operation,
        each.state,
        str(each.attempts),
        moment_text(each.updated),
        each.reason or each.receipt or "",
    )


def _ago(moment: datetime | None, now: datetime) -> str:
    return "" if moment is None else f"{_duration((now - moment).total_seconds())} ago"


def _duration(seconds: float) -> str:
    """`43 s`, `12 min`, `5 h`, `3 d`."""
    whole = max(seconds, 0.0)
    size, unit = next(((size, unit) for size, unit in _UNITS if whole >= size), (1, "s"))
    return f"{int(whole / size)} {unit}"

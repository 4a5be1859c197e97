"""`idnode sync`: how the reports to the top node stand, and what an operator can do about it."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, TypeVar

import orjson
import typer
import uvloop
from pydantic import BaseModel

from idnode.cli.console import show_json, show_line, show_warning
from idnode.cli.destination import Destination, destination_of
from idnode.cli.errors import WrongUsage
from idnode.cli.exits import EPILOG, Exit
from idnode.cli.node_client import Answer, NodeClient
from idnode.cli.options import JsonOption, KeyOption, UrlOption
from idnode.cli.running import failures_shown
from idnode.cli.sync_view import backlog_line, show_reconciliation, show_records, show_sync
from idnode.frontends.v1.schemas.sync import (
    ReconciliationOut,
    SentAgainOut,
    SyncOut,
    SyncRecordOut,
    SyncRecordPage,
)
from idnode.lifecycle import now
from idnode.model.beijing import BEIJING
from idnode.model.limits import PAGE_ITEMS_MAX
from idnode.model.reporting import RecordState, Report

MEASURE_SECONDS = 1.0
"""Between the two looks that tell how fast the backlog shrinks."""
POLL_SECONDS = 0.5
COLLECT_SECONDS = 0.5
"""What was registered just now is in the ledger after this."""
WAIT_SECONDS_DEFAULT = 600.0
RECORDS_DEFAULT = 100
CLEARED = "\x1b[H\x1b[2J"
"""The screen of a terminal, from its first line on."""

M = TypeVar("M", bound=BaseModel)

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

ReportOption = Annotated[Report | None, typer.Option("--report", help="Only this report.")]
SubjectOption = Annotated[
    str | None, typer.Option("--subject", help="Only this subject: an identifier, a prefix, an enterprise's id.")
]
WaitSecondsOption = Annotated[float, typer.Option("--wait-seconds", min=1, max=86_400, help="How long at most.")]

sync = typer.Typer(
    name="sync", help="Reports to the top node: status, run, retry, replay, pause, resume, records, reconcile.",
    no_args_is_help=True, epilog=EPILOG,
)  # fmt: skip


@sync.command(epilog=EPILOG)
def status(
    watch: Annotated[bool, typer.Option("--watch", help="Show it again and again until Ctrl-C.")] = False,
    interval: Annotated[float, typer.Option(min=0.2, max=3_600, help="With --watch: seconds between.")] = 2.0,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what of each report is to be sent, held back, judged, refused, and how the relay does."""
    with failures_shown(as_json=as_json):
        uvloop.run(_status(destination_of(url, key), interval if watch else None, as_json=as_json))


@sync.command(epilog=EPILOG)
def run(
    wait: Annotated[bool, typer.Option("--wait", help="Wait until nothing is to be sent any more.")] = False,
    wait_seconds: WaitSecondsOption = WAIT_SECONDS_DEFAULT,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Release everything now, whatever its cadence.

    With --wait the exit code is 0 when all of it has gone up and nothing was refused meanwhile, else 1.
    """
    with failures_shown(as_json=as_json):
        stands, code = uvloop.run(_run(destination_of(url, key), wait_seconds if wait else None))
    _show(stands, backlog_line(stands, shrinks_per_second=None), as_json=as_json)
    raise typer.Exit(code)


@sync.command(epilog=EPILOG)
def retry(
    number: Annotated[int | None, typer.Argument(min=1, metavar="NUMBER", help="One record, by its number.")] = None,
    report: ReportOption = None,
    state: Annotated[
        Literal["rejected", "dead"] | None, typer.Option("--state", help="Only what is in this state.")
    ] = None,
    subject: SubjectOption = None,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send rejected and dead records again: one, those that the options name, or all."""
    filters = {"report": report, "state": state, "subject": subject}
    with failures_shown(as_json=as_json):
        if number is not None and any(each is not None for each in filters.values()):
            raise WrongUsage("a number names one record: leave out --report, --state and --subject")
        steps = ("sync", "retry") if number is None else ("sync", "records", str(number), "retry")
        body: dict[str, object] | None
        body = None if number is not None else {name: value for name, value in filters.items() if value is not None}
        again = uvloop.run(_act(destination_of(url, key), SentAgainOut, *steps, body=body))
    given_up = f", {again.superseded:,} given up because a later version has gone up" if again.superseded else ""
    _show(again, f"{again.pending:,} to be sent again{given_up}", as_json=as_json)


@sync.command(epilog=EPILOG)
def replay(
    since: Annotated[
        str, typer.Option("--from", metavar="TIME", help="A day (Beijing time) or an instant: 2026-11-24T08:00:00Z.")
    ],
    report: ReportOption = None,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send again what the top node has accepted since a day; nothing is doubled there."""
    body: dict[str, object] = {"since": _instant(since)}
    if report is not None:
        body["report"] = report
    with failures_shown(as_json=as_json):
        again = uvloop.run(_act(destination_of(url, key), SentAgainOut, "sync", "replay", body=body))
    _show(again, f"{again.pending:,} to be sent again", as_json=as_json)


@sync.command(epilog=EPILOG)
def pause(url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Send nothing any more, after the batch that is under way; what happens is still collected."""
    with failures_shown(as_json=as_json):
        stands = uvloop.run(_act(destination_of(url, key), SyncOut, "sync", "pause"))
    _show(stands, f"paused · {backlog_line(stands, shrinks_per_second=None)}", as_json=as_json)


@sync.command(epilog=EPILOG)
def resume(url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Go on sending."""
    with failures_shown(as_json=as_json):
        stands = uvloop.run(_act(destination_of(url, key), SyncOut, "sync", "resume"))
    _show(stands, f"resumed · {backlog_line(stands, shrinks_per_second=None)}", as_json=as_json)


@sync.command(epilog=EPILOG)
def records(
    report: ReportOption = None,
    state: Annotated[RecordState | None, typer.Option("--state", help="Only what is in this state.")] = None,
    subject: SubjectOption = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="What occurred since a day (Beijing time) or an instant."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="TIME", help="What occurred before a day (Beijing time) or an instant."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="Records to list at most.")] = RECORDS_DEFAULT,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """List records of the ledger with their state, receipt or reason."""
    times = {name: time and _instant(time) for name, time in (("since", since), ("until", until))}
    filters = {"report": report, "state": state, "subject": subject, **times}
    query = {name: str(value) for name, value in filters.items() if value is not None}
    with failures_shown(as_json=as_json):
        found = uvloop.run(_records(destination_of(url, key), query, limit))
    if as_json:
        show_json({"items": [each.model_dump(mode="json") for each in found]})
    else:
        show_records(found)
        if len(found) == limit:
            show_warning(f"{limit:,} records are shown; --limit shows more")


@sync.command(epilog=EPILOG)
def reconcile(
    day: Annotated[
        str | None, typer.Option("--day", metavar="DAY", help="Which day (Beijing time). Default: yesterday.")
    ] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Put right what differs.")] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for what it finds.")] = True,
    wait_seconds: WaitSecondsOption = WAIT_SECONDS_DEFAULT,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare what the top node holds of a day with what it has accepted.

    Exit code 1 when something differs and is not repaired, or the comparison was not complete.
    """
    body = {"day": day or str((now().astimezone(BEIJING) - timedelta(days=1)).date()), "repair": repair}
    with failures_shown(as_json=as_json):
        found = uvloop.run(_reconcile(destination_of(url, key), body, wait_seconds if wait else None))
    if as_json:
        show_json(found.model_dump(mode="json"))
    else:
        show_reconciliation(found)
    if wait and found.ended is None:
        show_warning(f"not compared within {wait_seconds:g} s: is the relay running? (idnode sync status)")
    unrepaired = any(d.missing + d.extra + d.changed > d.repaired for d in found.drift)
    raise typer.Exit(Exit.REFUSED if unrepaired or found.failure or (wait and found.ended is None) else Exit.DONE)


async def _status(destination: Destination, interval: float | None, *, as_json: bool) -> None:
    async with NodeClient.connected(destination) as client:
        if interval is None:
            await _status_once(client, as_json=as_json)
            return
        before: tuple[int, datetime] | None = None
        async for answer in _again_and_again(client, interval):
            stands, at = answer.as_model(SyncOut), now()
            pace = None if before is None else (before[0] - stands.pending) / (at - before[1]).total_seconds()
            before = stands.pending, at
            if as_json:
                show_json(orjson.loads(answer.body))
            elif sys.stdout.isatty():
                sys.stdout.write(CLEARED)
                show_sync(stands, now=answer.date or at, shrinks_per_second=pace)
            else:
                show_line(f"{at.astimezone(UTC):%H:%M:%SZ} {backlog_line(stands, shrinks_per_second=pace)}")
                sys.stdout.flush()


async def _status_once(client: NodeClient, *, as_json: bool) -> None:
    answer = await client.read("sync")
    stands, pace = answer.as_model(SyncOut), None
    if as_json:
        show_json(orjson.loads(answer.body))
        return
    if stands.pending:
        clock = asyncio.get_running_loop().time
        began, before = clock(), stands.pending
        await asyncio.sleep(MEASURE_SECONDS)
        answer = await client.read("sync")
        stands = answer.as_model(SyncOut)
        pace = (before - stands.pending) / (clock() - began)
    show_sync(stands, now=answer.date or now(), shrinks_per_second=pace)


async def _again_and_again(client: NodeClient, interval: float) -> AsyncIterator[Answer]:
    while True:
        yield await client.read("sync")
        await asyncio.sleep(interval)


async def _run(destination: Destination, wait_seconds: float | None) -> tuple[SyncOut, Exit]:
    async with NodeClient.connected(destination) as client:
        if wait_seconds is None:
            return (await client.write("POST", "sync", "run")).as_model(SyncOut), Exit.DONE
        await asyncio.sleep(COLLECT_SECONDS)
        began = stands = (await client.write("POST", "sync", "run")).as_model(SyncOut)
        until = now() + timedelta(seconds=wait_seconds)
        while stands.pending:
            obstacle = _obstacle(stands, is_late=now() >= until)
            if obstacle is not None:
                show_warning(obstacle)
                return stands, Exit.REFUSED
            _tell(stands)
            await asyncio.sleep(POLL_SECONDS)
            stands = (await client.read("sync")).as_model(SyncOut)
    refused = stands.rejected + stands.dead - began.rejected - began.dead
    return stands, Exit.REFUSED if refused > 0 else Exit.DONE


def _obstacle(stands: SyncOut, *, is_late: bool) -> str | None:
    """Why there is no sense in waiting any longer."""
    if stands.relay.paused is not None:
        return "the relay is paused: idnode sync resume"
    if is_late and not stands.relay.is_running:
        return "no relay runs: is the node that keeps it up?"
    return "not all of it went up in this time; --wait-seconds gives more" if is_late else None


def _tell(stands: SyncOut) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[2K{backlog_line(stands, shrinks_per_second=None)}")
        sys.stderr.flush()


async def _act(destination: Destination, model: type[M], *steps: str, body: dict[str, object] | None = None) -> M:
    async with NodeClient.connected(destination) as client:
        sent = None if body is None else orjson.dumps(body)
        return (await client.write("POST", *steps, body=sent)).as_model(model)


async def _records(destination: Destination, filters: dict[str, str], limit: int) -> list[SyncRecordOut]:
    found: list[SyncRecordOut] = []
    async with NodeClient.connected(destination) as client:
        query = dict(filters)
        while len(found) < limit:
            query["limit"] = str(min(limit - len(found), PAGE_ITEMS_MAX))
            page = (await client.read("sync", "records", query=query)).as_model(SyncRecordPage)
            found += page.items
            if page.next is None:
                break
            query["cursor"] = page.next
    return found


async def _reconcile(
    destination: Destination, body: dict[str, object], wait_seconds: float | None
) -> ReconciliationOut:
    async with NodeClient.connected(destination) as client:
        asked = await client.write("POST", "sync", "reconcile", body=orjson.dumps(body))
        found = asked.as_model(ReconciliationOut)
        until = now() + timedelta(seconds=wait_seconds or 0)
        while found.ended is None and now() < until:
            await asyncio.sleep(POLL_SECONDS)
            found = (await client.read("sync", "reconciliations", str(found.number))).as_model(ReconciliationOut)
    return found


def _instant(time: str) -> str:
    """The beginning of a day in Beijing; anything else as it is: the node says what is no time."""
    return f"{time}T00:00:00+08:00" if _DAY.fullmatch(time) else time


def _show(document: BaseModel, line: str, *, as_json: bool) -> None:
    if as_json:
        show_json(document.model_dump(mode="json"))
    else:
        show_line(line)

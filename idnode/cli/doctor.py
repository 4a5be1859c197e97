"""`idnode doctor`: look at everything a node needs, change nothing, say what to do."""

import os
import resource
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import typer
import uvloop

from idnode.cli.checks.finding import Finding, Status, fail, ok
from idnode.cli.checks.home import check_home
from idnode.cli.checks.machine import check_open_files, check_python, check_year
from idnode.cli.checks.port import check_native_port, check_port
from idnode.cli.checks.postgres import check_postgres
from idnode.cli.checks.tls import check_tls
from idnode.cli.console import show_json, show_table
from idnode.cli.exits import Exit
from idnode.cli.options import ConfigOption, JsonOption
from idnode.cli.running import failures_shown
from idnode.config import InvalidSettings, Settings, environment_settings


def doctor(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Check settings, home directory, PostgreSQL, port, TLS, clock and limits. Starts and changes nothing.

    Exit code 1 when a check fails; warnings leave it at 0.
    """
    findings = _machine()
    try:
        settings = environment_settings(file=config)
    except InvalidSettings as error:
        findings += [_wrong(violation.pointer, violation.detail) for violation in error.violations]
    else:
        with failures_shown(as_json=as_json):
            findings += [ok("settings", "all are valid"), *uvloop.run(_with_settings(settings))]
    _show(findings, as_json=as_json)
    raise typer.Exit(Exit.REFUSED if any(each.status is Status.FAIL for each in findings) else Exit.DONE)


def _machine() -> list[Finding]:
    open_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return [check_python(sys.version_info[:3]), check_open_files(open_files), check_year(_now())]


def _wrong(variable: str, detail: str) -> Finding:
    return fail("settings", f"{variable}: {detail}", f"set {variable} or remove it; idnode check-config lists all")


async def _with_settings(settings: Settings) -> list[Finding]:
    return [
        *check_home(settings.home, uid=os.geteuid()),
        *await check_postgres(settings, now=_now),
        await check_port(settings),
        *await check_native_port(settings),
        *check_tls(settings, now=_now()),
    ]


def _now() -> datetime:
    return datetime.now(UTC)


def _show(findings: Sequence[Finding], *, as_json: bool) -> None:
    if as_json:
        documents = [{"check": e.check, "status": e.status, "found": e.found, "advice": e.advice} for e in findings]
        show_json({"checks": documents})
    else:
        show_table(
            ("check", "status", "found", "what to do"), [(e.check, e.status, e.found, e.advice) for e in findings]
        )

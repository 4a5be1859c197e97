"""`idnode simulate-top-node`: a top node to try reporting with, as calm or as awkward as wanted."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from idnode.cli.console import show_json, show_line
from idnode.cli.errors import WrongUsage
from idnode.cli.options import JsonOption
from idnode.cli.running import failures_shown
from idnode.lifecycle import settle_garbage_collection, stop_signal
from idnode.model.errors import InvalidInput
from idnode.simulator.doorkeeper import Credentials
from idnode.simulator.running import Arrangement, simulated
from idnode.simulator.settings import PROFILES, ApplicationVerdict, Awkwardness, Profile, changed


def simulate_top_node(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes any that is free.")] = 8100,
    store: Annotated[Path | None, typer.Option(metavar="FILE", help="Keeps what it takes in; default: memory.")] = None,
    journal: Annotated[Path | None, typer.Option(metavar="FILE", help="NDJSON: what came and what it did.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed, the same whims.")] = 1,
    profile: Annotated[Profile, typer.Option(help="Where the options below are not given.")] = Profile.CALM,
    app_id: Annotated[str | None, typer.Option(help="Of the one application that may report; default: anyone.")] = None,
    secret: Annotated[
        str | None,
        typer.Option(envvar="IDNODE_SIMULATOR_SECRET", help="HMAC; the variable keeps it out of the process list."),
    ] = None,
    public_key: Annotated[Path | None, typer.Option(metavar="PEM", help="RSA, instead of a secret.")] = None,
    errors: Annotated[float | None, typer.Option(help="Share of requests answered with 5xx.")] = None,
    resets: Annotated[float | None, typer.Option(help="Share cut off before anything is taken in.")] = None,
    lost_replies: Annotated[float | None, typer.Option(help="Share cut off after all was taken in.")] = None,
    duplicates: Annotated[float | None, typer.Option(help="Share of verdicts told twice.")] = None,
    rejections: Annotated[float | None, typer.Option(help="Share of records rejected without cause.")] = None,
    delay_ms: Annotated[str | None, typer.Option(metavar="LO-HI", help="Before each request is looked at.")] = None,
    verdict_delay_ms: Annotated[str | None, typer.Option(metavar="LO-HI", help="Until a record is judged.")] = None,
    outage_after: Annotated[float | None, typer.Option(metavar="S", help="Seconds until an outage.")] = None,
    outage_seconds: Annotated[float | None, typer.Option(metavar="S", help="How long it lasts.")] = None,
    clock_skew: Annotated[float | None, typer.Option(metavar="S", help="How far its clock is ahead.")] = None,
    rate_limit: Annotated[float | None, typer.Option(metavar="N", help="Requests per second; beyond: 429.")] = None,
    application_verdict: Annotated[
        ApplicationVerdict | None, typer.Option(help="On applications for prefixes; ask: on the status page.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run a simulated top node until Ctrl-C or SIGTERM; its status page is at /.

    For trying out and testing only: it speaks the project's own JSON protocol, not that of the national top node.
    POST /simulator/settings changes how it behaves, POST /simulator/plant lets what it holds drift.
    """
    given = {
        "errors": errors,
        "resets": resets,
        "lost_replies": lost_replies,
        "duplicates": duplicates,
        "rejections": rejections,
        "delay_ms": delay_ms,
        "verdict_delay_ms": verdict_delay_ms,
        "outage_after_seconds": outage_after,
        "outage_seconds": outage_seconds,
        "clock_skew_seconds": clock_skew,
        "requests_per_second_max": rate_limit,
        "application_verdict": application_verdict,
    }
    with failures_shown(as_json=as_json):
        awkwardness = _awkwardness(profile, given)
        credentials = _credentials(app_id, secret, public_key)
        arrangement = Arrangement(awkwardness, host, port, seed, store, journal, credentials)
        settle_garbage_collection()
        uvloop.run(_serve(arrangement, as_json=as_json))


def _awkwardness(profile: Profile, given: Mapping[str, object]) -> Awkwardness:
    try:
        return changed(PROFILES[profile], {name: value for name, value in given.items() if value is not None})
    except InvalidInput as error:
        raise WrongUsage(error.detail.removeprefix("/")) from error


def _credentials(app_id: str | None, secret: str | None, public_key: Path | None) -> Credentials | None:
    if app_id is None and secret is None and public_key is None:
        return None
    if app_id is None or (secret is None) == (public_key is None):
        raise WrongUsage("give --app-id with either --secret or --public-key, or none of them")
    try:
        return Credentials(app_id, secret, None if public_key is None else public_key.read_bytes())
    except InvalidInput as error:
        raise WrongUsage(f"{public_key}: {error.detail}") from error


async def _serve(arrangement: Arrangement, *, as_json: bool) -> None:
    async with stop_signal() as stop, simulated(arrangement, clock=time.time) as running:
        host = f"[{arrangement.host}]" if ":" in arrangement.host else arrangement.host
        url = f"http://{host}:{running.port}"
        if as_json:
            show_json({"url": url})
        else:
            show_line(f"A simulated top node answers at {url}; its status page is {url}/")
        await stop.wait()

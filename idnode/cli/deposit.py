"""`idnode deposit make | send | resend | list | verify | confirm | refuse`, and `idnode restore`: the escrow deposit.

They work on the database and the destination themselves, whether the node runs or not.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer
import uvloop

from idnode.app_database import open_database
from idnode.app_deposits import compose_deposits
from idnode.cli.console import moment_text, show_json, show_line, show_table
from idnode.cli.errors import WrongUsage
from idnode.cli.exits import EPILOG
from idnode.cli.options import ConfigOption, JsonOption
from idnode.cli.running import failures_shown
from idnode.config import Settings, environment_settings
from idnode.lifecycle import now
from idnode.logs import configure_logs
from idnode.model.errors import Conflict
from idnode.storage.database import Database
from idnode.storage.deposits import Deposit, DepositKind, DepositState
from idnode.storage.inspection import running_embedded_dsn
from idnode.storage.migrate import migrate
from idnode.sync.deposit.cipher import DepositKey
from idnode.sync.deposit.options import Deposits
from idnode.sync.deposit.restoring import Restored, Restorer
from idnode.sync.deposit.signing import ManifestVerifier

LISTED_MAX = 10_000
CONNECTIONS = 2

Given = TypeVar("Given")

deposit = typer.Typer(
    name="deposit",
    help="The escrow deposit: make, send, list, verify, and note what the platform said.",
    epilog=EPILOG,
    no_args_is_help=True,
)

DepositArgument = Annotated[str, typer.Argument(metavar="ID", help="The deposit, as `idnode deposit list` names it.")]
PathArgument = Annotated[
    Path, typer.Argument(metavar="DEPOSIT", help="Directory with deposits, or the manifest of the last one.")
]
KeyFileOption = Annotated[
    Path | None,
    typer.Option("--key-file", metavar="FILE", help="Key it is sealed with. Default: IDNODE_DEPOSIT_KEY_FILE."),
]
VerifyKeyOption = Annotated[
    Path | None,
    typer.Option("--verify-key", metavar="FILE", help="PEM key of the signer. Default: IDNODE_DEPOSIT_SIGNING_KEY."),
]


@deposit.command("make", epilog=EPILOG)
def make(
    full: Annotated[bool, typer.Option("--full", help="Everything, rather than what came since the last one.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a deposit at once and send it to IDNODE_DEPOSIT_DESTINATION."""
    kind = DepositKind.FULL if full else DepositKind.DIFFERENTIAL
    with failures_shown(as_json=as_json):
        _show([_run(config, lambda deposits: deposits.schedule.make_now(kind))], as_json=as_json)


@deposit.command("send", epilog=EPILOG)
def send(id: DepositArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Go on with a delivery that was interrupted: parts that are there already are not sent again."""

    async def act(deposits: Deposits) -> Deposit:
        await deposits.delivery.send(await deposits.store.find(id))
        return await deposits.store.find(id)

    with failures_shown(as_json=as_json):
        _show([_run(config, act)], as_json=as_json)


@deposit.command("resend", epilog=EPILOG)
def resend(id: DepositArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Send a deposit again as it is, under the next resend number."""
    with failures_shown(as_json=as_json):
        _show([_run(config, lambda deposits: deposits.delivery.resend(id))], as_json=as_json)


@deposit.command("list", epilog=EPILOG)
def list_deposits(
    limit: Annotated[int, typer.Option("--limit", min=1, max=LISTED_MAX, help="How many.")] = 20,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """The latest deposits and how far each got."""
    with failures_shown(as_json=as_json):
        _show(_run(config, lambda deposits: deposits.store.latest(limit)), as_json=as_json)


@deposit.command("confirm", epilog=EPILOG)
def confirm(id: DepositArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Note that the platform has confirmed a deposit."""
    with failures_shown(as_json=as_json):
        _show([_run(config, lambda deposits: _judge(deposits, id, DepositState.CONFIRMED, None))], as_json=as_json)


@deposit.command("refuse", epilog=EPILOG)
def refuse(
    id: DepositArgument,
    reason: Annotated[str, typer.Option("--reason", help="What the platform said.")] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Note that the platform has refused a deposit; the next one does not build on it."""
    with failures_shown(as_json=as_json):
        _show(
            [_run(config, lambda deposits: _judge(deposits, id, DepositState.REFUSED, reason or None))], as_json=as_json
        )


@deposit.command("verify", epilog=EPILOG)
def verify(
    path: PathArgument,
    key_file: KeyFileOption = None,
    verify_key: VerifyKeyOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check signatures, parts and seals of a deposit and of those that it builds on. Changes nothing."""
    with failures_shown(as_json=as_json):
        restorer = _restorer(_settings(config), key_file, verify_key)
        chain = uvloop.run(restorer.verify(path))
    rows = [(found.manifest, found.manifest.total_bytes) for found in chain]
    if as_json:
        show_json(
            {"deposits": [{"id": m.deposit, "kind": m.kind, "resend": m.resend, "bytes": size} for m, size in rows]}
        )
        return
    show_table(
        ("deposit", "kind", "node", "shows the state of", "parts", "bytes"),
        [(m.deposit, m.kind.value, m.node, m.seen_at, str(len(m.parts)), str(size)) for m, size in rows],
    )


def restore(
    path: PathArgument,
    into: Annotated[
        str | None, typer.Option("--into", metavar="DSN", help="Database to fill. Default: the one of the settings.")
    ] = None,
    key_file: KeyFileOption = None,
    verify_key: VerifyKeyOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Re-host a node: fill an empty database from a full deposit and the differentials that follow it.

    Everything is verified first, and all of it is restored or nothing. Then `idnode serve` serves it; API keys are the
    node's old ones.
    """
    with failures_shown(as_json=as_json):
        settings = _settings(config)
        if into is not None:
            settings = settings.model_copy(update={"database_url": into})
        restored = uvloop.run(_restore(settings, _restorer(settings, key_file, verify_key), path))
    if as_json:
        show_json(
            {"node": restored.node, "deposits": restored.deposits, "seen_at": restored.seen_at, "rows": restored.rows}
        )
        return
    show_line(f"node {restored.node} as of {restored.seen_at}, from {', '.join(restored.deposits)}")
    show_table(("table", "rows"), [(name, str(count)) for name, count in restored.rows.items() if count])


async def _restore(settings: Settings, restorer: Restorer, path: Path) -> Restored:
    async with _database(settings) as (_, dsn):
        return await restorer.restore(path, dsn, node=settings.prefix)


async def _judge(deposits: Deposits, id: str, state: DepositState, reason: str | None) -> Deposit:
    before = await deposits.store.find(id)
    if not await deposits.store.move(id, state, reason=reason, at=now()):
        raise Conflict(f"deposit {id} is {before.state}, which does not become {state}")
    return await deposits.store.find(id)


def _run(config: Path | None, act: Callable[[Deposits], Awaitable[Given]]) -> Given:
    settings = _settings(config)

    async def run() -> Given:
        async with _database(settings) as (database, dsn):
            deposits = compose_deposits(settings, database, dsn)
            try:
                return await act(deposits)
            finally:
                await deposits.destination.close()

    return uvloop.run(run())


def _settings(config: Path | None) -> Settings:
    settings = environment_settings(file=config)
    configure_logs(level=settings.log_level, log_format=settings.log_format)
    return settings


def _restorer(settings: Settings, key_file: Path | None, verify_key: Path | None) -> Restorer:
    key_file, verify_key = key_file or settings.deposit_key_file, verify_key or settings.deposit_signing_key
    if key_file is None or verify_key is None:
        raise WrongUsage(
            "--key-file and --verify-key are needed where IDNODE_DEPOSIT_KEY_FILE and _SIGNING_KEY are not set"
        )
    return Restorer(DepositKey.read(key_file), ManifestVerifier.read(verify_key))


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[tuple[Database, str]]:
    """The node's database, migrated: the embedded one of a node that runs is used beside it, else it is started."""
    dsn = settings.database_url or running_embedded_dsn(settings.home)
    if dsn is None:
        async with open_database(settings) as opened:
            yield opened
        return
    database = await Database.open(dsn, connections_max=CONNECTIONS)
    try:
        await migrate(database, today=now().date())
        yield database, dsn
    finally:
        await database.close()


def _show(deposits: list[Deposit], *, as_json: bool) -> None:
    if as_json:
        show_json({"deposits": [_document(each) for each in deposits]})
        return
    show_table(
        ("deposit", "kind", "builds on", "state", "resend", "parts", "bytes", "reason"),
        [
            (e.id, e.kind, e.base or "", e.state, str(e.resend), str(e.files), str(e.total_bytes), e.reason or "")
            for e in deposits
        ],
    )


def _document(deposit: Deposit) -> dict[str, object]:
    return {
        "id": deposit.id,
        "kind": deposit.kind,
        "base": deposit.base,
        "state": deposit.state,
        "reason": deposit.reason,
        "resend": deposit.resend,
        "files": deposit.files,
        "bytes": deposit.total_bytes,
        "sha256": deposit.sha256,
        "seen_at": moment_text(deposit.watermark.seen_at),
        "made": moment_text(deposit.made),
    }

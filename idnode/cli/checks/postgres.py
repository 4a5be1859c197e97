"""PostgreSQL: the embedded one's programs, the running one's version, encoding, migrations and clock."""

from collections.abc import Callable
from datetime import datetime, timedelta

from idnode.cli.checks.finding import Finding, fail, ok, warn
from idnode.config import Settings
from idnode.model.errors import IdnodeError, Unavailable
from idnode.storage.database import Database
from idnode.storage.embedded import EmbeddedPostgresFailed
from idnode.storage.inspection import ServerState, inspect, program_version, running_embedded_dsn
from idnode.storage.migrate import MigrationRefused

CLOCK_SKEW_MAX = timedelta(seconds=2)
ENCODING = "UTF8"


async def check_postgres(settings: Settings, *, now: Callable[[], datetime]) -> list[Finding]:
    """Findings about the database that a node with these settings would use."""
    if settings.database_url is not None:
        return await _server(
            settings.database_url, now, advice="see that IDNODE_DATABASE_URL is right and the server up"
        )
    found = [await _programs(settings)]
    try:
        dsn = running_embedded_dsn(settings.home)
    except OSError as error:
        return [*found, fail("postgresql", f"cannot read its password: {error}", "run as the account of the node")]
    if dsn is None:
        return [*found, ok("postgresql", "embedded, not running; idnode serve starts it")]
    log = settings.home.resolve() / "postgres.log"
    return [*found, *await _server(dsn, now, advice=f"see {log}; restarting idnode serve restarts it")]


async def _programs(settings: Settings) -> Finding:
    try:
        return ok("programs", await program_version(settings.pg_bindir))
    except EmbeddedPostgresFailed as error:
        advice = "make serve installs them; or set IDNODE_PG_BINDIR or IDNODE_DATABASE_URL"
        return fail("programs", error.detail, advice)


async def _server(dsn: str, now: Callable[[], datetime], *, advice: str) -> list[Finding]:
    try:
        database = await Database.open(dsn, connections_max=1)
    except Unavailable as error:
        return [fail("postgresql", error.detail, advice)]
    try:
        state = await inspect(database, now=now)
    except MigrationRefused as error:
        return [fail("migrations", error.detail, "run the release that this database belongs to, or restore a backup")]
    except IdnodeError as error:
        return [fail("postgresql", error.detail, advice)]
    finally:
        await database.close()
    return findings_about(state)


def findings_about(state: ServerState) -> list[Finding]:
    """What to say about a server that answered."""
    return [_role(state), _encoding(state), _migrations(state), _clock(state)]


def _role(state: ServerState) -> Finding:
    if state.is_standby:
        advice = "name the primary, or add target_session_attrs=read-write to IDNODE_DATABASE_URL"
        return fail("postgresql", f"{state.version}, a standby that takes no writes", advice)
    return ok("postgresql", f"{state.version} answers")


def _encoding(state: ServerState) -> Finding:
    if state.encoding != ENCODING:
        return fail("encoding", state.encoding, "make the database anew: CREATE DATABASE … ENCODING 'UTF8'")
    return ok("encoding", state.encoding)


def _migrations(state: ServerState) -> Finding:
    if state.pending:
        return warn("migrations", f"pending: {', '.join(state.pending)}", "idnode migrate, or the next idnode serve")
    return ok("migrations", "in step with this release")


def _clock(state: ServerState) -> Finding:
    seconds = state.clock_ahead.total_seconds()
    found = f"the database's clock differs from this machine's by {seconds:+.3f} s"
    if abs(state.clock_ahead) > CLOCK_SKEW_MAX:
        return warn("clock skew", found, "let NTP keep both: timedatectl set-ntp true")
    return ok("clock skew", found)

"""Numbered SQL migrations: applied once, in order, under an advisory lock; edited or unknown ones are refused."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files

from idnode.model.errors import IdnodeError
from idnode.storage.database import UPKEEP_SECONDS_MAX, Database
from idnode.storage.statements import statements

SQL = statements("migrations")

STEP_SECONDS_MAX = 3_600.0
"""One migration may rewrite a large table, and the migrator before us must be waited for."""


class MigrationRefused(IdnodeError):
    """The database and this release do not fit together; nothing was changed."""

    code = "migration-refused"


@dataclass(frozen=True, slots=True)
class Migration:
    """One file `NNNN_name.sql`."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Checksum of the text, line ends and all."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def shipped_migrations() -> tuple[Migration, ...]:
    """The migrations of this release, by number."""
    entries = sorted(files("idnode.storage").joinpath("migrations").iterdir(), key=lambda entry: entry.name)
    found = tuple(
        Migration(int(entry.name[:4]), entry.name.removesuffix(".sql"), entry.read_text("utf-8"))
        for entry in entries
        if entry.name.endswith(".sql")
    )
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise MigrationRefused("the migrations of this release are not numbered 0001, 0002, … without a gap")
    return found


def plan_migrations(shipped: Sequence[Migration], applied: Sequence[tuple[int, str, str]]) -> tuple[Migration, ...]:
    """What is still to apply. Raises MigrationRefused for an edited one, and for one from a newer release."""
    by_number = {migration.number: migration for migration in shipped}
    for number, name, sha256 in applied:
        known = by_number.get(number)
        if known is None:
            raise MigrationRefused(f"the database has migration {name}, which this older release does not know")
        if known.sha256 != sha256:
            raise MigrationRefused(f"migration {name} was edited after it had been applied to this database")
    done = {number for number, _, _ in applied}
    return tuple(migration for migration in shipped if migration.number not in done)


async def migrate(database: Database, *, today: date, shipped: Sequence[Migration] | None = None) -> tuple[str, ...]:
    """Bring the schema up to this release, all or nothing. Returns the names of what was applied."""
    migrations = shipped_migrations() if shipped is None else shipped
    async with database.transaction() as session:
        await session.run(SQL["take_migration_lock"], seconds_max=STEP_SECONDS_MAX)
        await session.run(SQL["create_migration_table"])
        rows = await session.rows(SQL["list_migrations"])
        pending = plan_migrations(migrations, [(row["number"], row["name"], row["sha256"]) for row in rows])
        for migration in pending:
            await session.run(migration.sql, seconds_max=STEP_SECONDS_MAX)
            await session.run(SQL["record_migration"], migration.number, migration.name, migration.sha256)
    if shipped is None:
        await ensure_change_partitions(database, today=today)
    return tuple(migration.name for migration in pending)


async def ensure_change_partitions(database: Database, *, today: date) -> None:
    """Make the change log's partitions for this month and the next two."""
    async with database.session() as session:
        await session.run(statements("changes")["ensure_change_partitions"], today, seconds_max=UPKEEP_SECONDS_MAX)

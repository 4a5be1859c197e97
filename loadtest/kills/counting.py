"""What stands in the database, past the node, against what was acknowledged."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from idnode.storage.inspection import running_embedded_dsn
from loadtest.kills.loading import Loaded


@dataclass(frozen=True, slots=True)
class Count:
    """`lost` were acknowledged and do not stand; `doubled` were written twice; `unknown` acknowledged to nobody."""

    acknowledged: int
    lost: Sequence[str]
    doubled: Sequence[str]
    unknown: Sequence[str]


async def count(home: Path, prefix: str, loaded: Loaded) -> tuple[Count, Count]:
    """Of single registrations, and of rows of imports. Nothing is under way any more."""
    dsn = running_embedded_dsn(home)
    if dsn is None:
        raise RuntimeError(f"no PostgreSQL runs in {home}")
    connection = await asyncpg.connect(dsn)
    standing = {row["folded"] for row in await connection.fetch("SELECT folded FROM identifier")}
    written = Counter(
        {
            row["name"]: row["changes"]
            for row in await connection.fetch(
                "SELECT name, count(*) AS changes FROM change WHERE subject = 'identifier' GROUP BY name"
            )
        }
    )
    await connection.close()
    rows = [name for names in loaded.imports.values() for name in names]
    told = Counter(name for names in loaded.verdicts.values() for name in names)
    return (
        compared(f"{prefix}/SINGLE-", loaded.singles, standing, written),
        compared(f"{prefix}/IMPORT-", rows, standing, written, told),
    )


def compared(
    beginning: str,
    acknowledged: Sequence[str] | set[str],
    standing: set[str],
    written: Counter[str],
    told: Counter[str] | None = None,
) -> Count:
    """Of the names that begin so. `told` says how often a verdict called one registered, where there are verdicts."""
    own = {name for name in standing | set(written) if name.startswith(beginning)}
    lost = [name for name in acknowledged if name not in standing or (told is not None and not told[name])]
    doubled = [name for name in own if written[name] != 1 or (told is not None and told[name] > 1)]
    return Count(len(acknowledged), sorted(lost), sorted(doubled), sorted(own.difference(acknowledged)))

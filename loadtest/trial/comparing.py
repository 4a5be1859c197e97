"""What the node's change log holds against what the simulated top node's journal says."""

from dataclasses import asdict, dataclass
from pathlib import Path

import asyncpg

from idnode.model.reporting import Report, record_id
from idnode.simulator.journal import arrivals


@dataclass(frozen=True, slots=True)
class Comparison:
    """Counts of changes to identifiers; all but the first three, and those that came again, are to be 0."""

    committed: int
    arrived: int
    accepted_in_ledger: int
    came_again: int
    missing: int
    doubled: int
    never_committed: int
    out_of_order: int
    told_differently: int
    not_accepted_in_ledger: int

    @property
    def is_clean(self) -> bool:
        """Nothing missing, nothing doubled in effect, order kept, and the ledger knows it."""
        bad = (self.missing, self.doubled, self.never_committed, self.out_of_order, self.told_differently)
        return not any(bad) and not self.not_accepted_in_ledger

    def rows(self) -> list[tuple[str, int]]:
        """Names for people, and counts."""
        return [(name.replace("_", " "), count) for name, count in asdict(self).items()]


async def compare(dsn: str, journal: Path, *, node: str) -> Comparison:
    """The database of the node with this prefix, and the journal."""
    connection = await asyncpg.connect(dsn)
    try:
        changes = await connection.fetch("SELECT name, version FROM change WHERE subject = 'identifier'")
        counts = await connection.fetch("SELECT state, count(*) FROM sync_record WHERE report = 'T9' GROUP BY 1")
    finally:
        await connection.close()
    states = {str(state): int(count) for state, count in counts}
    committed = {record_id(node, Report.T9, name, version) for name, version in changes}
    came = arrivals(journal)
    beginning = record_id(node, Report.T9, "", 0)[: -len(":0")]
    in_effect = {id: times for id, times in came.in_effect.items() if id.startswith(beginning) and times > 0}
    return Comparison(
        committed=len(committed),
        arrived=len(in_effect),
        accepted_in_ledger=states.get("accepted", 0),
        came_again=sum(id.startswith(beginning) for id in came.repeated),
        missing=len(committed - in_effect.keys()),
        doubled=sum(times > 1 for times in in_effect.values()),
        never_committed=len(in_effect.keys() - committed),
        out_of_order=sum(report == Report.T9 for report, _ in came.out_of_order()),
        told_differently=len(came.conflicts),
        not_accepted_in_ledger=sum(count for state, count in states.items() if state != "accepted"),
    )

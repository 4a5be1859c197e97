"""What an import process counts, in plain ints."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class ImportCounters:
    """Counted since the process began; `jobs` and `oldest_waiting_seconds` are of the home, as of the last look."""

    rows: dict[str, int] = field(default_factory=dict)
    chunks: int = 0
    overtaken: int = 0
    failures: int = 0
    jobs: dict[str, int] = field(default_factory=dict)
    oldest_waiting_seconds: float = 0.0

    def count(self, outcome: str, rows: int) -> None:
        """Rows that were committed."""
        if rows:
            self.rows[outcome] = self.rows.get(outcome, 0) + rows

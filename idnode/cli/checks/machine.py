"""The machine: Python, open files, the year that the clock shows."""

from datetime import datetime

from idnode.cli.checks.finding import Finding, fail, ok, warn

PYTHON_MIN = (3, 11)
OPEN_FILES_MIN = 4_096
YEARS = range(2026, 2100)
"""A clock before the year of this release has lost its battery."""


def check_python(version: tuple[int, int, int]) -> Finding:
    """New enough."""
    text = ".".join(str(part) for part in version)
    if version[:2] < PYTHON_MIN:
        return fail("python", text, "install Python 3.11 or newer and make .venv anew: make clean serve")
    return ok("python", text)


def check_open_files(limit: int) -> Finding:
    """Every connection is an open file."""
    if limit < OPEN_FILES_MIN:
        advice = f"raise it: ulimit -n 65536, or LimitNOFILE=65536 in the systemd unit (at least {OPEN_FILES_MIN})"
        return warn("open files", f"limit {limit}", advice)
    return ok("open files", f"limit {limit}")


def check_year(now: datetime) -> Finding:
    """The clock shows a year in which this release can be running."""
    if now.year not in YEARS:
        return fail("clock", f"shows {now.isoformat(timespec='seconds')}", "set the clock: timedatectl set-ntp true")
    return ok("clock", f"shows {now.isoformat(timespec='seconds')}")

"""The two programs that are not ours, wrk and nginx: from Debian, installed when they are absent and we may."""

import os
import subprocess
from collections.abc import Callable, Collection
from pathlib import Path
from shutil import which

from loadtest.bench import CannotMeasure

PACKAGES = {"wrk": "wrk", "nginx": "nginx-light"}
SYSTEM_DIRECTORY = Path("/usr/sbin")
"""Where Debian has nginx, and where PATH of an ordinary user does not look."""
INSTALL_SECONDS_MAX = 600


def path_of(program: str) -> str | None:
    """Where it is, or None."""
    return which(program) or which(program, path=str(SYSTEM_DIRECTORY))


def require(programs: Collection[str], *, tell: Callable[[str], None]) -> None:
    """Install what is absent, and say so. Raises CannotMeasure with the command to give when we may not."""
    absent = [PACKAGES[program] for program in programs if path_of(program) is None]
    if not absent:
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", *absent]
    if os.geteuid() != 0 or which("apt-get") is None:
        raise CannotMeasure(
            f"absent: {', '.join(absent)}; install with `sudo {' '.join(command)}` or by your own means"
        )
    tell(f"installing {', '.join(absent)}: {' '.join(command)}")
    # In run level 1 Debian starts no service of a package that is being installed.
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS_MAX
    )
    if done.returncode or any(path_of(program) is None for program in programs):
        raise CannotMeasure(f"`{' '.join(command)}` failed: {done.stderr.strip()[-500:]}")

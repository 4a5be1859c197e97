"""The home directory: there or makeable, private, its owner's, with room."""

import os
import shutil
import stat
from pathlib import Path

from idnode.app_node import ADMIN_KEY_FILE
from idnode.cli.checks.finding import Finding, fail, ok, warn

FREE_BYTES_MIN = 1 << 30
SECRETS = (ADMIN_KEY_FILE, "postgres.password")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def check_home(home: Path, *, uid: int) -> list[Finding]:
    """Findings about `home` for a node that runs as `uid`."""
    home = home.absolute()
    try:
        status = home.stat()
    except FileNotFoundError:
        return [_makeable(home), _free(_nearest(home))]
    except OSError as error:
        return [fail("home", f"{home}: {error.strerror}", "run as the account of the node, or set IDNODE_HOME")]
    if not stat.S_ISDIR(status.st_mode):
        return [fail("home", f"{home} is no directory", "move it away or set IDNODE_HOME")]
    return [_access(home, status, uid), *_open_secrets(home), _free(home)]


def _makeable(home: Path) -> Finding:
    parent = _nearest(home)
    if not os.access(parent, os.W_OK | os.X_OK):
        return fail("home", f"{home} is not there and {parent} is not writable", "make it, or set IDNODE_HOME")
    return ok("home", f"{home} will be made by the first start")


def _nearest(path: Path) -> Path:
    return next(parent for parent in path.parents if parent.exists())


def _access(home: Path, status: os.stat_result, uid: int) -> Finding:
    mode = f"{stat.S_IMODE(status.st_mode):04o}"
    if status.st_uid != uid:
        found = f"{home} belongs to uid {status.st_uid}, this is uid {uid}"
        advice = f"run as that account, or: chown -R {uid} {home}"
        # Root may work in it, and would leave files behind that the owner cannot read.
        return warn("home", found, advice) if uid == 0 else fail("home", found, advice)
    if not os.access(home, os.W_OK | os.X_OK):
        return fail("home", f"{home} is not writable (mode {mode})", f"chmod 700 {home}")
    if status.st_mode & _OTHERS:
        return warn("home", f"{home} is open to others (mode {mode})", f"chmod 700 {home}")
    return ok("home", f"{home} (mode {mode})")


def _open_secrets(home: Path) -> list[Finding]:
    return [
        fail("secrets", f"{path} is open to others", f"chmod 600 {path}; then rotate what it holds")
        for name in SECRETS
        if (path := home / name).exists() and path.stat().st_mode & _OTHERS
    ]


def _free(place: Path) -> Finding:
    free = shutil.disk_usage(place).free
    found = f"{free / (1 << 30):.1f} GiB free"
    if free < FREE_BYTES_MIN:
        return warn("disk", found, "make room: below 1 GiB PostgreSQL may stop at the next checkpoint")
    return ok("disk", found)

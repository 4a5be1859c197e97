"""Under which identity PostgreSQL runs: its binaries refuse uid 0, so root starts them through this very file.

Run by its path, this file becomes somebody else and then the program it was told; the pid stays the same::

    python -I -S unprivileged.py namespace|account|admitted UID GID DIRECTORY PROGRAM [ARGUMENT...]

A user namespace comes first: inside, the uid is not 0, while outside the files still belong to root. So a checkout
below a directory that only root may enter (mode 0700) works. Where the kernel refuses namespaces (the default of
Docker), the server runs under an ordinary account; one that cannot reach the directory or the binaries is admitted
with CAP_DAC_OVERRIDE, which is less than the root that started it and no more than the namespace gives it.

Imports the standard library only, because the launcher runs isolated and without site packages.
"""

import ctypes
import os
import pwd
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

# From <linux/sched.h>, <linux/prctl.h> and <linux/capability.h>; os.unshare exists from Python 3.12 only.
CLONE_NEWUSER = 0x10000000
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_OVERRIDE = 1

EXIT_REFUSED = 77  # EX_NOPERM: the program was not reached; PostgreSQL's own programs never end with it
PROBE_SECONDS_MAX = 30
INHERITED_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "TMPDIR")
NOBODY = 65_534  # the kernel's own stand-in for ids that have no mapping


class Disguise(StrEnum):
    """How a process comes to its identity."""

    NONE = "no change"
    NAMESPACE = "namespace"
    ACCOUNT = "account"
    ADMITTED = "admitted"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who runs the server. `uid` and `gid` are what the program sees as its own."""

    disguise: Disguise
    uid: int
    gid: int

    def __str__(self) -> str:
        return f"uid {self.uid} by {self.disguise}"

    @property
    def owner(self) -> int:
        """The uid its files have as seen from this process: a namespace changes it only inside."""
        return self.uid if self.disguise in (Disguise.ACCOUNT, Disguise.ADMITTED) else os.geteuid()

    @classmethod
    def own(cls) -> "Identity":
        """The identity of this process: no launcher in between."""
        return cls(Disguise.NONE, os.geteuid(), os.getegid())

    @classmethod
    def namespace(cls) -> "Identity":
        """A user namespace of its own. initdb looks its uid up, so the inner uid is one that has a name."""
        stand_in = _account("nobody") or next((entry for entry in pwd.getpwall() if entry.pw_uid), None)
        return cls(Disguise.NAMESPACE, *((stand_in.pw_uid, stand_in.pw_gid) if stand_in else (NOBODY, NOBODY)))

    @classmethod
    def account(cls, uid: int, gid: int) -> "Identity":
        """An ordinary account of this system; only root can change to it."""
        return cls(Disguise.ACCOUNT, uid, gid)

    @classmethod
    def admitted(cls, uid: int, gid: int) -> "Identity":
        """An ordinary account that goes through closed directories; only root can change to it."""
        return cls(Disguise.ADMITTED, uid, gid)

    def command(self, directory: Path, program: Path, *arguments: str) -> list[str]:
        """The command line that runs `program` with `directory` as its working directory."""
        if self.disguise is Disguise.NONE:
            return [str(program), *arguments]
        launcher = [sys.executable, "-I", "-S", __file__, self.disguise.value, str(self.uid), str(self.gid)]
        return [*launcher, str(directory), str(program), *arguments]

    def launch(self, directory: Path, program: Path, *arguments: str, output: int) -> subprocess.Popen[bytes]:
        """Start `program` in a session of its own (Ctrl-C must reach only the node), writing to descriptor `output`."""
        # PGOPTIONS and the like would change the server, and our secrets are none of its business.
        environment = {name: os.environ[name] for name in INHERITED_VARIABLES if name in os.environ}
        return subprocess.Popen(  # noqa: S603  # our own launcher and a validated binary
            self.command(directory, program, *arguments),
            cwd=directory,
            env={**environment, "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )

    def refusal(self, directory: Path, program: Path) -> str | None:
        """Why this identity cannot enter `directory` and run `program`, or None when it can. Blocks; tries it."""
        command = self.command(directory, program, "--version")
        try:
            probe = subprocess.run(  # noqa: S603  # our own launcher and a validated binary
                command,
                check=False,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PROBE_SECONDS_MAX,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{self}: {error}"
        if probe.returncode == 0:
            return None
        return f"{self}: {probe.stderr.decode(errors='replace').strip() or f'status {probe.returncode}'}"

    def admit(self, home: Path) -> None:
        """Let an account pass through `home`, which stays root's: its group may enter, nobody may list or write."""
        if self.disguise is Disguise.ACCOUNT and home.stat().st_uid != self.uid:
            os.chown(home, -1, self.gid)
            home.chmod(0o710)

    def make_private(self, directory: Path) -> None:
        """Make `directory` one that only this identity enters; PermissionError when somebody else made it before."""
        directory.mkdir(mode=0o700, exist_ok=True)
        found = directory.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), self.owner}:
            raise PermissionError(f"{directory} belongs to somebody else (uid {found.st_uid})")
        directory.chmod(0o700)
        self.own_tree(directory)

    def own_tree(self, tree: Path) -> None:
        """Give `tree` to this identity. The top comes last, so that an interrupted run is repeated."""
        if tree.stat().st_uid == self.owner:
            return
        group = os.getegid() if self.owner == os.geteuid() else self.gid
        for directory, directories, files in os.walk(tree):
            for name in (*directories, *files):
                os.lchown(Path(directory, name), self.owner, group)
        os.chown(tree, self.owner, group)


def choose_identity(home: Path, cluster: Path, program: Path) -> Identity:
    """The first identity that works for an existing `home`. Blocks for a trial run; PermissionError when none does."""
    refusals = []
    for identity in _candidates(home, cluster):
        # An account is let into home later, so for it the question is whether it gets as far as that.
        doorstep = home.parent if identity.disguise is Disguise.ACCOUNT else home
        refusal = identity.refusal(doorstep, program)
        if refusal is None:
            return identity
        refusals.append(refusal)
    raise PermissionError(
        f"no identity can run PostgreSQL here ({'; '.join(refusals)}). Start the node as an ordinary user, or move"
        f" {home} and {program.parent} below directories that everyone may enter,"
        " or set IDNODE_DATABASE_URL to another server"
    )


def _candidates(home: Path, cluster: Path) -> Iterator[Identity]:
    uid = os.geteuid()
    if uid:
        # Containers give out uids without a name, and initdb insists on one.
        if not _has_name(uid):
            yield Identity.namespace()
        yield Identity.own()
        return
    if cluster.exists() and cluster.stat().st_uid:
        accounts = [_owner(cluster)]
    else:
        yield Identity.namespace()
        # Root working below somebody's directory: their account gets in where `nobody` does not.
        accounts = [_owner(place) for place in (home, home.parent) if place.stat().st_uid]
        accounts += [(entry.pw_uid, entry.pw_gid) for entry in map(_account, ("postgres", "nobody")) if entry]
    for account in accounts:
        yield Identity.account(*account)
    yield Identity.admitted(*(accounts[-1] if accounts else (NOBODY, NOBODY)))


def _owner(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_uid, found.st_gid


def _account(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _system(name: str, *arguments: object) -> None:
    """Call a function of libc that Python does not offer; OSError when it fails."""
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")


def _enter_namespace(uid: int, gid: int) -> None:
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    _system("unshare", CLONE_NEWUSER)
    # user_namespaces(7): the gid map may only be written once setgroups is denied.
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {outer_uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {outer_gid} 1")


def _enter_account(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def _enter_admitted_account(uid: int, gid: int) -> None:
    """capabilities(7): kept through the change of uid, cut down to one, and made ambient to last through execve."""
    _system("prctl", PR_SET_KEEPCAPS, 1, 0, 0, 0)
    _enter_account(uid, gid)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    only = 1 << CAP_DAC_OVERRIDE
    # Two rows of effective, permitted, inheritable: capabilities 0 to 31, then 32 to 63.
    _system("capset", header, (ctypes.c_uint32 * 6)(only, only, only, 0, 0, 0))
    _system("prctl", PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


_ENTER = {
    Disguise.NAMESPACE: _enter_namespace,
    Disguise.ACCOUNT: _enter_account,
    Disguise.ADMITTED: _enter_admitted_account,
}


def main(disguise: str, uid: str, gid: str, directory: str, program: str, *arguments: str) -> None:
    """Become the identity, enter `directory`, execute `program`. Comes back only as an exit with EXIT_REFUSED."""
    try:
        _ENTER[Disguise(disguise)](int(uid), int(gid))
        os.chdir(directory)
        os.execv(program, (program, *arguments))  # noqa: S606  # the whole purpose: no shell, the same pid
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(EXIT_REFUSED)


if __name__ == "__main__":
    main(*sys.argv[1:])

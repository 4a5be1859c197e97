"""The destination behind SFTP, with a real SSH server in the same loop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh
import pytest
from deposits_under_test import START, SteppingClock, deposits_under_test

from idnode.storage.database import Database
from idnode.storage.deposits import DepositState
from idnode.sync.deposit import sftp
from idnode.sync.deposit.errors import DeliveryFailed, DepositMisconfigured
from idnode.sync.deposit.sftp import SftpAddress, SftpDestination


@dataclass
class Backup:
    """A server, what it was sent, and how it is told to misbehave."""

    directory: Path
    known_hosts: Path
    client_key: Path
    port: int = 0
    begun: list[str] = field(default_factory=list)
    flushed: int = 0
    flushes: bool = True
    breaks_off_after: int | None = None
    hangs: bool = False

    @property
    def url(self) -> str:
        return f"sftp://node@127.0.0.1:{self.port}/in"

    def destination(self, **others: Path) -> SftpDestination:
        files = {"known_hosts": self.known_hosts, "client_key": self.client_key, **others}
        return SftpDestination(SftpAddress.parse(self.url), **files)


@pytest.fixture
async def backup(tmp_path: Path) -> AsyncIterator[Backup]:
    async with serving(tmp_path) as served:
        yield served


@asynccontextmanager
async def serving(directory: Path) -> AsyncIterator[Backup]:
    host_key, client_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    root = directory / "sftp"
    (root / "in").mkdir(parents=True)
    client_key.write_private_key(directory / "client.key")
    client_key.write_public_key(directory / "authorized")
    backup = Backup(root / "in", directory / "known_hosts", directory / "client.key")

    class Awkward(asyncssh.SFTPServer):
        """Writes below `root`; breaks off or hangs when it is told to."""

        def __init__(self, channel: "asyncssh.SSHServerChannel[bytes]") -> None:
            super().__init__(channel, chroot=str(root).encode())

        def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
            if pflags & asyncssh.FXF_TRUNC:
                backup.begun.append(path.decode().rsplit("/", 1)[-1])
            if backup.breaks_off_after is not None and len(backup.begun) > backup.breaks_off_after:
                self.channel.get_connection().abort()
            return super().open(path, pflags, attrs)

        def fsync(self, file_obj: object) -> Awaitable[None] | None:
            if not backup.flushes:
                raise asyncssh.SFTPOpUnsupported("no fsync@openssh.com")
            backup.flushed += 1
            return super().fsync(file_obj)

        async def write(self, file_obj: object, offset: int, data: bytes) -> int:
            if backup.hangs:
                await asyncio.Event().wait()
            written = super().write(file_obj, offset, data)
            assert isinstance(written, int)
            return written

    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[host_key],
        authorized_client_keys=str(directory / "authorized"),
        sftp_factory=Awkward,
    )
    backup.port = server.get_port()
    backup.known_hosts.write_text(f"[127.0.0.1]:{backup.port} {host_key.export_public_key().decode()}")
    try:
        yield backup
    finally:
        server.close()


async def test_a_file_is_there_under_its_name_only_when_it_is_complete(backup: Backup, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 200_000)
    (backup.directory / "old.draft").write_bytes(b"half")
    destination = backup.destination()

    await destination.put("name", tmp_path / "file")
    await destination.put("name", tmp_path / "file")
    sizes = await destination.sizes()
    content = await destination.get("name", bytes_max=10)
    await destination.close()

    assert backup.begun == ["name.draft", "name.draft"]
    assert backup.flushed == 2
    assert sizes == {"name": 200_000}
    assert content == b"x" * 10
    assert sorted(path.name for path in backup.directory.iterdir()) == ["name", "old.draft"]


async def test_a_server_that_cannot_flush_takes_files_all_the_same(backup: Backup, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    backup.flushes = False
    destination = backup.destination()

    await destination.put("name", tmp_path / "file")
    sizes = await destination.sizes()
    await destination.close()

    assert sizes == {"name": 1}


async def test_an_upload_that_breaks_off_goes_on_later_with_what_is_missing(
    backup: Backup, tmp_path: Path, database: Database, dsn: str
) -> None:
    under_test = deposits_under_test(
        tmp_path,
        database,
        dsn,
        now=SteppingClock(),
        part_bytes=1_024,
        destination=backup.url,
        sftp_known_hosts=backup.known_hosts,
        sftp_key=backup.client_key,
    )
    schedule, store = under_test.deposits.schedule, under_test.deposits.store
    backup.breaks_off_after = 2

    interrupted = await schedule.run_due(START)
    complete = sorted(path.name[-7:] for path in backup.directory.iterdir() if not path.name.endswith(".draft"))
    state = (await store.latest(1))[0].state
    backup.breaks_off_after = None
    backup.begun.clear()
    resumed = await schedule.run_due(START.replace(hour=19))
    await under_test.deposits.destination.close()

    assert (interrupted, state, complete) == (0, DepositState.MADE, ["part001", "part002"])
    assert (resumed, (await store.latest(1))[0].state) == (1, DepositState.SUBMITTED)
    assert backup.begun[0].endswith(".part003.draft")
    assert [name.split(".", 1)[1] for name in backup.begun[-2:]] == ["signature.draft", "manifest.json.draft"]
    assert len(await under_test.restorer.verify(backup.directory)) == 1


async def test_a_notice_is_read_from_there(backup: Backup, tmp_path: Path, database: Database, dsn: str) -> None:
    under_test = deposits_under_test(
        tmp_path,
        database,
        dsn,
        destination=backup.url,
        sftp_known_hosts=backup.known_hosts,
        sftp_key=backup.client_key,
    )
    deposit = await under_test.make()
    notice = f'{{"deposit": "{deposit.id}", "resend": 0, "state": "confirmed"}}'
    (backup.directory / "1.notice.json").write_text(notice)

    moved = await under_test.deposits.schedule.collect_notices()
    await under_test.deposits.destination.close()

    assert moved == 1
    assert (await under_test.deposits.store.find(deposit.id)).state is DepositState.CONFIRMED


async def test_a_host_that_is_not_known_is_sent_nothing(backup: Backup, tmp_path: Path) -> None:
    other = tmp_path / "other_hosts"
    key = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    other.write_text(f"[127.0.0.1]:{backup.port} {key}")

    with pytest.raises(DeliveryFailed, match="shows a host key that is not in the file of known hosts"):
        await backup.destination(known_hosts=other).sizes()


async def test_a_key_that_the_server_does_not_know_is_told(backup: Backup, tmp_path: Path) -> None:
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(tmp_path / "other.key")

    with pytest.raises(DeliveryFailed, match="does not let node in"):
        await backup.destination(client_key=tmp_path / "other.key").sizes()


async def test_a_server_that_hangs_is_left(backup: Backup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sftp, "STALL_SECONDS_MAX", 0.3)
    (tmp_path / "file").write_bytes(b"x")
    backup.hangs = True
    destination = backup.destination()

    with pytest.raises(DeliveryFailed, match="did not answer in time"):
        await destination.put("name", tmp_path / "file")
    backup.hangs = False
    await destination.put("name", tmp_path / "file")
    await destination.close()

    assert (backup.directory / "name").read_bytes() == b"x"


async def test_a_server_that_is_not_there_is_told(backup: Backup) -> None:
    address = SftpAddress("127.0.0.1", 1, "node", "/in")

    with pytest.raises(DeliveryFailed, match=r"sftp://127\.0\.0\.1:1 cannot be reached"):
        await SftpDestination(address, known_hosts=backup.known_hosts, client_key=backup.client_key).sizes()


@pytest.mark.parametrize(
    "url",
    ["sftp://host/x", "sftp://u:secret@host/x", "ftp://u@host/x", "sftp://u@/x", "sftp://u@host:x/y", "sftp://u@h?a"],
)
def test_an_address_names_user_and_host_and_no_password(url: str) -> None:
    with pytest.raises(DepositMisconfigured, match="must look like sftp://user@host:22/directory, without a password"):
        SftpAddress.parse(url)


def test_an_address_has_a_port_and_a_directory_by_default() -> None:
    assert SftpAddress.parse("sftp://u@host") == SftpAddress("host", 22, "u", "/")
    assert SftpAddress.parse("sftp://u%40v@host:2222/a/b") == SftpAddress("host", 2222, "u@v", "/a/b")

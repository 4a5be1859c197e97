"""Deposits that are not as they were made: each way is refused, and says which file and why."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import _fresh_database
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from deposits_under_test import deposits_under_test

from idnode.model.errors import IdnodeError
from idnode.storage.database import Database
from idnode.storage.deposits import DepositKind
from idnode.storage.embedded import EmbeddedPostgres
from idnode.sync.deposit.cipher import DepositKey
from idnode.sync.deposit.errors import DepositRefused
from idnode.sync.deposit.restoring import Restorer
from idnode.sync.deposit.signing import ManifestSigner
from idnode.wire.encoded_bytes import base64_of

SIGNER = ManifestSigner(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER_SIGNER = ManifestSigner(Ed25519PrivateKey.from_private_bytes(bytes(32)))


@pytest.fixture(scope="module")
def made(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a full deposit and two differentials."""
    directory = tmp_path_factory.mktemp("made")

    async def make() -> None:
        async for dsn in _fresh_database(postgres, "migrated"):
            database = await Database.open(dsn, connections_max=2)
            under_test = deposits_under_test(directory, database, dsn, part_bytes=1_024)
            for kind in (DepositKind.FULL, DepositKind.DIFFERENTIAL, DepositKind.DIFFERENTIAL):
                await under_test.make(kind)
            await database.close()

    asyncio.run(make())
    return directory / "backup"


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(made, tmp_path / "copy"))


def file(folder: Path, number: int, ending: str) -> Path:
    """A file of the deposit with this number in the folder, counted from 0."""
    stems = sorted({path.name.split(".")[0] for path in folder.iterdir()})
    return folder / f"{stems[number]}.{ending}"


def rewritten(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def exchange(folder: Path) -> None:
    one, two = file(folder, 0, "part001"), file(folder, 0, "part002")
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)


def sign_anew(folder: Path, number: int, signer: ManifestSigner) -> None:
    document = file(folder, number, "manifest.json").read_bytes()
    file(folder, number, "signature").write_text(base64_of(signer.sign(document)))


def change_kind(folder: Path) -> None:
    """By somebody who can sign."""
    rewritten(file(folder, 0, "manifest.json"), lambda text: text.replace(b'"kind": "full"', b'"kind": "differential"'))
    sign_anew(folder, 0, SIGNER)


def pass_off(folder: Path) -> None:
    """The first differential in the place of the second, all files."""
    for path in folder.glob(file(folder, 1, "*").name):
        shutil.copy(
            path, path.with_name(path.name.replace(file(folder, 1, "").name[:-1], file(folder, 2, "").name[:-1]))
        )


def empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


WAYS: list[tuple[str, Callable[[Path], object], str]] = [
    ("a part is missing", lambda f: file(f, 0, "part002").unlink(), r"part002 is missing: part 2 of \d"),
    ("the first part is missing", lambda f: file(f, 1, "part001").unlink(), "part001 is missing: part 1 of"),
    ("a part is cut", lambda f: rewritten(file(f, 0, "part001"), lambda b: b[:-1]), "1023 bytes, 1024 were signed"),
    (
        "a part is longer",
        lambda f: rewritten(file(f, 0, "part001"), lambda b: b + b"x"),
        "1025 bytes, 1024 were signed",
    ),
    ("a byte is changed", lambda f: rewritten(file(f, 2, "part001"), lambda b: b[:-1] + bytes([b[-1] ^ 1])), "SHA-256"),
    ("parts are exchanged", exchange, "part001 has the SHA-256"),
    ("the manifest is changed", lambda f: rewritten(file(f, 0, "manifest.json"), lambda b: b + b"\n"), "was altered"),
    ("the manifest is missing", lambda f: file(f, 0, "manifest.json").unlink(), "builds on .*, which is missing"),
    ("one between is missing", lambda f: file(f, 1, "manifest.json").unlink(), "builds on .*, which is missing"),
    ("the signature is missing", lambda f: file(f, 0, "signature").unlink(), "signature is missing"),
    ("the signature is none", lambda f: file(f, 0, "signature").write_text("!"), "is no signature in base64"),
    ("somebody else signed", lambda f: sign_anew(f, 1, OTHER_SIGNER), "signed with another key"),
    ("one is passed off as another", pass_off, "is the manifest of"),
    ("the kind is changed and signed", change_kind, "is differential and builds on None"),
    ("there is nothing", empty, "there is no deposit in"),
]


@pytest.mark.parametrize(("way", "told"), [(way, told) for _, way, told in WAYS], ids=[name for name, _, _ in WAYS])
async def test_what_was_altered_is_refused(folder: Path, way: Callable[[Path], object], told: str) -> None:
    way(folder)

    with pytest.raises(DepositRefused, match=told):
        await Restorer(DepositKey(bytes(range(32))), SIGNER.verifier).verify(folder)


async def test_what_was_not_altered_is_verified_down_to_the_last_chunk(folder: Path) -> None:
    chain = await Restorer(DepositKey(bytes(range(32))), SIGNER.verifier).verify(folder)

    assert [deposit.manifest.kind for deposit in chain] == ["full", "differential", "differential"]


async def test_a_manifest_in_the_middle_is_the_end_of_its_chain(folder: Path) -> None:
    manifest = file(folder, 1, "manifest.json")

    chain = await Restorer(DepositKey(bytes(range(32))), SIGNER.verifier).verify(manifest)

    assert [deposit.manifest.kind for deposit in chain] == ["full", "differential"]


async def test_what_the_chain_does_not_need_may_be_of_another_signer(folder: Path) -> None:
    old = folder / "deposit-20200101T000000000Z-0.manifest.json"
    shutil.copy(file(folder, 0, "manifest.json"), old)
    old.with_name("deposit-20200101T000000000Z-0.signature").write_text(base64_of(OTHER_SIGNER.sign(old.read_bytes())))

    chain = await Restorer(DepositKey(bytes(range(32))), SIGNER.verifier).verify(folder)

    assert [deposit.manifest.kind for deposit in chain] == ["full", "differential", "differential"]


async def test_the_newest_is_not_passed_over_in_silence(folder: Path) -> None:
    sign_anew(folder, 2, OTHER_SIGNER)
    name = file(folder, 2, "manifest.json").name

    with pytest.raises(DepositRefused, match=f"{name}: the manifest was altered, or signed with another key"):
        await Restorer(DepositKey(bytes(range(32))), SIGNER.verifier).verify(folder)


async def test_a_path_that_is_no_deposit_is_told_by_its_name(folder: Path) -> None:
    restorer = Restorer(DepositKey(bytes(range(32))), SIGNER.verifier)

    with pytest.raises(DepositRefused, match="there is no directory and no manifest at /nowhere/deposits"):
        await restorer.verify(Path("/nowhere/deposits"))
    with pytest.raises(DepositRefused, match=r"part001 is no manifest; they end with \.manifest\.json"):
        await restorer.verify(file(folder, 0, "part001"))


async def test_another_key_does_not_open_it(folder: Path) -> None:
    with pytest.raises(DepositRefused, match=r"sealed with key [0-9a-f]{16}, the key given is [0-9a-f]{16}"):
        await Restorer(DepositKey(bytes(32)), SIGNER.verifier).verify(folder)


async def test_a_refusal_leaves_the_database_empty(folder: Path, dsn: str, database: Database) -> None:
    file(folder, 2, "part001").unlink()
    restorer = Restorer(DepositKey(bytes(range(32))), SIGNER.verifier)

    with pytest.raises(IdnodeError):
        await restorer.restore(folder, dsn)
    file(folder, 2, "part001").touch()
    async with database.session() as session:
        changes = await session.rows("SELECT FROM change")

    assert changes == []


async def test_rows_that_do_not_fit_take_everything_back(folder: Path, dsn: str, database: Database) -> None:
    restorer = Restorer(DepositKey(bytes(range(32))), SIGNER.verifier)
    async with database.session() as session:
        await session.run("UPDATE sync_state SET verdict_cursor = 'before'")
        await session.run("ALTER TABLE usage_source DROP COLUMN requests")

    with pytest.raises(
        DepositRefused, match="table usage_source has columns that this release does not know: requests"
    ):
        await restorer.restore(folder, dsn)
    async with database.session() as session:
        [row] = await session.rows("SELECT verdict_cursor FROM sync_state")

    assert row["verdict_cursor"] == "before"

"""What the tests of deposits share: keys, a maker on a database, a directory to deliver to."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from idnode.storage.database import Database
from idnode.storage.deposits import Deposit, DepositKind
from idnode.sync.deposit.cipher import DepositKey
from idnode.sync.deposit.options import DepositOptions, Deposits, deposits_of
from idnode.sync.deposit.restoring import Restorer
from idnode.sync.deposit.signing import ManifestSigner

SECRET = bytes(range(32))
START = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
SALT = b"s" * 32


class SteppingClock:
    """Each look is a second later; a test may move it."""

    def __init__(self, moment: datetime = START) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment


@dataclass(frozen=True, slots=True)
class DepositsUnderTest:
    """The deposits of a node under test, delivered into `folder`."""

    deposits: Deposits
    options: DepositOptions
    home: Path
    folder: Path

    @property
    def restorer(self) -> Restorer:
        """With the right keys."""
        assert self.options.signing_key is not None
        return Restorer(DepositKey(SECRET), ManifestSigner.read(self.options.signing_key).verifier)

    async def make(self, kind: DepositKind = DepositKind.FULL) -> Deposit:
        """A deposit that is submitted."""
        return await self.deposits.schedule.make_now(kind)

    def notice(self, name: str, document: object) -> None:
        """The platform's word on a deposit."""
        (self.folder / f"{name}.notice.json").write_bytes(orjson.dumps(document))


def deposit_keys(directory: Path) -> tuple[Path, Path]:
    """Files of a sealing key and of an Ed25519 signing key."""
    sealing, signing = directory / "deposit.key", directory / "signing.pem"
    sealing.write_bytes(SECRET)
    key = Ed25519PrivateKey.from_private_bytes(SECRET)
    signing.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return sealing, signing


def deposits_under_test(
    directory: Path,
    database: Database,
    dsn: str,
    *,
    now: Callable[[], datetime] | None = None,
    part_bytes: int = 16_384,
    cipher: str = "aes-256-gcm",
    **others: object,
) -> DepositsUnderTest:
    """Everything below `directory`."""
    folder, home = directory / "backup", directory / "home"
    folder.mkdir(exist_ok=True)
    home.mkdir(exist_ok=True)
    sealing, signing = deposit_keys(directory)
    options = DepositOptions(
        **{  # type: ignore[arg-type]  # a test names its own
            "destination": str(folder),
            "key_file": sealing,
            "signing_key": signing,
            "cipher": cipher,
            "part_bytes": part_bytes,
            **others,
        }
    )
    deposits = deposits_of(
        options, node="88.118", home=home, dsn=dsn, database=database, now=now or SteppingClock(), salt=lambda: SALT
    )
    return DepositsUnderTest(deposits, options, home, folder)

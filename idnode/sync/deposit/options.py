"""What an operator decides about deposits, and the objects that follow from it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from idnode.storage.database import Database
from idnode.storage.deposits import DepositStore
from idnode.sync.deposit.cipher import DepositKey
from idnode.sync.deposit.delivering import Delivery
from idnode.sync.deposit.destination import Destination, FolderDestination
from idnode.sync.deposit.errors import DepositMisconfigured
from idnode.sync.deposit.making import DepositMaker
from idnode.sync.deposit.schedule import DepositSchedule
from idnode.sync.deposit.sealing import Seal
from idnode.sync.deposit.sftp import SftpAddress, SftpDestination
from idnode.sync.deposit.signing import ManifestSigner
from idnode.sync.deposit.staging import Staging

PART_BYTES_DEFAULT = 1 << 30
STAGING_NAME = "deposits"


@dataclass(frozen=True, slots=True)
class DepositOptions:
    """Settings `deposit_*`. `destination` is a directory or `sftp://user@host:port/directory`."""

    destination: str | None = None
    key_file: Path | None = None
    signing_key: Path | None = None
    cipher: str = "aes-256-gcm"
    part_bytes: int = PART_BYTES_DEFAULT
    full_days: int = 7
    hour: int = 2
    sftp_known_hosts: Path | None = None
    sftp_key: Path | None = None


@dataclass(frozen=True, slots=True)
class Deposits:
    """Everything that works on the deposits of a node."""

    store: DepositStore
    schedule: DepositSchedule
    delivery: Delivery
    destination: Destination


def deposits_of(
    options: DepositOptions,
    *,
    node: str,
    home: Path,
    dsn: str,
    database: Database,
    now: Callable[[], datetime],
    salt: Callable[[], bytes],
) -> Deposits:
    """Reads the keys. Raises DepositMisconfigured."""
    store, staging, destination = DepositStore(database), Staging(home / STAGING_NAME), destination_of(options)
    seal = Seal(options.cipher, DepositKey.read(_required(options.key_file, "deposit_key_file")))
    maker = DepositMaker(dsn, store, staging, node=node, seal=seal, part_bytes=options.part_bytes, now=now, salt=salt)
    signer = ManifestSigner.read(_required(options.signing_key, "deposit_signing_key"))
    delivery = Delivery(store, staging, destination, signer, now=now)
    schedule = DepositSchedule(
        maker,
        store,
        staging,
        delivery,
        destination,
        hour=options.hour,
        full_days=options.full_days,
        now=now,
    )
    return Deposits(store, schedule, delivery, destination)


def destination_of(options: DepositOptions) -> Destination:
    """Raises DepositMisconfigured."""
    if options.destination is None:
        raise DepositMisconfigured("there is no destination for deposits; set IDNODE_DEPOSIT_DESTINATION")
    if "://" not in options.destination:
        return FolderDestination(Path(options.destination))
    return SftpDestination(
        SftpAddress.parse(options.destination),
        known_hosts=_required(options.sftp_known_hosts, "deposit_sftp_known_hosts"),
        client_key=_required(options.sftp_key, "deposit_sftp_key"),
    )


def _required(path: Path | None, setting: str) -> Path:
    if path is None:
        raise DepositMisconfigured(f"deposits need IDNODE_{setting.upper()}")
    return path

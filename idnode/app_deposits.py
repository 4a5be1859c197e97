"""The composition root of the deposits: what the settings say of them, and what works on them."""

import os

from idnode.config import Settings
from idnode.lifecycle import now
from idnode.storage.database import Database
from idnode.sync.deposit.options import DepositOptions, Deposits, deposits_of
from idnode.sync.deposit.sealing import SALT_BYTES


def deposit_options(settings: Settings) -> DepositOptions:
    """The settings `deposit_*`."""
    return DepositOptions(
        settings.deposit_destination,
        settings.deposit_key_file,
        settings.deposit_signing_key,
        settings.deposit_cipher,
        settings.deposit_part_bytes,
        settings.deposit_full_days,
        settings.deposit_hour,
        settings.deposit_sftp_known_hosts,
        settings.deposit_sftp_key,
    )


def compose_deposits(settings: Settings, database: Database, dsn: str) -> Deposits:
    """Reads the keys. Raises DepositMisconfigured."""
    return deposits_of(
        deposit_options(settings),
        node=settings.prefix,
        home=settings.home,
        dsn=dsn,
        database=database,
        now=now,
        salt=lambda: os.urandom(SALT_BYTES),
    )

"""Which deposit builds on which, and what is due; pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from idnode.model.beijing import BEIJING
from idnode.storage.deposits import Deposit, DepositKind, DepositState

REMAKE_AFTER = timedelta(hours=1)
"""A deposit that was refused is made anew, but not at once again and again."""

_DELIVERED = frozenset({DepositState.SUBMITTED, DepositState.CONFIRMED})


def basis_of(known: Sequence[Deposit], lineage: str | None) -> Deposit | None:
    """The latest deposit that a differential can build on; None when there has to be a full one.

    It and all below it were delivered and not refused, and its watermark is of this cluster and timeline.
    """
    by_id = {deposit.id: deposit for deposit in known}
    for deposit in sorted(known, key=lambda each: each.id, reverse=True):
        if lineage is not None and deposit.watermark.lineage == lineage and _is_whole(deposit, by_id):
            return deposit
    return None


def delivered(known: Sequence[Deposit]) -> Deposit | None:
    """The latest deposit that a node can be restored from: it and all below it were delivered and not refused."""
    by_id = {deposit.id: deposit for deposit in known}
    newest_first = sorted(known, key=lambda each: each.id, reverse=True)
    return next((deposit for deposit in newest_first if _is_whole(deposit, by_id)), None)


def due(known: Sequence[Deposit], now: datetime, *, hour: int, full_days: int) -> DepositKind | None:
    """Which kind is to be made: one a day after `hour` (Beijing time), a full one every `full_days`.

    What stands on a refused deposit counts for nothing, like the refused one itself.
    """
    by_id = {deposit.id: deposit for deposit in known}
    standing = [deposit for deposit in known if not _is_refused(deposit, by_id)]
    if any(deposit.made >= _last_moment(now, hour) for deposit in standing):
        return None
    if any(deposit.made > now - REMAKE_AFTER for deposit in known):
        return None
    # A day's deposit is made a little earlier or later than the day before.
    fresh_since = now - timedelta(days=full_days) + timedelta(hours=12)
    has_full = any(deposit.kind is DepositKind.FULL and deposit.made > fresh_since for deposit in standing)
    return DepositKind.DIFFERENTIAL if has_full else DepositKind.FULL


def _is_whole(deposit: Deposit, by_id: Mapping[str, Deposit]) -> bool:
    present: Deposit | None = deposit
    while present is not None and present.state in _DELIVERED:
        if present.base is None:
            return True
        present = by_id.get(present.base)
    return False


def _is_refused(deposit: Deposit, by_id: Mapping[str, Deposit]) -> bool:
    """It, or one below it."""
    present: Deposit | None = deposit
    while present is not None and present.state is not DepositState.REFUSED:
        present = by_id.get(present.base or "")
    return present is not None


def _last_moment(now: datetime, hour: int) -> datetime:
    """When a deposit was due last."""
    here = now.astimezone(BEIJING)
    moment = here.replace(hour=hour, minute=0, second=0, microsecond=0)
    return moment if moment <= here else moment - timedelta(days=1)

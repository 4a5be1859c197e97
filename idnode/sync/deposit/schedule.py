"""The daily deposit: notices are read, what is due is made, what was not delivered is sent, old files are removed."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from idnode.model.errors import IdnodeError
from idnode.storage.deposits import Deposit, DepositKind, DepositState, DepositStore
from idnode.sync.deposit.chain import delivered, due
from idnode.sync.deposit.delivering import Delivery
from idnode.sync.deposit.destination import NOTICE_BYTES_MAX, NOTICE_SUFFIX, NOTICES_MAX, Destination
from idnode.sync.deposit.errors import DeliveryFailed, DepositRefused
from idnode.sync.deposit.making import SUMMED_UP, DepositMaker
from idnode.sync.deposit.notices import read_notice
from idnode.sync.deposit.staging import Staging

RETRY_AFTER = timedelta(minutes=5)
KEPT_STAGED = 2
"""Full deposits whose files are kept to be sent again, with the differentials after them."""

log = structlog.get_logger("idnode.deposit")


class DepositSchedule:
    """Run by the relay, by one process over all hosts. Failures are logged, and tried again after RETRY_AFTER."""

    def __init__(
        self,
        maker: DepositMaker,
        store: DepositStore,
        staging: Staging,
        delivery: Delivery,
        destination: Destination,
        *,
        hour: int,
        full_days: int,
        now: Callable[[], datetime],
    ) -> None:
        self._maker = maker
        self._store = store
        self._staging = staging
        self._delivery = delivery
        self._destination = destination
        self._hour = hour
        self._full_days = full_days
        self._now = now
        self._not_before: datetime | None = None
        self._read_notices: set[str] = set()

    async def run_due(self, now: datetime) -> int:
        """Do what is due; how many deposits were submitted. Call it about once a minute."""
        if self._not_before is not None and now < self._not_before:
            return 0
        try:
            await self._try_notices()
            await self._make_due(now)
            sent = await self._send_made()
            await self._tidy()
        except (IdnodeError, OSError) as error:
            self._not_before = now + RETRY_AFTER
            log.warning("deposit_postponed", code=getattr(error, "code", "os-error"), detail=str(error))
            return 0
        self._not_before = None
        return sent

    async def make_now(self, kind: DepositKind) -> Deposit:
        """Make a deposit at once and send it. Raises what making and sending raise; what was made stays to be sent."""
        deposit = await self._maker.make(kind)
        await self._delivery.send(deposit)
        return await self._store.find(deposit.id)

    async def collect_notices(self) -> int:
        """Take the platform's notices in; how many moved a deposit. Raises DeliveryFailed."""
        names = sorted(name for name in await self._destination.sizes() if name.endswith(NOTICE_SUFFIX))
        fresh = [name for name in names if name not in self._read_notices][:NOTICES_MAX]
        return sum([await self._take_notice(name) for name in fresh])

    async def delivered_at(self) -> datetime | None:
        """The moment that the latest deposit shows that a node can be restored from; None without one."""
        deposit = delivered(await self._store.latest(SUMMED_UP))
        return None if deposit is None else deposit.watermark.seen_at

    async def _try_notices(self) -> None:
        """A destination that is away is no reason not to make a deposit."""
        try:
            await self.collect_notices()
        except DeliveryFailed as error:
            log.warning("deposit_notices_unread", detail=error.detail)

    async def _take_notice(self, name: str) -> bool:
        notice = read_notice(await self._destination.get(name, bytes_max=NOTICE_BYTES_MAX))
        if notice is None:
            return False
        known = {deposit.id: deposit for deposit in await self._store.latest(SUMMED_UP)}
        deposit = known.get(notice.deposit)
        if deposit is not None and deposit.state is DepositState.MADE:
            return False
        self._read_notices.add(name)
        # A notice on an earlier sending says nothing of the present one.
        if deposit is None or deposit.resend != notice.resend:
            return False
        has_moved = await self._store.move(deposit.id, notice.verdict, reason=notice.reason, at=self._now())
        if has_moved:
            log.info("deposit_judged", deposit=deposit.id, state=notice.state, reason=notice.reason)
        return has_moved

    async def _make_due(self, now: datetime) -> None:
        kind = due(await self._store.latest(SUMMED_UP), now, hour=self._hour, full_days=self._full_days)
        if kind is not None:
            deposit = await self._maker.make(kind)
            log.info("deposit_made", deposit=deposit.id, kind=deposit.kind, bytes=deposit.total_bytes)

    async def _send_made(self) -> int:
        made = [each for each in await self._store.latest(SUMMED_UP) if each.state is DepositState.MADE]
        sent = 0
        for deposit in reversed(made):
            try:
                await self._delivery.send(deposit)
            except DepositRefused as error:
                log.warning("deposit_lost", deposit=deposit.id, detail=error.detail)
            else:
                sent += 1
                log.info("deposit_submitted", deposit=deposit.id, resend=deposit.resend)
        return sent

    async def _tidy(self) -> None:
        known = await self._store.latest(SUMMED_UP)
        standing = [each for each in known if each.kind is DepositKind.FULL and each.state is not DepositState.REFUSED]
        if len(standing) >= KEPT_STAGED:
            dropped = await asyncio.to_thread(self._staging.drop_before, standing[KEPT_STAGED - 1].id)
            if dropped:
                log.info("deposit_files_removed", deposits=dropped)

"""Brings a staged deposit to its destination: parts that are missing there, then the signature, the manifest last."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from idnode.model.errors import Conflict
from idnode.storage.deposits import Deposit, DepositState, DepositStore
from idnode.sync.deposit.destination import Destination
from idnode.sync.deposit.errors import DepositRefused
from idnode.sync.deposit.manifest import MANIFEST_SUFFIX, SIGNATURE_SUFFIX, Manifest
from idnode.sync.deposit.signing import ManifestSigner
from idnode.sync.deposit.staging import Staging
from idnode.wire.encoded_bytes import base64_of


class Delivery:
    """Sends deposits. What was sent of an interrupted delivery is not sent again."""

    def __init__(
        self,
        store: DepositStore,
        staging: Staging,
        destination: Destination,
        signer: ManifestSigner,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._staging = staging
        self._destination = destination
        self._signer = signer
        self._now = now

    async def send(self, deposit: Deposit) -> None:
        """Upload what is not there yet; then the deposit is submitted. Raises DeliveryFailed.

        A deposit whose files are not on this host is moved to refused, and DepositRefused raised: it must be made anew.
        """
        staged = await asyncio.to_thread(self._staging.find, deposit.id)
        if staged is None:
            reason = "its files are not on this host any more"
            await self._store.move(deposit.id, DepositState.REFUSED, reason=reason, at=self._now())
            raise DepositRefused(f"deposit {deposit.id} cannot be sent: {reason}")
        await self._upload(replace(staged, resend=deposit.resend))
        await self._store.move(deposit.id, DepositState.SUBMITTED, reason=None, at=self._now())

    async def resend(self, id: str) -> Deposit:
        """The same deposit under the next resend number. Raises NotFound, Conflict, DeliveryFailed."""
        deposit = await self._store.find(id)
        if deposit.state is DepositState.MADE:
            raise Conflict(f"deposit {id} was not submitted yet; it needs no resend number to be sent")
        if await asyncio.to_thread(self._staging.find, id) is None:
            raise Conflict(f"the files of deposit {id} are not on this host any more; make a new one")
        await self.send(await self._store.number_resend(id, at=self._now()))
        return await self._store.find(id)

    async def _upload(self, manifest: Manifest) -> None:
        present = await self._destination.sizes()
        for part in manifest.parts:
            name = manifest.part_name(part)
            if present.get(name) != part.size_bytes:
                await self._destination.put(name, self._staging.part(manifest.deposit, part.number))
        document = manifest.document()
        signature = base64_of(self._signer.sign(document)).encode() + b"\n"
        for suffix, content in ((SIGNATURE_SUFFIX, signature), (MANIFEST_SUFFIX, document)):
            name = manifest.stem + suffix
            path = await asyncio.to_thread(self._staging.write, manifest.deposit, name, content)
            await self._destination.put(name, path)

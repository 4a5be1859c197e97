"""What administrators of a prefix lose when it goes to another enterprise: keys, groups, sessions, the signing key."""

from dataclasses import replace

from idnode.model.errors import VersionMoved
from idnode.model.handle_value import HandleValue
from idnode.model.identifier import Prefix, fold
from idnode.model.record import Operation, Record
from idnode.registry.commands import Asked
from idnode.registry.directory_writes import DirectoryWriter
from idnode.registry.handle_admin import ADMIN, PUBKEY, SECKEY, VLIST, record_of_prefix
from idnode.registry.handle_keys import ADMIN_INDEX, GROUP_INDEX
from idnode.registry.planning import stored
from idnode.registry.signing_keys import retirement
from idnode.storage.database import Session
from idnode.storage.identifiers import IdentifierStore, RecordWrite, WriteOutcome
from idnode.storage.one_transaction import OneTransaction
from idnode.storage.signing_keys import SigningKeyStore
from idnode.storage.transfers import TransferStore
from idnode.wire.record_json import read_record
from idnode.wire.typed_values.hs_admin import ADMIN_PERMISSIONS_ALL, HsAdmin
from idnode.wire.typed_values.hs_vlist import HsVlist

_ADMINISTRATIVE = frozenset({ADMIN, VLIST, PUBKEY, SECKEY})


class FormerAdministrators:
    """Takes away, within the transaction of a transfer, what the former enterprise could prove itself with."""

    def __init__(self, store: TransferStore, signing_keys: SigningKeyStore, writer: DirectoryWriter) -> None:
        self._store = store
        self._signing_keys = signing_keys
        self._writer = writer

    async def take_away(self, session: Session, prefix: Prefix, asked: Asked) -> None:
        """Raises VersionMoved when somebody else changes the record of the prefix meanwhile."""
        retired = await self._signing_keys.retire(session, prefix, asked.trace.at)
        if retired is not None:
            before = replace(retired, version=retired.version - 1)
            await self._writer.log(session, retirement(prefix, before, retired), asked)
        handle = record_of_prefix(prefix)
        identifiers = IdentifierStore(OneTransaction(session))
        found = await identifiers.find(handle.folded)
        if found is not None:
            own = {key.public for key in await self._signing_keys.all_in(session, prefix)}
            record = _without_administrators(read_record(found.document), own, asked)
            write = RecordWrite(stored(record), Operation.TRANSFER, asked.trace)
            if await identifiers.commit([write]) != [WriteOutcome.COMMITTED]:
                raise VersionMoved(f"{handle.text} was changed by someone else meanwhile")
        await self._store.end_sessions(session, handle.folded)


def _without_administrators(record: Record, own: set[bytes], asked: Asked) -> Record:
    """The next version: no keys but the public halves that the node made, and a group with nobody in it.

    The state stays, in a tombstone too: one that is restored is not to bring keys back.
    """
    moment = asked.trace.at.replace(microsecond=0)
    kept = [value for value in record.values if fold(value.type) not in _ADMINISTRATIVE or _is_own(value, own)]
    taken = {value.index for value in kept}
    rights = HsAdmin(ADMIN_PERMISSIONS_ALL, record.identifier.text, GROUP_INDEX)
    nobody = [
        HandleValue(ADMIN_INDEX, ADMIN, rights.encode(), moment),
        HandleValue(GROUP_INDEX, VLIST, HsVlist(()).encode(), moment),
    ]
    values = (*kept, *(value for value in nobody if value.index not in taken))
    return replace(
        record,
        values=tuple(sorted(values, key=lambda value: value.index)),
        version=record.version + 1,
        updated=asked.trace.at,
    )


def _is_own(value: HandleValue, own: set[bytes]) -> bool:
    return fold(value.type) == PUBKEY and value.data in own

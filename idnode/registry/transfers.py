"""Transfers between enterprises: request, accept, confirm, reject, cancel; what nobody answers in time expires."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from idnode.model.access import ApiKey, Role
from idnode.model.change import Subject, Trace
from idnode.model.enterprise import EnterpriseState
from idnode.model.errors import Conflict, Forbidden, InvalidInput, NotFound, VersionMoved, Violation
from idnode.model.identifier import Identifier, Prefix
from idnode.model.limits import VIOLATIONS_MAX
from idnode.model.transfer import OPEN, STATE_AFTER, Act, Step, Transfer, TransferState
from idnode.registry.commands import Asked
from idnode.registry.directory_writes import DirectoryWrite, DirectoryWriter
from idnode.registry.enterprises import EnterpriseRegistry
from idnode.registry.planning import RecordPlanner
from idnode.registry.prefixes import PrefixRegistry
from idnode.registry.transfer_moves import TransferMover, refuse_unfit, require_movable
from idnode.storage.database import Session
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.identifiers import IdentifierStore
from idnode.storage.transfers import TransferStore
from idnode.wire.instants import instant_text
from idnode.wire.naming_json import transfer_document
from idnode.wire.record_json import read_record

EXPIRED_AT_ONCE_MAX = 1_000
EXPIRY = "expiry"
"""Who acts when a transfer expires."""

Answer = Callable[[Transfer], KeptAnswer]


@dataclass(frozen=True, slots=True)
class TransferForm:
    """What is to be transferred, to whom: a prefix, or identifiers that one enterprise holds."""

    prefix: Prefix | None
    identifiers: tuple[Identifier, ...]
    receiver: UUID
    note: str | None


class TransferRegistry:
    """The transfers of the node. A requested one waits for `wait`."""

    def __init__(
        self,
        store: TransferStore,
        prefixes: PrefixRegistry,
        enterprises: EnterpriseRegistry,
        identifiers: IdentifierStore,
        planner: RecordPlanner,
        mover: TransferMover,
        writer: DirectoryWriter,
        *,
        wait: timedelta,
    ) -> None:
        self._store = store
        self._prefixes = prefixes
        self._enterprises = enterprises
        self._identifiers = identifiers
        self._planner = planner
        self._mover = mover
        self._writer = writer
        self._wait = wait

    async def find_for(self, key: ApiKey, id: UUID) -> Transfer:
        """For who sees everything, and for the two enterprises. Raises NotFound, Forbidden."""
        return _as_of(await self._find_for(key, id), self._writer.now())

    async def page(self, key: ApiKey, *, after: UUID | None, state: TransferState | None, limit: int) -> list[Transfer]:
        """A page of what the key may see, in order of request."""
        now = self._writer.now()
        among = await self._prefixes.enterprises_of(key.prefixes) if key.prefixes else None
        found = await self._store.page(after=after, among=among, state=state, now=now, limit=limit)
        return [_as_of(each, now) for each in found]

    async def request(self, form: TransferForm, asked: Asked, answer: Answer) -> KeptAnswer:
        """A new transfer. Raises Forbidden, NotFound, InvalidInput, and Conflict with all that stands against it."""
        giver = await (self._giver_of_prefix(form.prefix, asked) if form.prefix else self._giver_of(form, asked))
        await self._require_receiver(form.receiver, giver)
        now = self._writer.now()
        transfer = Transfer(
            id=self._writer.new_id(),
            prefix=form.prefix,
            identifiers=form.identifiers,
            giver=giver,
            receiver=form.receiver,
            state=TransferState.REQUESTED,
            steps=(_step(Act.REQUEST, asked, now, form.note),),
            expires=now + self._wait,
            version=1,
            created=now,
            updated=now,
        )
        if not asked.dry_run:
            await self.settle_expired(asked)

        async def act(session: Session) -> None:
            taken = await self._store.insert(session, transfer)
            if taken:
                raise _in_another(transfer, taken)

        write = DirectoryWrite(Subject.TRANSFER, str(transfer.id), 1, Act.REQUEST, None, transfer_document(transfer))
        return await self._writer.commit(write, asked, answer(transfer), act)

    async def approve(self, id: UUID, note: str | None, asked: Asked, answer: Answer) -> KeptAnswer:
        """The receiver's yes, or the node's. With the last one that it takes, what is transferred changes hands.

        Raises NotFound, Forbidden, VersionMoved, and Conflict with all that stands against it.
        """
        transfer = await self._current(id, asked)
        act = Act.CONFIRM if await self._speaks_for_node(transfer, asked.key) else Act.ACCEPT
        following = _next(transfer, act, asked, self._writer.now(), note)
        if following.state is not TransferState.APPROVED:
            return await self._write(transfer, following, act, asked, answer(following))
        write = _logged(transfer, following, act)
        return await self._mover.carry_out(following, write, asked, answer(following))

    async def reject(self, id: UUID, note: str | None, asked: Asked, answer: Answer) -> KeptAnswer:
        """The receiver's no, or the node's. Raises NotFound, Forbidden, VersionMoved, Conflict."""
        transfer = await self._current(id, asked)
        await self._speaks_for_node(transfer, asked.key)
        following = _next(transfer, Act.REJECT, asked, self._writer.now(), note)
        return await self._write(transfer, following, Act.REJECT, asked, answer(following))

    async def cancel(self, id: UUID, note: str | None, asked: Asked, answer: Answer) -> KeptAnswer:
        """By the enterprise that gives, or an admin. Raises NotFound, Forbidden, VersionMoved, Conflict."""
        transfer = await self._current(id, asked)
        if asked.key.role is not Role.ADMIN and not await self._is_of(asked.key, transfer.giver):
            raise Forbidden("a transfer is cancelled by a key of the enterprise that gives, or by an admin")
        following = _next(transfer, Act.CANCEL, asked, self._writer.now(), note)
        return await self._write(transfer, following, Act.CANCEL, asked, answer(following))

    async def settle_expired(self, asked: Asked) -> int:
        """Write down what has expired, a bounded number at a time; returns how many. `asked` lends its request id."""
        settled = 0
        for transfer in await self._store.expired(self._writer.now(), limit=EXPIRED_AT_ONCE_MAX):
            # Another worker may have been faster.
            with suppress(VersionMoved):
                await self._expire(transfer, asked)
                settled += 1
        return settled

    async def _expire(self, transfer: Transfer, asked: Asked) -> None:
        now = self._writer.now()
        by_itself = Asked(asked.key, Trace(EXPIRY, asked.trace.request_id, now))
        step = Step(Act.EXPIRE, now, EXPIRY, "node", None)
        following = _moved(transfer, TransferState.EXPIRED, step, now)
        await self._write(transfer, following, Act.EXPIRE, by_itself, _NO_ANSWER)

    async def _write(
        self, transfer: Transfer, following: Transfer, act: Act, asked: Asked, answer: KeptAnswer
    ) -> KeptAnswer:
        write = _logged(transfer, following, act)
        return await self._writer.commit(write, asked, answer, lambda session: self._store.update(session, following))

    async def _current(self, id: UUID, asked: Asked) -> Transfer:
        transfer = await self._find_for(asked.key, id)
        asked.require_version(transfer.version)
        if transfer.has_expired(self._writer.now()):
            if not asked.dry_run:
                with suppress(VersionMoved):
                    await self._expire(transfer, asked)
            raise Conflict(f"transfer {id} expired at {instant_text(transfer.expires)}; request it anew")
        return transfer

    async def _find_for(self, key: ApiKey, id: UUID) -> Transfer:
        transfer = await self._store.find(id)
        if transfer is None:
            raise NotFound(f"there is no transfer {id}")
        if key.prefixes and not {transfer.giver, transfer.receiver} & set(
            await self._prefixes.enterprises_of(key.prefixes)
        ):
            raise Forbidden(f"transfer {id} is between enterprises that hold none of this key's prefixes")
        return transfer

    async def _speaks_for_node(self, transfer: Transfer, key: ApiKey) -> bool:
        """True for the node, False for the receiver. Raises Forbidden for everybody else."""
        if key.role in (Role.ADMIN, Role.REVIEWER):
            names = [transfer.prefix] if transfer.prefix else [each.prefix for each in transfer.identifiers]
            for prefix in names:
                key.require_reach(prefix)
            return True
        if await self._is_of(key, transfer.receiver):
            return False
        raise Forbidden("a transfer is answered by a key of the enterprise that receives, by a reviewer or an admin")

    async def _is_of(self, key: ApiKey, enterprise: UUID) -> bool:
        return key.role is Role.ENTERPRISE and enterprise in await self._prefixes.enterprises_of(key.prefixes)

    async def _giver_of_prefix(self, prefix: Prefix, asked: Asked) -> UUID:
        asked.key.require_reach(prefix)
        registration = await self._prefixes.find(prefix)
        if registration.enterprise is None:
            raise Conflict(f"{prefix.text} is the node's own prefix; it is no enterprise's to give")
        require_movable(registration)
        return registration.enterprise

    async def _giver_of(self, form: TransferForm, asked: Asked) -> UUID:
        """Who holds all the identifiers. What may not be written by who asks is not told about."""
        found = await self._identifiers.find_many([identifier.folded for identifier in form.identifiers])
        for identifier in form.identifiers:
            stored = found.get(identifier.folded)
            holder = None if stored is None else read_record(stored.document).holder
            await self._planner.require_writable(identifier.prefix, asked, holder=holder)
        return refuse_unfit(form.identifiers, found, await self._mover.owners(form.identifiers), None)

    async def _require_receiver(self, receiver: UUID, giver: UUID) -> None:
        enterprise = await self._enterprises.find(receiver)
        if enterprise.state is EnterpriseState.RETIRED:
            raise Conflict(f"enterprise {receiver} is retired; nothing can be transferred to it")
        if receiver == giver:
            detail = "the receiver holds it already"
            raise InvalidInput.of([Violation("/receiver", "another-enterprise", detail, str(receiver))])


_NO_ANSWER = KeptAnswer(204, "", None, None, b"")


def _as_of(transfer: Transfer, now: datetime) -> Transfer:
    """The transfer as it is shown: nobody has to write an expiry down for it to be true."""
    return replace(transfer, state=TransferState.EXPIRED) if transfer.has_expired(now) else transfer


def _next(transfer: Transfer, act: Act, asked: Asked, now: datetime, note: str | None) -> Transfer:
    after = STATE_AFTER.get((transfer.kind, transfer.state, act))
    if after is None:
        if transfer.state in OPEN:
            detail = f"transfer {transfer.id} is {transfer.state}; it waits for a reviewer or an admin of the node"
        else:
            detail = f"transfer {transfer.id} is {transfer.state}; that was the end of it"
        raise Conflict(detail)
    return _moved(transfer, after, _step(act, asked, now, note), now)


def _moved(transfer: Transfer, state: TransferState, step: Step, now: datetime) -> Transfer:
    return replace(transfer, state=state, steps=(*transfer.steps, step), version=transfer.version + 1, updated=now)


def _step(act: Act, asked: Asked, now: datetime, note: str | None) -> Step:
    return Step(act, now, asked.trace.actor, asked.key.role, note)


def _logged(transfer: Transfer, following: Transfer, act: Act) -> DirectoryWrite:
    old = transfer_document(transfer, with_identifiers=False)
    new = transfer_document(following, with_identifiers=False)
    return DirectoryWrite(Subject.TRANSFER, str(transfer.id), following.version, act, old, new)


def _in_another(transfer: Transfer, taken: list[str]) -> Conflict:
    shown = {identifier.folded: (place, identifier.text) for place, identifier in enumerate(transfer.identifiers)}
    violations = []
    for name in taken[:VIOLATIONS_MAX]:
        place, text = shown.get(name, (None, name))
        pointer = "/prefix" if place is None else f"/identifiers/{place}"
        violations.append(Violation(pointer, "one-transfer", f"{text} is in another open transfer", text))
    detail = f"{violations[0].detail}" + (f" (and {len(taken) - 1} more)" if len(taken) > 1 else "")
    return Conflict(detail, violations=tuple(violations))

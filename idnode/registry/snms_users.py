"""Users of the SNMS interface: register, disable; their passwords are kept sealed under the node's key."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from idnode.model.change import Subject
from idnode.model.errors import Conflict, IdnodeError, InvalidInput, NotFound, Violation
from idnode.model.identifier import Prefix
from idnode.model.snms_user import SnmsUser, UserState, user_violations
from idnode.registry.commands import Asked
from idnode.registry.directory_writes import DirectoryWrite, DirectoryWriter, Document
from idnode.registry.enterprises import EnterpriseRegistry
from idnode.storage.database import Session
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.snms_users import SnmsUserStore
from idnode.wire.instants import instant_text
from idnode.wire.snms_passwords import DIGEST_BYTES

NONCE_BYTES = 12

Answer = Callable[[SnmsUser], KeptAnswer]


class WrongNodeKey(IdnodeError):
    """A password was sealed under another key than the one in IDNODE_SECRET_FILE."""

    code = "wrong-node-key"


class PasswordSealing:
    """Seals SHA-256 digests of passwords with AES-256-GCM, each bound to its user.

    `node_key` gives 32 bytes and is asked when they are needed first; `random_bytes` gives fresh random bytes.
    """

    def __init__(self, node_key: Callable[[], bytes], random_bytes: Callable[[int], bytes]) -> None:
        self._node_key = node_key
        self._random_bytes = random_bytes
        self._cipher: AESGCM | None = None

    def seal(self, user: UUID, digest: bytes) -> bytes:
        """What is stored; the nonce stands in front."""
        nonce = self._random_bytes(NONCE_BYTES)
        return nonce + self._opened().encrypt(nonce, digest, user.bytes)

    def unseal(self, user: UUID, sealed: bytes) -> bytes:
        """The digest. Raises WrongNodeKey."""
        try:
            return self._opened().decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], user.bytes)
        except InvalidTag as error:
            raise WrongNodeKey(f"the password of SNMS user {user} was sealed under another node key") from error

    def _opened(self) -> AESGCM:
        if self._cipher is None:
            self._cipher = AESGCM(self._node_key())
        return self._cipher


@dataclass(frozen=True, slots=True)
class SnmsUserForm:
    """A user to be made; the password as its SHA-256. Neither admin nor of an enterprise: reaches `prefixes` only."""

    name: str
    password_sha256: bytes
    email: str
    mobile: str
    remarks: str | None = None
    is_admin: bool = False
    enterprise: UUID | None = None
    prefixes: tuple[Prefix, ...] = ()


class SnmsUserRegistry:
    """The users of the SNMS interface."""

    def __init__(
        self,
        store: SnmsUserStore,
        enterprises: EnterpriseRegistry,
        writer: DirectoryWriter,
        sealing: PasswordSealing,
    ) -> None:
        self._store = store
        self._enterprises = enterprises
        self._writer = writer
        self._sealing = sealing

    async def find_named(self, name: str) -> SnmsUser:
        """Raises NotFound."""
        found = await self._store.find_by_name(name)
        if found is None:
            raise NotFound(f"there is no SNMS user {name}")
        return found[0]

    async def page(self, *, after: UUID | None, limit: int) -> list[SnmsUser]:
        """A page in order of creation."""
        return await self._store.page(after=after, limit=limit)

    async def register(self, form: SnmsUserForm, asked: Asked, answer: Answer) -> KeptAnswer:
        """A new user. Raises InvalidInput, NotFound for an enterprise that there is not, UserTaken."""
        if form.enterprise is not None:
            await self._enterprises.find(form.enterprise)
        user, sealed = self.prepared(form)

        async def act(session: Session) -> None:
            await self._store.insert(session, user, sealed)

        return await self._writer.commit(_registration(user), asked, answer(user), act)

    def prepared(self, form: SnmsUserForm) -> tuple[SnmsUser, bytes]:
        """The user that a form makes, and their sealed password, to be inserted later. Raises InvalidInput."""
        InvalidInput.refuse_any(_violations(form))
        now = self._writer.now()
        user = SnmsUser(
            id=self._writer.new_id(),
            name=form.name,
            email=form.email,
            mobile=form.mobile,
            remarks=form.remarks,
            is_admin=form.is_admin,
            enterprise=form.enterprise,
            prefixes=form.prefixes,
            state=UserState.ACTIVE,
            version=1,
            created=now,
            updated=now,
        )
        return user, self._sealing.seal(user.id, form.password_sha256)

    async def insert(self, session: Session, user: SnmsUser, sealed_password: bytes, asked: Asked) -> None:
        """A prepared user in somebody else's transaction, with its change row. Raises UserTaken."""
        await self._store.insert(session, user, sealed_password)
        await self._writer.log(session, _registration(user), asked)

    async def disable(self, name: str, asked: Asked, answer: Answer) -> KeptAnswer:
        """They cannot log in, and their tokens are void within seconds. Raises NotFound, Conflict."""
        current = await self.find_named(name)
        if current.state is UserState.DISABLED:
            raise Conflict(f"SNMS user {name} is disabled already")
        following = replace(current, state=UserState.DISABLED, version=current.version + 1, updated=self._writer.now())
        old, new = user_document(current), user_document(following)
        write = DirectoryWrite(Subject.SNMS_USER, str(current.id), following.version, "disable", old, new)

        async def act(session: Session) -> None:
            await self._store.update(session, following)
            await self._store.revoke_tokens(session, following.id)

        return await self._writer.commit(write, asked, answer(following), act)


def user_document(user: SnmsUser) -> Document:
    """A user as JSON, for the change log and the command line; nothing of the password."""
    return {
        "id": str(user.id),
        "name": user.name,
        "email": user.email,
        "mobile": user.mobile,
        "remarks": user.remarks,
        "is_admin": user.is_admin,
        "enterprise": None if user.enterprise is None else str(user.enterprise),
        "prefixes": [prefix.text for prefix in user.prefixes],
        "state": user.state,
        "version": user.version,
        "created": instant_text(user.created),
        "updated": instant_text(user.updated),
    }


def _registration(user: SnmsUser) -> DirectoryWrite:
    return DirectoryWrite(Subject.SNMS_USER, str(user.id), 1, "register", None, user_document(user))


def _violations(form: SnmsUserForm) -> tuple[Violation, ...]:
    found = user_violations(name=form.name, email=form.email, mobile=form.mobile, remarks=form.remarks)
    if len(form.password_sha256) != DIGEST_BYTES:
        detail = f"the SHA-256 of a password has {DIGEST_BYTES} bytes"
        found += (Violation("/password", "sha256", detail),)
    if form.is_admin and (form.enterprise is not None or form.prefixes):
        found += (Violation("/enterprise", "admin-scope", "an admin reaches every prefix, and is of no enterprise"),)
    return found

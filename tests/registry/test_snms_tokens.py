"""Logging in to SNMS: tokens and how long they live, tries that fail, users that are disabled. A manual clock."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

import pytest

from idnode.lifecycle import new_id
from idnode.model.access import ApiKey, Role
from idnode.model.change import Trace
from idnode.model.errors import NotAuthenticated
from idnode.model.identifier import Prefix
from idnode.registry.commands import Asked
from idnode.registry.directory_writes import DirectoryWriter
from idnode.registry.enterprises import EnterpriseRegistry
from idnode.registry.metrics import RegistryCounters
from idnode.registry.snms_tokens import Failures, SnmsAccess, SnmsLogins, TooManyTries, WrongPassword
from idnode.registry.snms_users import PasswordSealing, SnmsUserForm, SnmsUserRegistry, WrongNodeKey
from idnode.storage.database import Database
from idnode.storage.enterprises import EnterpriseStore
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.snms_users import SnmsUserStore, UserTaken
from idnode.wire.snms_passwords import password_sha256, plain_proof

BEGIN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FORM = SnmsUserForm(
    "mes", password_sha256("123456"), "Mes@example.com", "13800000000", prefixes=(Prefix.parse("88.118.8"),)
)
RIGHT, WRONG = plain_proof("123456"), plain_proof("654321")


@dataclass
class Clock:
    """Moves when it is told to."""

    passed: float = 0.0
    tokens: Iterator[int] = field(default_factory=lambda: count(1))

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    def new_token(self) -> str:
        return f"token-{next(self.tokens)}"


@dataclass
class Side:
    """Users, log-ins and access on one database."""

    clock: Clock
    store: SnmsUserStore
    users: SnmsUserRegistry
    logins: SnmsLogins
    access: SnmsAccess

    @property
    def asked(self) -> Asked:
        at = self.clock.now()
        return Asked(
            ApiKey(UUID(int=0), "test", Role.ADMIN, (), "", at, None, None, None, None, 1), Trace("test", "test", at)
        )


@pytest.fixture
async def side(database: Database) -> Side:
    clock, store = Clock(), SnmsUserStore(database)
    writer = DirectoryWriter(database, RegistryCounters(), committed=lambda _: None, now=clock.now, new_id=new_id)
    sealing = PasswordSealing(lambda: bytes(32), os.urandom)
    users = SnmsUserRegistry(store, EnterpriseRegistry(EnterpriseStore(database), writer), writer, sealing)
    logins = SnmsLogins(store, sealing, new_token=clock.new_token, now=clock.now, monotonic=clock.monotonic)
    built = Side(clock, store, users, logins, SnmsAccess(store, now=clock.now, monotonic=clock.monotonic))
    await users.register(FORM, built.asked, silent)
    return built


def silent(_: object) -> KeptAnswer:
    return KeptAnswer(200, "", None, None, b"")


async def test_a_token_works_for_a_day_and_reaches_what_its_user_does(side: Side) -> None:
    token = await side.logins.token_for("mes", RIGHT, client="192.0.2.1")

    asker = await side.access.asker_of(token)
    assert (asker.user.name, asker.key.role, [p.text for p in asker.key.prefixes]) == (
        "mes",
        Role.ENTERPRISE,
        ["88.118.8"],
    )
    side.clock.passed = 24 * 3600 - 1
    assert (await side.access.asker_of(token)).user.name == "mes"
    side.clock.passed = 24 * 3600
    with pytest.raises(NotAuthenticated):
        await side.access.asker_of(token)


async def test_a_user_who_is_disabled_is_out_within_seconds_and_cannot_log_in(side: Side) -> None:
    token = await side.logins.token_for("mes", RIGHT, client="192.0.2.1")
    await side.access.asker_of(token)

    await side.users.disable("mes", side.asked, silent)

    side.clock.passed = 3.0
    with pytest.raises(NotAuthenticated):
        await side.access.asker_of(token)
    with pytest.raises(WrongPassword):
        await side.logins.token_for("mes", RIGHT, client="192.0.2.1")


async def test_the_eleventh_wrong_password_waits_whoever_the_user_is_and_others_do_not(side: Side) -> None:
    for name in ("mes", "nobody"):
        for _ in range(10):
            with pytest.raises(WrongPassword):
                await side.logins.token_for(name, WRONG, client="2001:db8::1")

        with pytest.raises(TooManyTries):
            await side.logins.token_for(name, RIGHT, client="2001:db8::2")
    assert await side.logins.token_for("mes", RIGHT, client="192.0.2.1") == "token-1"
    side.clock.passed = 300.0
    assert await side.logins.token_for("mes", RIGHT, client="2001:db8::1") == "token-2"


async def test_two_users_share_neither_name_nor_address_nor_number(side: Side) -> None:
    taken = {}
    for member, form in {
        "userName": SnmsUserForm("mes", FORM.password_sha256, "b@example.com", "13800000001"),
        "email": SnmsUserForm("erp", FORM.password_sha256, "mes@EXAMPLE.com", "13800000001"),
        "mobile": SnmsUserForm("erp", FORM.password_sha256, "b@example.com", "13800000000"),
    }.items():
        with pytest.raises(UserTaken) as refused:
            await side.users.register(form, side.asked, silent)
        taken[member] = refused.value.member

    assert taken == {"userName": "userName", "email": "email", "mobile": "mobile"}
    assert [user.name for user in await side.users.page(after=None, limit=10)] == ["mes"]


async def test_what_is_stored_is_neither_password_nor_digest_and_opens_for_its_user_only(side: Side) -> None:
    found = await side.store.find_by_name("mes")
    assert found is not None
    user, sealed = found

    assert password_sha256("123456") not in sealed
    assert PasswordSealing(lambda: bytes(32), os.urandom).unseal(user.id, sealed) == password_sha256("123456")
    for key, id in ((bytes(32), UUID(int=1)), (b"\x01" * 32, user.id)):
        with pytest.raises(WrongNodeKey):
            PasswordSealing(lambda key=key: key, os.urandom).unseal(id, sealed)  # type: ignore[misc]  # bound in the loop


def test_failures_are_forgotten_one_by_one_when_their_time_is_over() -> None:
    clock = Clock()
    failures = Failures(2, monotonic=clock.monotonic)
    failures.note("a")
    clock.passed = 200.0
    failures.note("a")

    assert failures.is_blocked("a")
    clock.passed = 300.0
    assert not failures.is_blocked("a")
    failures.note("a")
    assert failures.is_blocked("a")
    failures.forget("a")
    assert not failures.is_blocked("a")

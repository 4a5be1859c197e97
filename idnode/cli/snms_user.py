"""`idnode snms-user add | list | disable`: who may log in to the SNMS interface.

The command works on the database itself, whether the node runs or not: the first admin is made with it.
"""

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, TypeVar
from uuid import UUID

import typer
import uvloop

from idnode.app_database import open_database
from idnode.app_secrets import node_key
from idnode.cli.console import show_json, show_line, show_table, show_warning
from idnode.cli.errors import WrongUsage
from idnode.cli.exits import EPILOG
from idnode.cli.options import ConfigOption, JsonOption
from idnode.cli.running import failures_shown
from idnode.config import Settings, environment_settings
from idnode.lifecycle import new_id, now
from idnode.logs import configure_logs
from idnode.model.access import ApiKey, Role
from idnode.model.change import Trace
from idnode.model.identifier import Prefix
from idnode.model.snms_user import USER_PASSWORD_CHARACTERS_MAX, SnmsUser
from idnode.registry.commands import Asked
from idnode.registry.directory_writes import DirectoryWriter
from idnode.registry.enterprises import EnterpriseRegistry
from idnode.registry.metrics import RegistryCounters
from idnode.registry.snms_users import PasswordSealing, SnmsUserForm, SnmsUserRegistry, user_document
from idnode.storage.database import Database
from idnode.storage.enterprises import EnterpriseStore
from idnode.storage.idempotency import KeptAnswer
from idnode.storage.inspection import running_embedded_dsn
from idnode.storage.migrate import migrate
from idnode.storage.snms_users import SnmsUserStore
from idnode.wire.snms_passwords import password_sha256

ACTOR = "snms-user"
CONNECTIONS = 2
PAGE = 500
LISTED_MAX = 10_000

Given = TypeVar("Given")

snms_user = typer.Typer(
    name="snms-user",
    help="Users of the SNMS interface: add, list, disable.",
    epilog=EPILOG,
    no_args_is_help=True,
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")]


@snms_user.command("add", epilog=EPILOG)
def add(
    name: NameArgument,
    email: Annotated[str, typer.Option(help="Mail address; no other user may have it.")],
    mobile: Annotated[str, typer.Option(help="Mobile number; no other user may have it.")],
    admin: Annotated[bool, typer.Option("--admin", help="Reaches every prefix and registers users.")] = False,
    enterprise: Annotated[
        UUID | None, typer.Option(metavar="ID", help="Reaches the prefixes of this enterprise, later ones too.")
    ] = None,
    prefix: Annotated[list[str] | None, typer.Option(help="A prefix the user reaches; repeat for more.")] = None,
    remarks: Annotated[str | None, typer.Option(help="A note.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a user. The password is the first line of standard input; a terminal asks for it twice."""
    with failures_shown(as_json=as_json):
        form = SnmsUserForm(
            name,
            password_sha256(_password()),
            email,
            mobile,
            remarks,
            is_admin=admin,
            enterprise=enterprise,
            prefixes=tuple(Prefix.parse(text) for text in prefix or ()),
        )
        user = _run(config, lambda users: _written(lambda answer: users.register(form, _asked(), answer)))
    if as_json:
        show_json(user_document(user))
    else:
        show_line(f"added {user.name} ({_scope(user)}), id {user.id}")


@snms_user.command("list", epilog=EPILOG)
def list_users(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the users and what they reach; never a password."""
    with failures_shown(as_json=as_json):
        found = _run(config, _all)
    if as_json:
        show_json({"items": [user_document(user) for user in found]})
        return
    show_table(
        ("id", "name", "reaches", "email", "mobile", "state"),
        [(str(each.id), each.name, _scope(each), each.email, each.mobile, each.state) for each in found],
    )


@snms_user.command("disable", epilog=EPILOG)
def disable(name: NameArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Shut a user out: no log-in any more, and the tokens they have are void within seconds."""
    with failures_shown(as_json=as_json):
        user = _run(config, lambda users: _written(lambda answer: users.disable(name, _asked(), answer)))
    if as_json:
        show_json(user_document(user))
    else:
        show_line(f"disabled {user.name}")


def _password() -> str:
    """Never an argument, which every process of the machine can read."""
    if sys.stdin.isatty():
        password = str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not 1 <= len(password) <= USER_PASSWORD_CHARACTERS_MAX:
        raise WrongUsage(
            f"the password has {len(password)} characters, it takes 1 to {USER_PASSWORD_CHARACTERS_MAX};"
            " it is the first line of standard input"
        )
    return password


async def _written(act: Callable[[Callable[[SnmsUser], KeptAnswer]], Awaitable[KeptAnswer]]) -> SnmsUser:
    """The user as the write left it."""
    left: list[SnmsUser] = []

    def answer(user: SnmsUser) -> KeptAnswer:
        left.append(user)
        return KeptAnswer(200, "", None, None, b"")

    await act(answer)
    return left[0]


async def _all(users: SnmsUserRegistry) -> list[SnmsUser]:
    found: list[SnmsUser] = []
    while len(found) < LISTED_MAX:
        page = await users.page(after=found[-1].id if found else None, limit=PAGE)
        found += page
        if len(page) < PAGE:
            return found
    show_warning(f"more than {LISTED_MAX} users; the rest is left out")
    return found


def _run(config: Path | None, act: Callable[[SnmsUserRegistry], Awaitable[Given]]) -> Given:
    settings = environment_settings(file=config)
    configure_logs(level=settings.log_level, log_format=settings.log_format)

    async def run() -> Given:
        async with _database(settings) as database:
            writer = DirectoryWriter(database, RegistryCounters(), committed=lambda _: None, now=now, new_id=new_id)
            enterprises = EnterpriseRegistry(EnterpriseStore(database), writer)
            sealing = PasswordSealing(node_key(settings), os.urandom)
            return await act(SnmsUserRegistry(SnmsUserStore(database), enterprises, writer, sealing))

    return uvloop.run(run())


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[Database]:
    """The node's database, migrated: the embedded one of a node that runs is used beside it, else it is started."""
    dsn = settings.database_url or running_embedded_dsn(settings.home)
    if dsn is None:
        async with open_database(settings) as (opened, _):
            yield opened
        return
    database = await Database.open(dsn, connections_max=CONNECTIONS)
    try:
        await migrate(database, today=now().date())
        yield database
    finally:
        await database.close()


def _asked() -> Asked:
    at = now()
    key = ApiKey(UUID(int=0), ACTOR, Role.ADMIN, (), "", at, None, None, None, None, 1)
    return Asked(key, Trace(ACTOR, ACTOR, at))


def _scope(user: SnmsUser) -> str:
    if user.is_admin:
        return "every prefix"
    reached = [prefix.text for prefix in user.prefixes]
    reached += [] if user.enterprise is None else [f"those of enterprise {user.enterprise}"]
    return ", ".join(reached) or "nothing yet"

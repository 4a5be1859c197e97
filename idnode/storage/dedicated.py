"""Connections outside the pool, opened in bounded time, and how any connection is cut off, whatever the server does."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

CONNECT_SECONDS_MAX = 1.0

Connection: TypeAlias = "asyncpg.Connection[Any]"
PooledConnection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"
AnyConnection: TypeAlias = "asyncpg.Connection[Any] | PoolConnectionProxy[asyncpg.Record]"


async def connect(dsn: str, name: str, **settings: str) -> Connection:
    """A connection that PostgreSQL lists under `name`. Raises what asyncpg raises, within CONNECT_SECONDS_MAX."""
    # Compiling a statement that runs for microseconds takes milliseconds.
    given = {"application_name": name, "timezone": "UTC", "jit": "off", **settings}
    return await asyncpg.connect(dsn, timeout=CONNECT_SECONDS_MAX, server_settings=given)


class CutOff:
    """Whether a block took too long."""

    __slots__ = ("has_come",)

    def __init__(self) -> None:
        self.has_come = False


@contextmanager
def cut_off(connection: AnyConnection, seconds_max: float) -> Iterator[CutOff]:
    """Terminate the connection when the block takes longer: what waits in it breaks off, as if the server had gone.

    asyncpg's own timeouts ask the server to cancel and wait for its answer; one that hangs gives none.
    """
    told = CutOff()

    def cut() -> None:
        told.has_come = True
        terminate(connection)

    timer = asyncio.get_running_loop().call_later(seconds_max, cut)
    try:
        yield told
    except AttributeError as error:
        # asyncpg has let go of its protocol, and stumbles over that when it was about to run what it had just prepared.
        if connection.is_closed():
            raise asyncpg.InterfaceError("the connection was closed") from error
        raise
    finally:
        timer.cancel()


def terminate(connection: AnyConnection) -> None:
    """At once, and more than once without harm."""
    # One of the pool's that has broken is the pool's again, and says so.
    with suppress(asyncpg.InterfaceError):
        connection.terminate()

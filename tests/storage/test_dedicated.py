"""Connections that are cut off break as if the server had gone, in whatever step of asyncpg's that meets them."""

import asyncpg
import pytest

from idnode.storage.dedicated import Connection, connect, cut_off, terminate


async def test_a_connection_that_goes_between_preparing_and_running_is_a_lost_connection(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = vars(asyncpg.Connection)["_get_statement"]

    async def prepare_and_lose(connection: Connection, *arguments: object, **options: object) -> object:
        statement = await prepare(connection, *arguments, **options)
        terminate(connection)
        return statement

    connection = await connect(dsn, "idnode test")
    monkeypatch.setattr(asyncpg.Connection, "_get_statement", prepare_and_lose)

    with pytest.raises(asyncpg.InterfaceError, match="closed"), cut_off(connection, 5.0):
        await connection.fetch("SELECT 1")


async def test_a_fault_of_our_own_on_an_open_connection_stays_what_it_is(dsn: str) -> None:
    connection = await connect(dsn, "idnode test")

    with pytest.raises(AttributeError, match="ours"), cut_off(connection, 5.0):
        raise AttributeError("ours")
    await connection.close()

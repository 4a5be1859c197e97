"""Listens for directory changes made by any process on any host."""

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg

from idnode.storage.database import AWAY, CONNECT_SECONDS_MAX
from idnode.storage.statements import statements

CHANNEL = "idnode_directory"
APPLICATION_NAME = "idnode doorbell"
RETRY_SECONDS = 0.5
ALIVE_SECONDS = 5.0


class Doorbell:
    """One LISTEN connection that calls `rang` for every notification, and once after every gap in hearing."""

    def __init__(self, dsn: str, rang: Callable[[], None]) -> None:
        self._dsn = dsn
        self._rang = rang

    async def run(self) -> None:
        """Listen until cancelled; a lost connection is made anew."""
        while True:
            try:
                await self._listen()
            except AWAY:
                await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self) -> None:
        name = {"application_name": APPLICATION_NAME}
        connection: asyncpg.Connection[Any] = await asyncpg.connect(
            self._dsn, timeout=CONNECT_SECONDS_MAX, server_settings=name
        )
        try:
            await connection.add_listener(CHANNEL, lambda *_: self._rang())
            # What was rung before we listened was not heard.
            self._rang()
            while True:
                await asyncio.sleep(ALIVE_SECONDS)
                await connection.execute(statements("connection")["ping"], timeout=CONNECT_SECONDS_MAX)
        finally:
            connection.terminate()

"""A transaction that stands in for the database, so that several registries can write as one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NoReturn

from idnode.storage.database import Database, Session


class OneTransaction(Database):
    """Stores that are built upon it read and write within `session`, which somebody else commits or rolls back."""

    def __init__(self, session: Session) -> None:
        # Nothing of a pool: what needs one is not to be asked of a transaction.
        self._only = session

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """The session: what was written in it is read."""
        yield self._only

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """The same one. What the block raises has to leave the outer transaction, too."""
        yield self._only

    async def close(self) -> NoReturn:
        """Never: the connection is not its own."""
        raise TypeError("a transaction is not closed through its stores")

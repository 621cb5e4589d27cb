"""The connection to SQLite or PostgreSQL: one text for both, transactions that belong to jobs.

Promises: `transaction` is isolated enough for the jobs (SQLite: one writer at a time from the first statement on;
PostgreSQL: read committed, and jobs lock the rows they decide about); leaving it normally commits durably, leaving it
by an exception changes nothing. `reading` sees one moment, whatever is committed meanwhile. A database that is out of
reach is `DatabaseUnavailable`, whoever notices, and a later call connects again by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Protocol, TypeAlias

from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backup_repository.database import sqlite
from backup_repository.errors import DatabaseUnavailable

Transaction: TypeAlias = AsyncConnection
"""What stores work on; begun and ended by `Database` alone."""


class _Kind(Protocol):
    """What `sqlite.py` and `postgresql.py` are for."""

    CONNECT_FAILURES: tuple[type[Exception], ...]
    READING: Mapping[str, str]

    def make_engine(self, url: str) -> AsyncEngine: ...

    def out_of_reach(self, error: DBAPIError) -> bool: ...


def _load_kind(name: str) -> _Kind:
    if name == "sqlite":
        return sqlite
    from backup_repository.database import postgresql  # noqa: PLC0415 - 4 MB of driver that SQLite never needs

    return postgresql


class Database:
    """One database, used by one event loop."""

    def __init__(self, url: str) -> None:
        """Prepare the engine; nothing is connected yet.

        Args:
            url: `sqlite:///…`, `postgresql://…` or `postgres://…`; query parameters go to the driver.
        """
        self.name = "sqlite" if make_url(url).get_backend_name() == "sqlite" else "postgresql"
        """The engine's name in lower case, as contract section 11 shows it."""
        self._kind = _load_kind(self.name)
        self._engine = self._kind.make_engine(url)
        self._writing = self._engine.execution_options(writes=True)
        self._reading = self._engine.execution_options(**self._kind.READING)
        self._one_writer = asyncio.Lock() if self.name == "sqlite" else contextlib.nullcontext()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Begin a transaction that may write; commits when left normally.

        Raises:
            DatabaseUnavailable: the database is out of reach, or went away. If that happened during the commit, the
                transaction may or may not have happened.
        """
        async with self._one_writer, _begun(self._writing, self._kind) as transaction:
            yield transaction

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """Begin a transaction that only reads, all of it as at one moment.

        Raises:
            DatabaseUnavailable: the database is out of reach, or went away.
        """
        async with _begun(self._reading, self._kind) as transaction:
            yield transaction

    async def ping(self) -> None:
        """Run a trivial query.

        Raises:
            DatabaseUnavailable: the database is out of reach.
        """
        async with self.reading() as transaction:
            await transaction.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


async def take_turns(transaction: Transaction, name: str) -> None:
    """Let only one transaction at a time go on under a name, until it ends; on SQLite that holds for all writers."""
    if transaction.dialect.name == "postgresql":
        await transaction.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


@contextlib.asynccontextmanager
async def _begun(engine: AsyncEngine, kind: _Kind) -> AsyncIterator[Transaction]:
    try:
        connection = await engine.connect()
    except kind.CONNECT_FAILURES as error:
        raise DatabaseUnavailable from error
    try:
        await connection.begin()
        yield connection
        await connection.commit()
    except IntegrityError:
        raise
    except DBAPIError as error:
        if error.connection_invalidated or kind.out_of_reach(error):
            raise DatabaseUnavailable from error
        raise
    finally:
        await asyncio.shield(connection.close())  # which rolls back what was not committed

"""The connection to SQLite or PostgreSQL: one text for both, transactions that belong to jobs.

Promises: `transaction` is isolated enough for the jobs (SQLite: one writer at a time from the first statement on;
PostgreSQL: read committed, and jobs lock the rows they decide about); leaving it normally commits durably, leaving it
by an exception changes nothing. A database that is out of reach is `DatabaseUnavailable`, whoever notices, and a later
call connects again by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import asyncpg
from sqlalchemy import URL, event, make_url, text
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from backup_repository.errors import DatabaseUnavailable

Transaction: TypeAlias = AsyncConnection
"""What stores work on; begun and ended by `Database` alone."""

_BUSY_SECONDS = 30
_CONNECT_SECONDS = 10
_POOL_SIZE = 10
_CONNECT_FAILURES = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


class Database:
    """One database, used by one event loop."""

    def __init__(self, url: str) -> None:
        """Prepare the engine; nothing is connected yet.

        Args:
            url: `sqlite:///…`, `postgresql://…` or `postgres://…`; query parameters go to the driver.
        """
        parsed = make_url(url)
        self.name = "sqlite" if parsed.get_backend_name() == "sqlite" else "postgresql"
        """The engine's name in lower case, as contract section 11 shows it."""
        self._engine = _sqlite_engine(parsed) if self.name == "sqlite" else _postgresql_engine(url)
        self._writing = self._engine.execution_options(writes=True)
        self._one_writer = asyncio.Lock() if self.name == "sqlite" else contextlib.nullcontext()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Begin a transaction that may write; commits when left normally.

        Raises:
            DatabaseUnavailable: the database is out of reach, or went away. If that happened during the commit, the
                transaction may or may not have happened.
        """
        async with self._one_writer, _begun(self._writing) as transaction:
            yield transaction

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """Begin a transaction that only reads.

        Raises:
            DatabaseUnavailable: the database is out of reach, or went away.
        """
        async with _begun(self._engine) as transaction:
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
async def _begun(engine: AsyncEngine) -> AsyncIterator[Transaction]:
    try:
        connection = await engine.connect()
    except (*_CONNECT_FAILURES, SQLAlchemyError) as error:
        raise DatabaseUnavailable from error
    try:
        await connection.begin()
        yield connection
        await connection.commit()
    except IntegrityError:
        raise
    except DBAPIError as error:
        if _out_of_reach(error):
            raise DatabaseUnavailable from error
        raise
    finally:
        await asyncio.shield(connection.close())  # which rolls back what was not committed


def _out_of_reach(error: DBAPIError) -> bool:
    """Whether the failure lies in reaching the database rather than in the statement."""
    if error.connection_invalidated:
        return True
    sqlite_code = getattr(error.orig, "sqlite_errorcode", None)
    if sqlite_code is not None:
        return sqlite_code & 0xFF in _SQLITE_OUT_OF_REACH
    cause = error.orig.__cause__ if error.orig is not None else None
    return isinstance(cause, asyncpg.InterfaceError | asyncpg.PostgresConnectionError | OSError | TimeoutError) or (
        isinstance(cause, asyncpg.PostgresError) and str(cause.sqlstate)[:2] in {"08", "53", "57"}
    )


_SQLITE_OUT_OF_REACH = frozenset({5, 8, 10, 11, 13, 14, 26})
"""BUSY, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB."""


def _sqlite_engine(url: URL) -> AsyncEngine:
    engine = create_async_engine(
        url.set(drivername="sqlite+aiosqlite"),
        connect_args={"timeout": _BUSY_SECONDS},
        poolclass=AsyncAdaptedQueuePool,
        pool_size=5,
        max_overflow=0,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own implicit BEGIN would come too late
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")  # an acknowledged upload survives a power cut
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        # IMMEDIATE: two writers that have both read would otherwise fail instead of waiting for each other
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql_engine(url: str) -> AsyncEngine:
    async def connect() -> asyncpg.Connection[asyncpg.Record]:
        # asyncpg reads the address itself, so that libpq's query parameters such as sslmode keep their meaning
        return await asyncpg.connect(
            url, timeout=_CONNECT_SECONDS, server_settings={"application_name": "backup-repository"}
        )

    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=connect, pool_size=_POOL_SIZE, max_overflow=0, pool_timeout=_BUSY_SECONDS
    )

    @event.listens_for(engine.sync_engine, "checkout")
    def _checked_out(connection: Any, _record: Any, _proxy: Any) -> None:
        if connection.driver_connection.is_closed():
            raise DisconnectionError  # the pool then connects again

    return engine

"""The connection to SQLite or PostgreSQL: one text for both, transactions that belong to jobs.

Promises: `transaction` is isolated enough for the jobs (SQLite: one writer at a time from the first statement on;
PostgreSQL: read committed, and jobs lock the rows they decide about); leaving it normally commits durably, leaving it
by an exception changes nothing. `reading` sees one moment, whatever is committed meanwhile. A database that is out of
reach is `DatabaseUnavailable`, whoever notices, and a later call connects again by itself.

SQLAlchemy's own `ext.asyncio` is left alone: it does the same, and loads the whole ORM, 6 MB that nothing here uses.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeAlias, TypeVar, TypeVarTuple, overload

from sqlalchemy import Connection, CursorResult, Dialect, Engine, Executable, Row, Select, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.sql.selectable import TypedReturnsRows
from sqlalchemy.util import greenlet_spawn

from backup_repository.database import sqlite
from backup_repository.errors import DatabaseUnavailable

_T = TypeVar("_T")
_Arguments = TypeVarTuple("_Arguments")
_Columns = TypeVarTuple("_Columns")
_Parameters: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None
_AT_A_TIME = 100
"""Rows that a streamed query fetches at once."""
_PATIENCE = 60.0
"""Seconds in which PostgreSQL must answer; a machine that froze or vanished would be waited for by the hour."""


class Transaction:
    """What stores work on; begun and ended by `Database` alone."""

    def __init__(self, connection: Connection, patience: float | None) -> None:
        self._connection = connection
        self._patience = patience

    @property
    def dialect(self) -> Dialect:
        """Which SQL the database speaks."""
        return self._connection.dialect

    @overload
    async def execute(
        self, statement: TypedReturnsRows[*_Columns], parameters: _Parameters = None
    ) -> CursorResult[*_Columns]: ...

    @overload
    async def execute(
        self, statement: Executable, parameters: _Parameters = None
    ) -> CursorResult[*tuple[Any, ...]]: ...

    async def execute(self, statement: Executable, parameters: _Parameters = None) -> CursorResult[Any]:
        """Run a statement, for one set of parameters or for each of several; all of its rows are in memory then.

        Raises:
            DatabaseUnavailable: no answer came in time; the transaction is lost.
        """
        return await self._in_time(self._connection.execute, statement, parameters)

    async def stream(self, query: Select[*_Columns]) -> AsyncIterator[Row[*_Columns]]:
        """Give the rows of a query one by one; few of them are in memory at a time."""
        streaming = {"stream_results": True}
        result = await self._in_time(partial(self._connection.execute, query, execution_options=streaming))
        while rows := await self._in_time(result.fetchmany, _AT_A_TIME):
            for row in rows:
                yield row

    async def run_sync(self, work: Callable[[Connection, *_Arguments], _T], *arguments: *_Arguments) -> _T:
        """Let something work on the connection that knows nothing of asyncio; it takes as long as it takes."""
        return await greenlet_spawn(work, self._connection, *arguments)

    async def begin(self) -> None:
        """Begin; for `Database` alone, like the next two."""
        await self._in_time(self._connection.begin)

    async def commit(self) -> None:
        """Make what was done durable."""
        await self._in_time(self._connection.commit)

    async def end(self) -> None:
        """Give the connection back, which undoes what was not committed."""
        with contextlib.suppress(TimeoutError):  # the pool has thrown the connection away
            async with asyncio.timeout(self._patience):
                await greenlet_spawn(self._connection.close)

    async def _in_time(self, work: Callable[[*_Arguments], _T], *arguments: *_Arguments) -> _T:
        try:
            async with asyncio.timeout(self._patience):
                return await greenlet_spawn(work, *arguments)
        except TimeoutError as error:
            await greenlet_spawn(self._connection.invalidate)
            raise DatabaseUnavailable from error


class _Kind(Protocol):
    """What `sqlite.py` and `postgresql.py` are for."""

    CONNECT_FAILURES: tuple[type[Exception], ...]
    READING: Mapping[str, str]

    def make_engine(self, url: str) -> Engine: ...

    def out_of_reach(self, error: DBAPIError) -> bool: ...

    def refusal(self, error: Exception) -> str: ...


def _load_kind(name: str) -> _Kind:
    if name == "sqlite":
        return sqlite
    from backup_repository.database import postgresql  # noqa: PLC0415 - 4 MB of driver that SQLite never needs

    return postgresql


class Database:
    """One database, used by one event loop."""

    def __init__(self, url: str, *, patience: float = _PATIENCE) -> None:
        """Prepare the engine; nothing is connected yet.

        Args:
            url: `sqlite:///…`, `postgresql://…` or `postgres://…`; query parameters go to the driver.
            patience: seconds in which PostgreSQL must answer a statement.
        """
        self.name = "sqlite" if make_url(url).get_backend_name() == "sqlite" else "postgresql"
        """The engine's name in lower case, as contract section 11 shows it."""
        self._kind = _load_kind(self.name)
        self._engine = self._kind.make_engine(url)
        self._writing = self._engine.execution_options(writes=True)
        self._reading = self._engine.execution_options(**self._kind.READING)
        self._patience = None if self.name == "sqlite" else patience  # a file is local, and its writers wait in turn
        self._one_writer = asyncio.Lock() if self.name == "sqlite" else contextlib.nullcontext()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Begin a transaction that may write; commits when left normally.

        Raises:
            DatabaseUnavailable: the database is out of reach, or went away. If that happened during the commit, the
                transaction may or may not have happened.
        """
        async with self._one_writer, _begun(self._writing, self._kind, self._patience) as transaction:
            yield transaction

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """Begin a transaction that only reads, all of it as at one moment.

        Raises:
            DatabaseUnavailable: the database is out of reach, or went away.
        """
        async with _begun(self._reading, self._kind, self._patience) as transaction:
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
        await greenlet_spawn(self._engine.dispose)


async def take_turns(transaction: Transaction, name: str) -> None:
    """Let only one transaction at a time go on under a name, until it ends; on SQLite that holds for all writers."""
    if transaction.dialect.name == "postgresql":
        await transaction.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


@contextlib.asynccontextmanager
async def _begun(engine: Engine, kind: _Kind, patience: float | None) -> AsyncIterator[Transaction]:
    try:
        connection = await greenlet_spawn(engine.connect)
    except kind.CONNECT_FAILURES as error:
        raise DatabaseUnavailable(kind.refusal(error)) from error
    transaction = Transaction(connection, patience)
    try:
        await transaction.begin()
        yield transaction
        await transaction.commit()
    except IntegrityError:
        raise
    except DBAPIError as error:
        if error.connection_invalidated or kind.out_of_reach(error):
            raise DatabaseUnavailable from error
        raise
    finally:
        await asyncio.shield(transaction.end())

"""The connection to SQLite or PostgreSQL: one text for both, transactions that belong to jobs.

Promises: `transaction` is isolated enough for the jobs (SQLite: one writer at a time from the first statement on;
PostgreSQL: read committed, and jobs lock the rows they decide about); leaving it normally commits durably, leaving it
by an exception changes nothing. `reading` sees one moment, whatever is committed meanwhile; in a `glance` each query
sees a moment of its own. A database that is out of reach is `DatabaseUnavailable`, whoever notices, and a later call
connects again by itself; a connection whose answer was not waited for is never used again.

What only reads begins and ends on the driver itself, where queries that were made once are sent, too (`direct.py`):
that takes a fraction of the time. SQLAlchemy runs every other statement of a `reading` on the same connection.

SQLAlchemy's own `ext.asyncio` is left alone: it does the same, and loads the whole ORM, 6 MB that nothing here uses.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, TypeAlias, TypeVar, TypeVarTuple, overload

from sqlalchemy import (
    Connection,
    CursorResult,
    Dialect,
    Engine,
    Executable,
    Row,
    Select,
    literal,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.sql.selectable import TypedReturnsRows
from sqlalchemy.util import greenlet_spawn

from backup_repository.database import sqlite
from backup_repository.database.direct import Direct, Kind, Reader, to_its_end
from backup_repository.database.prepared import Prepared
from backup_repository.errors import DatabaseUnavailable

_T = TypeVar("_T")
_Pooled = TypeVar("_Pooled", Connection, PoolProxiedConnection)
_Arguments = TypeVarTuple("_Arguments")
_Columns = TypeVarTuple("_Columns")
_Parameters: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None
_AT_A_TIME = 100
"""Rows that a streamed query fetches at once."""
_PATIENCE = 60.0
"""Seconds in which PostgreSQL must answer; a machine that froze or vanished would be waited for by the hour."""
_ANYTHING = Prepared(select(literal(1).label("one")))


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

    async def fetch(self, query: Prepared, **values: Any) -> Sequence[Any]:
        """Run a query that was made once, and return its rows, whose columns are attributes.

        Raises:
            DatabaseUnavailable: no answer came in time; the transaction is lost.
        """
        return (await self.execute(query.query, values)).all()

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
        if self._patience is None:
            return await to_its_end(greenlet_spawn(work, *arguments))
        try:
            async with asyncio.timeout(self._patience):
                return await greenlet_spawn(work, *arguments)
        except TimeoutError as error:
            await greenlet_spawn(self._connection.invalidate)
            raise DatabaseUnavailable from error


class _Reading(Transaction):
    """A transaction that only reads."""

    def __init__(self, connection: Connection, patience: float | None, kind: Kind) -> None:
        super().__init__(connection, patience)
        driver = connection.connection.driver_connection
        self._direct = Direct(driver, connection.dialect, kind, patience, connection.invalidate)
        self._end: Callable[[], Awaitable[None]] | None = None

    async def fetch(self, query: Prepared, **values: Any) -> Sequence[Any]:
        """Run a query that was made once, on the driver."""
        return await self._direct.fetch(query, **values)

    async def begin(self) -> None:
        """Begin on the driver, since SQLAlchemy leaves transactions of these connections alone."""
        self._end = await self._direct.begin_reading()

    async def commit(self) -> None:
        """Do nothing: nothing was changed."""

    async def end(self) -> None:
        """End the moment, and give the connection back; what was read counts even if that fails."""
        if self._end is not None and not self._connection.invalidated:
            await self._direct.end_reading(self._end)
        await super().end()


def _load_kind(name: str) -> Kind:
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
        self._asked = self._kind.make_engine(url, 1)
        """Whoever asks whether the database works does not wait behind hundreds of jobs for a connection."""
        self._patience = None if self.name == "sqlite" else patience  # a file is local, and its writers wait in turn
        self._one_writer = asyncio.Lock() if self.name == "sqlite" else contextlib.nullcontext()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Begin a transaction that may write; commits when left normally.

        Raises:
            DatabaseUnavailable: the database is out of reach, or went away. If that happened during the commit, the
                transaction may or may not have happened.
        """
        async with self._one_writer:
            connection = await self._checked_out(self._writing.connect)
            async with self._begun(Transaction(connection, self._patience)) as transaction:
                yield transaction

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """Begin a transaction that only reads, all of it as at one moment.

        Raises:
            DatabaseUnavailable: the database is out of reach, or went away.
        """
        connection = await self._checked_out(self._reading.connect)
        async with self._begun(_Reading(connection, self._patience, self._kind)) as transaction:
            yield transaction

    def glance(self) -> AbstractAsyncContextManager[Reader]:
        """Ask prepared queries, each of which sees a moment of its own, so that nothing has to begin or end.

        Raises:
            DatabaseUnavailable: the database is out of reach, or went away.
        """
        return self._looking(self._engine)

    async def ping(self) -> None:
        """Run a trivial query, on a connection that is kept for that.

        Raises:
            DatabaseUnavailable: the database is out of reach.
        """
        async with self._looking(self._asked) as reader:
            await reader.fetch(_ANYTHING)

    async def close(self) -> None:
        """Close every connection."""
        await greenlet_spawn(self._engine.dispose)
        await greenlet_spawn(self._asked.dispose)

    @contextlib.asynccontextmanager
    async def _looking(self, engine: Engine) -> AsyncIterator[Reader]:
        connection = await self._checked_out(engine.raw_connection)
        try:
            yield Direct(
                connection.driver_connection, engine.dialect, self._kind, self._patience, connection.invalidate
            )
        finally:
            _give_back(connection)  # at once: nothing was begun that the database would have to hear of

    async def _checked_out(self, connect: Callable[[], _Pooled]) -> _Pooled:
        connecting = greenlet_spawn(connect)
        try:
            return await (to_its_end(connecting, _give_back) if self._patience is None else connecting)
        except self._kind.CONNECT_FAILURES as error:
            raise DatabaseUnavailable(self._kind.refusal(error)) from error

    @contextlib.asynccontextmanager
    async def _begun(self, transaction: Transaction) -> AsyncIterator[Transaction]:
        try:
            await transaction.begin()
            yield transaction
            await transaction.commit()
        except IntegrityError:
            raise
        except DBAPIError as error:
            if error.connection_invalidated or self._kind.out_of_reach(error):
                raise DatabaseUnavailable from error
            raise
        finally:
            await to_its_end(transaction.end())


def _give_back(connection: Connection | PoolProxiedConnection) -> None:
    connection.close()


async def take_turns(transaction: Transaction, name: str) -> None:
    """Let only one transaction at a time go on under a name, until it ends; on SQLite that holds for all writers."""
    if transaction.dialect.name == "postgresql":
        await transaction.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})

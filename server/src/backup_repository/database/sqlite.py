"""SQLite, the embedded default: durable commits, one writer at a time from the first statement on."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import AsyncAdaptedQueuePool

if TYPE_CHECKING:
    from aiosqlite import Connection

_BUSY_SECONDS = 30
_POOL_SIZE = 5
_OUT_OF_REACH = frozenset({5, 8, 10, 11, 13, 14, 26})
"""BUSY, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB."""

CONNECT_FAILURES: tuple[type[Exception], ...] = (OSError, sqlite3.Error, SQLAlchemyError)
"""What connecting may raise."""
FAILURES: tuple[type[Exception], ...] = (sqlite3.Error, ValueError)
"""What the driver may raise about a statement; the second one says that the connection was closed meanwhile."""
READING: Mapping[str, str] = {}
"""Options of connections that read: none."""


def make_engine(url: str, connections: int = _POOL_SIZE) -> Engine:
    """Prepare the engine of a `sqlite:///…` address, with so many connections at the most."""
    address: URL = make_url(url)
    engine = create_engine(
        address.set(drivername="sqlite+aiosqlite"),
        connect_args={"timeout": _BUSY_SECONDS},
        poolclass=AsyncAdaptedQueuePool,
        pool_reset_on_return=None,  # but see `_returned`
        pool_size=connections,
        max_overflow=0,
        hide_parameters=True,  # they hold hashes, and errors go to the log
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own implicit BEGIN would come too late
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")  # an acknowledged upload survives a power cut
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine, "reset")
    def _returned(connection: Any, _record: Any, _state: Any) -> None:
        if connection.driver_connection.in_transaction:  # otherwise a turn of its thread would be for nothing
            connection.rollback()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        if connection.get_execution_options().get("writes", False):
            # IMMEDIATE: two writers that have both read would otherwise fail instead of waiting for each other
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


async def fetch(driver: Connection, sql: str, values: Sequence[Any], _patience: float | None) -> Sequence[Any]:
    """Run a query on the driver, in one turn of its thread."""
    return list(await driver.execute_fetchall(sql, values))


async def begin_reading(driver: Connection) -> Callable[[], Awaitable[None]]:
    """Let all statements from now on see one moment; returns what ends it."""
    await driver.execute_fetchall("BEGIN")
    return driver.rollback


def out_of_reach(error: Exception) -> bool:
    """Whether the failure lies in reaching the database rather than in the statement."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorcode", None)
    return type(cause) is ValueError or (code is not None and code & 0xFF in _OUT_OF_REACH)


def refusal(_error: Exception) -> str:
    """Return nothing: a file has no words of its own."""
    return ""

"""SQLite, the embedded default: durable commits, one writer at a time from the first statement on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import AsyncAdaptedQueuePool

_BUSY_SECONDS = 30
_POOL_SIZE = 5
_OUT_OF_REACH = frozenset({5, 8, 10, 11, 13, 14, 26})
"""BUSY, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB."""

CONNECT_FAILURES: tuple[type[Exception], ...] = (OSError, SQLAlchemyError)
"""What connecting may raise."""
READING: Mapping[str, str] = {}
"""Options of transactions that read: each of them sees one moment anyway."""


def make_engine(url: str) -> Engine:
    """Prepare the engine of a `sqlite:///…` address."""
    address: URL = make_url(url)
    engine = create_engine(
        address.set(drivername="sqlite+aiosqlite"),
        connect_args={"timeout": _BUSY_SECONDS},
        poolclass=AsyncAdaptedQueuePool,
        pool_size=_POOL_SIZE,
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

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # IMMEDIATE: two writers that have both read would otherwise fail instead of waiting for each other
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def out_of_reach(error: DBAPIError) -> bool:
    """Whether the failure lies in reaching the database rather than in the statement."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _OUT_OF_REACH


def refusal(_error: Exception) -> str:
    """Return nothing: a file has no words of its own."""
    return ""

"""PostgreSQL; loaded only where it is used, because the driver takes memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import asyncpg
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError, EmulatedDBAPIException, SQLAlchemyError

_CONNECT_SECONDS = 10
_WAIT_SECONDS = 30
"""How long a job waits for a connection of the pool."""
_POOL_SIZE = 9
"""One more is kept for whoever asks whether the database works."""
_SESSION = {"application_name": "backup-repository", "idle_in_transaction_session_timeout": "30s"}
"""A process that freezes in the middle of a transaction keeps others waiting for its locks no longer than that,
which is less than their own patience."""
_OUT_OF_REACH = frozenset({"08", "53", "57"})
"""Classes of SQLSTATE: connection exception, insufficient resources, operator intervention."""

CONNECT_FAILURES: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    EmulatedDBAPIException,
    SQLAlchemyError,
)
"""What connecting may raise; SQLAlchemy's pool and its engine put the driver's errors in clothes of their own."""
FAILURES: tuple[type[Exception], ...] = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
"""What the driver may raise about a statement."""
READING: Mapping[str, str] = {"isolation_level": "AUTOCOMMIT"}
"""Options of connections that read: SQLAlchemy begins no transactions there, `begin_reading` does."""


def make_engine(url: str, connections: int = _POOL_SIZE) -> Engine:
    """Prepare the engine of a `postgresql://…` or `postgres://…` address, with so many connections at the most.

    Query parameters of the address go to the driver.
    """

    async def connect() -> asyncpg.Connection[asyncpg.Record]:
        # asyncpg reads the address itself, so that libpq's query parameters such as sslmode keep their meaning
        return await asyncpg.connect(url, timeout=_CONNECT_SECONDS, server_settings=_SESSION)

    def adapted() -> Any:
        driver: Any = engine.dialect.dbapi
        return driver.connect(async_creator_fn=connect)

    engine = create_engine(
        "postgresql+asyncpg://",
        creator=adapted,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=_WAIT_SECONDS,
        hide_parameters=True,  # they hold hashes, and errors go to the log
    )

    @event.listens_for(engine, "checkout")
    def _checked_out(connection: Any, _record: Any, _proxy: Any) -> None:
        if connection.driver_connection.is_closed():
            raise DisconnectionError  # the pool then connects again

    return engine


async def fetch(
    driver: asyncpg.Connection[asyncpg.Record], sql: str, values: Sequence[Any], patience: float | None
) -> Sequence[Any]:
    """Run a query on the driver, which prepares it once for each connection."""
    return await driver.fetch(sql, *values, timeout=patience)


async def begin_reading(driver: asyncpg.Connection[asyncpg.Record]) -> Callable[[], Awaitable[None]]:
    """Let all statements from now on see one moment; returns what ends it."""
    transaction = driver.transaction(isolation="repeatable_read")
    await transaction.start()
    return transaction.rollback


def out_of_reach(error: Exception) -> bool:
    """Whether the failure lies in reaching the database rather than in the statement."""
    cause = error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig is not None else error
    return isinstance(cause, asyncpg.InterfaceError | asyncpg.PostgresConnectionError | OSError) or (
        isinstance(cause, asyncpg.PostgresError) and str(cause.sqlstate)[:2] in _OUT_OF_REACH
    )


def refusal(error: Exception) -> str:
    """Return what PostgreSQL, or the driver that reads the address, has against a connection, if anything."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, asyncpg.ClientConfigurationError) or (
            isinstance(link, asyncpg.PostgresError) and str(link.sqlstate)[:2] not in _OUT_OF_REACH
        ):
            return " ".join(str(link).split())
        link = link.__cause__
    return ""

"""PostgreSQL; loaded only where it is used, because the driver takes memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import asyncpg
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError, SQLAlchemyError

_CONNECT_SECONDS = 10
_WAIT_SECONDS = 30
"""How long a job waits for a connection of the pool."""
_POOL_SIZE = 10
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
    SQLAlchemyError,
)
"""What connecting may raise."""
READING: Mapping[str, str] = {"isolation_level": "REPEATABLE READ"}
"""Options of transactions that read: all their statements see one moment."""


def make_engine(url: str) -> Engine:
    """Prepare the engine of a `postgresql://…` or `postgres://…` address; query parameters go to the driver."""

    async def connect() -> asyncpg.Connection[asyncpg.Record]:
        # asyncpg reads the address itself, so that libpq's query parameters such as sslmode keep their meaning
        return await asyncpg.connect(url, timeout=_CONNECT_SECONDS, server_settings=_SESSION)

    def adapted() -> Any:
        driver: Any = engine.dialect.dbapi
        return driver.connect(async_creator_fn=connect)

    engine = create_engine(
        "postgresql+asyncpg://",
        creator=adapted,
        pool_size=_POOL_SIZE,
        max_overflow=0,
        pool_timeout=_WAIT_SECONDS,
        hide_parameters=True,  # they hold hashes, and errors go to the log
    )

    @event.listens_for(engine, "checkout")
    def _checked_out(connection: Any, _record: Any, _proxy: Any) -> None:
        if connection.driver_connection.is_closed():
            raise DisconnectionError  # the pool then connects again

    return engine


def out_of_reach(error: DBAPIError) -> bool:
    """Whether the failure lies in reaching the database rather than in the statement."""
    cause = error.orig.__cause__ if error.orig is not None else None
    return isinstance(cause, asyncpg.InterfaceError | asyncpg.PostgresConnectionError | OSError | TimeoutError) or (
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

"""Asking the driver itself, without what SQLAlchemy does around each statement: only for what reads.

`Kind` says what is different between the two databases; `sqlite.py` and `postgresql.py` are the two. A `Direct` runs
prepared queries on one connection. It promises:

* A failure that lies in reaching the database is `DatabaseUnavailable`; any other is the driver's own.
* A connection is asked nothing more, nor is any other use made of it, when it failed so, when its answer did not come
  in time, or when whoever asked was cancelled and did not hear the answer. SQLite's is always waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import Dialect, Engine
from sqlalchemy.util import greenlet_spawn

from backup_repository.database.prepared import Prepared
from backup_repository.errors import DatabaseUnavailable

_T = TypeVar("_T")


class Reader(Protocol):
    """What stores need to ask prepared queries: a transaction, or a `Direct`."""

    async def fetch(self, query: Prepared, **values: Any) -> Sequence[Any]:
        """Run a query that was made once, and return its rows, whose columns are attributes.

        Raises:
            DatabaseUnavailable: no answer came in time, or the database is out of reach.
        """


class Kind(Protocol):
    """What `sqlite.py` and `postgresql.py` are for."""

    CONNECT_FAILURES: tuple[type[Exception], ...]
    FAILURES: tuple[type[Exception], ...]
    READING: Mapping[str, str]

    def make_engine(self, url: str, connections: int = ...) -> Engine:
        """Prepare the engine of an address, with so many connections at the most."""

    def out_of_reach(self, error: Exception) -> bool:
        """Whether a failure of the driver or of SQLAlchemy lies in reaching the database."""

    def refusal(self, error: Exception) -> str:
        """Return what the database has against a connection, if anything."""

    async def fetch(self, driver: Any, sql: str, values: Sequence[Any], patience: float | None) -> Sequence[Any]:
        """Run a query on the driver; raises TimeoutError after so many seconds without an answer."""

    async def begin_reading(self, driver: Any) -> Callable[[], Awaitable[None]]:
        """Let all statements from now on see one moment; returns what ends it."""


class Direct:
    """A connection of the driver."""

    def __init__(
        self, driver: Any, dialect: Dialect, kind: Kind, patience: float | None, invalidate: Callable[[], None]
    ) -> None:
        """Use a connection of a pool.

        Args:
            driver: the connection.
            dialect: what it speaks.
            kind: the database.
            patience: seconds in which it must answer; None: however long that takes.
            invalidate: tells the pool to throw the connection away.
        """
        self._driver = driver
        self._dialect = dialect
        self._kind = kind
        self._patience = patience
        self._invalidate = invalidate

    async def fetch(self, query: Prepared, **values: Any) -> Sequence[Any]:
        """Run a query, which sees one moment; as `Reader.fetch`."""
        text = query.text(self._dialect)
        asked = self._kind.fetch(self._driver, text.sql, text.arguments(values), self._patience)
        return text.rows(await self._heard(asked))

    async def begin_reading(self) -> Callable[[], Awaitable[None]]:
        """Let all queries from now on see one moment; returns what ends it.

        Raises:
            DatabaseUnavailable: as `fetch`.
        """
        return await self._heard(asyncio.wait_for(self._kind.begin_reading(self._driver), self._patience))

    async def end_reading(self, end: Callable[[], Awaitable[None]]) -> None:
        """End what `begin_reading` began; a connection for which that fails is given up."""
        try:
            await asyncio.wait_for(end(), self._patience)
        except Exception:  # noqa: BLE001 - whatever it was: the connection may still stand in that moment
            await self._give_up()

    async def _heard(self, asked: Coroutine[Any, Any, _T]) -> _T:
        try:
            return await (to_its_end(asked) if self._patience is None else asked)
        except self._kind.FAILURES as error:
            if not self._kind.out_of_reach(error):
                raise
            await self._give_up()
            raise DatabaseUnavailable from error
        except asyncio.CancelledError:
            if self._patience is not None:
                await self._give_up()
            raise

    async def _give_up(self) -> None:
        await asyncio.shield(greenlet_spawn(self._invalidate))


async def to_its_end(work: Coroutine[Any, Any, _T], undo: Callable[[_T], object] = lambda _result: None) -> _T:
    """Let something end even if whoever waits for it is cancelled, undo it then, and pass the cancellation on.

    A call of SQLite that is broken off in the middle leaves a connection which is closed only when Python collects its
    garbage, and until then nobody can write.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        if not task.cancelled() and task.exception() is None:
            undo(task.result())
        raise

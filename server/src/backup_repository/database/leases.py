"""Leases: work that only one process of an installation may do at a time, whichever machine it runs on.

Promises:

* Of those who hold a lease by one name, at most one works at any moment. Who waits for it gets it when the work ends,
  or when the holder has died and its lease has run out.
* A holder keeps its lease by renewing it while it works. One that cannot, because the database is away or because it
  was frozen itself, is stopped before anybody else may begin: it counts its time on a clock of its own, from before it
  asked, and stops early. What was handed to a thread at that moment may still come to its end.
* PostgreSQL alone tells the time by which leases run out, so that the clocks of the machines do not matter. An SQLite
  database is used by one machine.
* A process that freezes in the middle of taking or renewing a lease keeps nobody waiting for longer than a lease lasts.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any, TypeAlias, TypeVar
from uuid import uuid4

from sqlalchemy import delete, func, insert, literal, select, update
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from backup_repository.database.engine import Database, Transaction, take_turns
from backup_repository.database.tables import Moment, leases
from backup_repository.errors import DatabaseUnavailable

T = TypeVar("T")
StillHeld: TypeAlias = Callable[[], None]
"""Asked before a step that only the holder may take; raises `LeaseLost` when the time is over."""

LEASE_SECONDS = 30.0
"""How long a holder that died keeps others waiting."""
_RENEWALS = 3
"""How often a holder renews its lease while that lasts."""
_LOOKS = 6
"""How often, at least, others look meanwhile whether it is free."""
_FIRST_LOOK_SECONDS = 0.05
_USED = 0.8
"""The part of its time that a holder uses; in the rest it comes to its end."""
_RELEASE_SECONDS = 3
"""How long a stopping process tries to give its lease back; later it runs out by itself."""


class LeaseLost(Exception):
    """The holder of a lease could not renew it in time, and has stopped; the message is for the operator."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The {name} stopped: for too long this process could not tell the database that it goes on; "
            "another one may go on with it now"
        )


class _Lease:
    def __init__(self, name: str) -> None:
        self.name = name
        self.token = str(uuid4())
        self.deadline = 0.0

    @property
    def seconds_left(self) -> float:
        return self.deadline - _now()

    def still_held(self) -> None:
        if self.seconds_left <= 0:
            raise LeaseLost(self.name)


class Leases:
    """The leases of one process."""

    def __init__(self, database: Database, *, seconds: float = LEASE_SECONDS) -> None:
        """Nothing is held yet.

        Args:
            database: which all processes of the installation share.
            seconds: how long a lease lasts that nobody renews; the same in all processes.
        """
        self._database = database
        self._seconds = seconds

    async def hold(
        self,
        name: str,
        work: Callable[[StillHeld], Awaitable[T]],
        *,
        waits: Callable[[str], None] = lambda _holder: None,
    ) -> T:
        """Wait until nobody else does what has this name, do it, and return its result.

        Args:
            name: of the work, at most 40 characters.
            work: is cancelled when the lease is lost; between steps that matter it asks what it is given.
            waits: is told the machine and process that are waited for, once for each.

        Raises:
            LeaseLost: the lease could not be renewed in time, and the work has stopped.
            DatabaseUnavailable: the database is out of reach.
        """
        lease = await self._wait_for(name, waits)
        working = asyncio.ensure_future(work(lease.still_held))
        renewing = asyncio.create_task(self._keep_renewing(lease))
        both = (working, renewing)
        try:
            while not working.done() and not renewing.done() and lease.seconds_left > 0:
                await asyncio.wait(both, timeout=lease.seconds_left, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            if renewing.done():
                renewing.result()
            raise LeaseLost(name)
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            await self._release(lease)

    async def _wait_for(self, name: str, waits: Callable[[str], None]) -> _Lease:
        lease, told, pause = _Lease(name), "", _FIRST_LOOK_SECONDS
        while (other := await self._take(lease)) is not None:
            if other != told:
                waits(other)
                told = other
            await asyncio.sleep(pause)
            pause = min(2 * pause, self._seconds / _LOOKS)
        return lease

    async def _take(self, lease: _Lease) -> str | None:
        """Take a lease, or return who holds it."""
        async with self._database.reading() as tx:
            other = await _holder(tx, lease.name)
        if other is not None:
            return other
        deadline = self._deadline()
        async with self._brief() as tx:
            await take_turns(tx, f"lease {lease.name}")
            other = await _holder(tx, lease.name)
            if other is None:
                await tx.execute(delete(leases).where(leases.c.name == lease.name))
                until = _InSeconds(literal(self._seconds))
                row = {"name": lease.name, "token": lease.token, "holder": _ourselves(), "expires_at": until}
                await tx.execute(insert(leases).values(row))
        lease.deadline = deadline
        return other

    async def _keep_renewing(self, lease: _Lease) -> None:
        """Renew again and again; returns when somebody else has the lease."""
        while True:
            await asyncio.sleep(self._seconds / _RENEWALS)
            deadline = self._deadline()
            try:
                async with self._brief() as tx:
                    until = _InSeconds(literal(self._seconds))
                    renewed = await tx.execute(update(leases).where(*_is(lease)).values(expires_at=until))
                    if renewed.rowcount == 0:
                        return
            except DatabaseUnavailable:  # it may come back in time
                continue
            lease.deadline = deadline

    async def _release(self, lease: _Lease) -> None:
        with contextlib.suppress(DatabaseUnavailable, TimeoutError):
            async with asyncio.timeout(_RELEASE_SECONDS), self._brief() as tx:
                await tx.execute(delete(leases).where(*_is(lease)))

    def _deadline(self) -> float:
        return _now() + self._seconds * _USED

    @contextlib.asynccontextmanager
    async def _brief(self) -> AsyncIterator[Transaction]:
        """Begin a transaction that PostgreSQL ends when nothing more comes, so that no lock outlives a lease."""
        async with self._database.transaction() as tx:
            if self._database.name == "postgresql":
                limit = str(max(1, round(self._seconds * 1000)))
                await tx.execute(select(func.set_config("idle_in_transaction_session_timeout", limit, True)))  # noqa: FBT003
            yield tx


async def _holder(tx: Transaction, name: str) -> str | None:
    query = select(leases.c.holder).where(leases.c.name == name, leases.c.expires_at > _InSeconds(literal(0.0)))
    holder: str | None = (await tx.execute(query)).scalar_one_or_none()
    return holder


def _is(lease: _Lease) -> tuple[Any, Any]:
    return leases.c.name == lease.name, leases.c.token == lease.token


def _ourselves() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}"


def _now() -> float:
    """Tell the time on a clock that nobody sets and that goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class _InSeconds(FunctionElement[datetime]):
    """The moment in so many seconds by the clock of the database."""

    name = "in_seconds"
    type = Moment()
    inherit_cache = True


@compiles(_InSeconds, "sqlite")
def _on_sqlite(element: _InSeconds, compiler: SQLCompiler, **options: Any) -> str:
    seconds = compiler.process(element.clauses, **options)
    return f"(strftime('%Y-%m-%d %H:%M:%f', 'now', {seconds} || ' seconds') || '000')"


@compiles(_InSeconds, "postgresql")
def _on_postgresql(element: _InSeconds, compiler: SQLCompiler, **options: Any) -> str:
    seconds = compiler.process(element.clauses, **options)
    return f"(clock_timestamp() + make_interval(secs => {seconds}))"

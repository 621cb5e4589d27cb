"""A write that is cancelled lets go of the SQLite file at once, wherever it was (contract 12)."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from backup_repository.database.engine import Database, Transaction


@pytest.fixture(autouse=True)
def _no_garbage_collection() -> Iterator[None]:
    """What only the collector closes would be closed at random."""
    gc.disable()
    yield
    gc.enable()


async def write(database: Database, begun: asyncio.Event) -> None:
    """Write and read on and on, until cancelled."""
    async with database.transaction() as tx:
        await tx.execute(text("INSERT INTO kept VALUES (1)"))
        begun.set()
        while True:
            await tx.execute(text("SELECT number FROM kept"))


async def turns(count: int) -> None:
    """Let the loop go round so many times, the threads with it every other time."""
    for number in range(count):
        await asyncio.sleep(0.0002 * (number % 2))


@pytest.mark.parametrize("times", [1, 2])
async def test_the_next_writer_waits_for_nobody(tmp_path: Path, times: int) -> None:
    file = tmp_path / "records.sqlite3"
    database = Database(f"sqlite:///{file}")
    async with database.transaction() as tx:
        await tx.execute(text("CREATE TABLE kept (number integer)"))
    with contextlib.closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as other:
        for count in range(40):
            begun = asyncio.Event()
            task = asyncio.create_task(write(database, begun))
            await begun.wait()
            await turns(count)
            for _ in range(times):
                task.cancel()
                await asyncio.sleep(0)
            with pytest.raises(asyncio.CancelledError):
                await task
            other.execute("BEGIN IMMEDIATE")
            assert other.execute("SELECT count(*) FROM kept").fetchone() == (0,)
            other.execute("ROLLBACK")
    await database.close()


async def test_a_cancelled_statement_has_happened_or_not_but_is_over(tmp_path: Path) -> None:
    """The connection goes back to the pool usable: a hundred cancellations leave as many as there were."""
    database = Database(f"sqlite:///{tmp_path / 'records.sqlite3'}")

    async def ask(tx: Transaction) -> None:
        while True:
            await tx.execute(text("SELECT 1"))

    for count in range(100):
        async with database.reading() as tx:
            task = asyncio.create_task(ask(tx))
            await turns(count % 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await tx.execute(text("SELECT 2"))).scalar_one() == 2
    await database.close()

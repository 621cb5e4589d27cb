"""What servers do unasked: one process does it, as often as it is due, whatever fails (contract 12)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backup_repository.database.engine import Database
from backup_repository.database.leases import Leases
from backup_repository.database.migrate import migrate
from backup_repository.errors import StorageUnavailable
from backup_repository.versions.upkeep import Job, Upkeep

pytestmark = pytest.mark.timeout(60)
SELDOM = 3600.0
SHORT = 0.5


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database with its tables."""
    database = Database(f"sqlite:///{tmp_path / 'records.sqlite3'}")
    await migrate(database)
    yield database
    await database.close()


async def end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_of_several_one_does_each_job_once_and_another_takes_over(database: Database) -> None:
    done: asyncio.Queue[tuple[int, str]] = asyncio.Queue()

    def job(process: int, name: str) -> Job:
        return Job(name, SELDOM, lambda: done.put((process, name)))

    def take_part(process: int) -> asyncio.Task[None]:
        jobs = [job(process, "sweep"), job(process, "expiry")]
        return asyncio.create_task(Upkeep(Leases(database, seconds=SHORT), jobs).run())

    processes = {number: take_part(number) for number in range(4)}
    for _ in range(4):
        (first, one), (second, other) = await done.get(), await done.get()
        assert (first, {one, other}) == (second, {"sweep", "expiry"})
        assert done.empty()
        await end(processes.pop(first))


@pytest.mark.parametrize("failure", [StorageUnavailable(), LookupError("unforeseen")], ids=["known", "unforeseen"])
async def test_a_job_that_failed_is_repeated_and_keeps_no_other(
    database: Database, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    begun = asyncio.Queue[str]()

    async def fail() -> None:
        await begun.put("fails")
        raise failure

    jobs = [Job("sweep", 0, fail), Job("expiry", SELDOM, lambda: begun.put("works"))]
    with caplog.at_level(logging.WARNING):
        task = asyncio.create_task(Upkeep(Leases(database, seconds=SHORT), jobs).run())
        assert {await begun.get() for _ in range(4)} == {"fails", "works"}
        await end(task)
    assert "the sweep" in caplog.messages[0]
    assert "will be repeated" in caplog.messages[0]

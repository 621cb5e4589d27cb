"""Does the database work? Whoever asks is answered, however many jobs wait for a connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from world.postgres import PostgresCluster

from backup_repository.database.engine import Database

pytestmark = pytest.mark.timeout(60)
MANY = 40
"""More than there are connections."""


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'records.sqlite3'}"
    else:
        cluster: PostgresCluster = request.getfixturevalue("postgres")
        url = cluster.create_database()
    database = Database(url)
    yield database
    await database.close()


async def test_whoever_asks_waits_for_no_job(database: Database) -> None:
    """Two hundred uploads that begin at once once made the check say that there was no answer within 10 seconds."""
    began, let_go = 0, asyncio.Event()

    async def read() -> None:
        nonlocal began
        async with database.reading() as tx:
            await tx.execute(text("SELECT 1"))
            began += 1
            await let_go.wait()

    async with asyncio.TaskGroup() as jobs:
        for _ in range(MANY):
            jobs.create_task(read())
        await asyncio.sleep(0)  # now all of them stand in the queue
        for _ in range(3):
            await database.ping()
        assert began < MANY
        let_go.set()
    assert began == MANY


async def test_several_may_ask_at_once(database: Database) -> None:
    await asyncio.gather(*(database.ping() for _ in range(20)))


async def test_whoever_stops_waiting_spoils_nothing(database: Database) -> None:
    """As a check does that gives up; in whatever step it was."""
    await database.ping()
    for turns in range(12):
        asking = asyncio.create_task(database.ping())
        for _ in range(turns):
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait([asking])
        await database.ping()

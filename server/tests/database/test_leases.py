"""Leases, on both databases: one holder at a time, by the database's clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from world.postgres import PostgresCluster, postgres_cluster

from backup_repository.database.engine import Database
from backup_repository.database.leases import LeaseLost, Leases, StillHeld
from backup_repository.database.migrate import migrate

pytestmark = pytest.mark.timeout(60)
SHORT = 0.5
PAST, FUTURE = "2001-01-01 00:00:00.000000", "2999-01-01 00:00:00.000000"


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database with its tables."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'records.sqlite3'}"
    else:
        cluster: PostgresCluster = request.getfixturevalue("postgres")
        url = cluster.create_database()
    database = Database(url)
    await migrate(database)
    yield database
    await database.close()


@pytest.fixture(scope="module")
def cluster() -> Iterator[PostgresCluster]:
    """A cluster that may be stopped."""
    with postgres_cluster() as own:
        yield own


async def held_by_another(database: Database, until: str) -> None:
    """Record that another machine took a lease; the moment is the database's."""
    moment = f"'{until}'" if database.name == "sqlite" else f"TIMESTAMPTZ '{until}+00'"
    row = f"INSERT INTO leases (name, token, holder, expires_at) VALUES ('work', 'x', 'another', {moment})"
    async with database.transaction() as tx:
        await tx.execute(text(row))


async def given_to_another(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute(text("DELETE FROM leases"))
    await held_by_another(database, FUTURE)


async def remaining(database: Database) -> list[str]:
    async with database.reading() as tx:
        return list((await tx.execute(text("SELECT holder FROM leases"))).scalars())


async def test_work_of_one_name_never_overlaps(database: Database) -> None:
    """Eight at once; each gets its turn, and its own result."""
    running, most, done = 0, 0, 0

    async def work(_still_held: StillHeld) -> int:
        nonlocal running, most, done
        running += 1
        most = max(most, running)
        for _ in range(20):  # long enough for others to come in between
            await database.ping()
        running -= 1
        done += 1
        return done

    results = await asyncio.gather(*(Leases(database, seconds=SHORT).hold("work", work) for _ in range(8)))
    assert (most, sorted(results)) == (1, list(range(1, 9)))
    assert await remaining(database) == []


async def test_other_names_do_not_wait(database: Database) -> None:
    leases = Leases(database)

    async def inner(_still_held: StillHeld) -> str:
        return "both"

    async def outer(_still_held: StillHeld) -> str:
        return await leases.hold("inner", inner)

    assert await leases.hold("outer", outer) == "both"


async def test_a_lease_is_kept_for_as_long_as_the_work_takes(database: Database) -> None:
    """Much longer than it would last without renewals."""
    begun, end = asyncio.Event(), asyncio.Event()

    async def work(still_held: StillHeld) -> None:
        begun.set()
        await end.wait()
        still_held()

    async def other(_still_held: StillHeld) -> bool:
        return end.is_set()

    seconds = 4 * SHORT  # with room for renewals on a machine that has much else to do
    holding = asyncio.create_task(Leases(database, seconds=seconds).hold("work", work))
    await begun.wait()
    said: list[str] = []
    waiting = asyncio.create_task(Leases(database, seconds=seconds).hold("work", other, waits=said.append))
    done, _ = await asyncio.wait([holding, waiting], timeout=3 * seconds)
    assert not done
    end.set()
    await holding
    assert await waiting
    assert len(said) == 1
    assert said[0].startswith("process ")


async def test_a_lease_that_has_run_out_is_free(database: Database) -> None:
    """Its holder has died; nobody is waited for."""
    await held_by_another(database, PAST)
    said: list[str] = []

    async def work(_still_held: StillHeld) -> list[str]:
        return await remaining(database)

    (holder,) = await Leases(database).hold("work", work, waits=said.append)
    assert (holder != "another", said) == (True, [])


async def test_whoever_waits_is_told_for_whom(database: Database) -> None:
    await held_by_another(database, FUTURE)
    told = asyncio.Event()
    said: list[str] = []

    async def work(_still_held: StillHeld) -> str:
        return "done"

    def waits(holder: str) -> None:
        said.append(holder)
        told.set()

    waiting = asyncio.create_task(Leases(database, seconds=SHORT).hold("work", work, waits=waits))
    await told.wait()
    async with database.transaction() as tx:
        await tx.execute(text("DELETE FROM leases"))
    assert (await waiting, said) == ("done", ["another"])


async def test_work_stops_when_another_holds_the_lease(database: Database) -> None:
    """As after a frost, or when somebody has meddled; the other's lease stays."""
    stopped = False

    async def work(_still_held: StillHeld) -> None:
        nonlocal stopped
        await given_to_another(database)
        try:
            await asyncio.Event().wait()
        finally:
            stopped = True

    with pytest.raises(LeaseLost):
        await Leases(database, seconds=SHORT).hold("work", work)
    assert stopped
    assert await remaining(database) == ["another"]


async def test_work_stops_in_time_when_the_database_is_away(cluster: PostgresCluster) -> None:
    """Nobody tells it; it does not ask the database itself."""
    database = Database(cluster.create_database())
    await migrate(database)
    refused: list[bool] = []

    async def work(still_held: StillHeld) -> None:
        await asyncio.to_thread(cluster.stop)
        try:
            await asyncio.Event().wait()
        finally:
            with pytest.raises(LeaseLost):
                still_held()
            refused.append(True)

    try:
        with pytest.raises(LeaseLost):
            await Leases(database, seconds=SHORT).hold("work", work)
    finally:
        cluster.start()
        await database.close()
    assert refused == [True]


async def test_what_the_work_raises_comes_out_and_the_lease_is_free(database: Database) -> None:
    async def work(_still_held: StillHeld) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await Leases(database).hold("work", work)
    assert await remaining(database) == []


async def test_a_cancelled_holder_gives_its_lease_back(database: Database) -> None:
    begun = asyncio.Event()

    async def work(_still_held: StillHeld) -> None:
        begun.set()
        await asyncio.Event().wait()

    holding = asyncio.create_task(Leases(database).hold("work", work))
    await begun.wait()
    holding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await holding
    assert await remaining(database) == []

"""A PostgreSQL that hangs: nobody waits for it for ever, and nothing needs a restart (contract 12)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from world.instance import Installation
from world.postgres import PostgresCluster, postgres_cluster
from world.waiting import eventually

from backup_repository.database.direct import Reader
from backup_repository.database.engine import Database, Transaction
from backup_repository.database.prepared import Prepared
from backup_repository.errors import DatabaseUnavailable

CODE = "health check code"
KEPT = Prepared(select(func.count().label("count")).select_from(text("kept")))


@pytest.fixture(scope="module")
def cluster() -> Iterator[PostgresCluster]:
    """A cluster that may be frozen."""
    with postgres_cluster() as own:
        yield own


@pytest.fixture
async def database(cluster: PostgresCluster) -> AsyncIterator[Database]:
    """An empty table in it, and half a second of patience."""
    database = Database(cluster.create_database(), patience=0.5)
    async with database.transaction() as tx:
        await tx.execute(text("CREATE TABLE kept (number integer)"))
    yield database
    await database.close()


async def write(database: Database, before_commit: Callable[[Transaction], Awaitable[None]]) -> None:
    """Insert a row, and do something else in the same transaction."""
    async with database.transaction() as tx:
        await tx.execute(text("INSERT INTO kept VALUES (1)"))
        await before_commit(tx)


async def count(database: Database) -> int:
    async with database.reading() as tx:
        number: int = (await tx.execute(text("SELECT count(*) FROM kept"))).scalar_one()
        return number


async def test_a_statement_without_an_answer_ends_the_transaction(cluster: PostgresCluster, database: Database) -> None:
    """The connection is given up, not given to the next one; a fresh one works as soon as the machine goes on."""

    async def ask_nobody(tx: Transaction) -> None:
        with cluster.frozen():
            await tx.execute(text("INSERT INTO kept VALUES (2)"))

    with pytest.raises(DatabaseUnavailable):
        await write(database, ask_nobody)
    assert await count(database) == 0


async def test_a_commit_without_an_answer_may_have_happened_or_not(
    cluster: PostgresCluster, database: Database
) -> None:
    with ExitStack() as ice:

        async def freeze(_tx: Transaction) -> None:
            ice.enter_context(cluster.frozen())

        with pytest.raises(DatabaseUnavailable):
            await write(database, freeze)
    assert await count(database) in {0, 1}


async def ask_nobody(cluster: PostgresCluster, opened: AbstractAsyncContextManager[Reader]) -> None:
    """Ask twice, the second time while nobody answers."""
    async with opened as reader:
        await reader.fetch(KEPT)
        with cluster.frozen():
            await reader.fetch(KEPT)


async def test_a_query_without_an_answer_ends_what_reads(cluster: PostgresCluster, database: Database) -> None:
    for opened in (database.reading(), database.glance()):
        with pytest.raises(DatabaseUnavailable):
            await ask_nobody(cluster, opened)
        assert await count(database) == 0
    with cluster.frozen(), pytest.raises(DatabaseUnavailable):
        await count(database)
    assert await count(database) == 0


async def test_what_was_read_counts_though_nobody_hears_of_its_end(
    cluster: PostgresCluster, database: Database
) -> None:
    with ExitStack() as ice:
        async with database.reading() as tx:
            found = await tx.fetch(KEPT)
            ice.enter_context(cluster.frozen())
    assert [row.count for row in found] == [0]
    assert await count(database) == 0


def test_a_server_says_which_part_hangs_and_recovers(cluster: PostgresCluster, tmp_path: Path) -> None:
    settings = {"DATABASE_URL": cluster.create_database(), "HEALTH_CHECK_CODE": CODE}
    with Installation.make(tmp_path, **settings).serve() as server:
        health = f"/health?code={CODE.replace(' ', '%20')}"
        assert server.direct.ask("GET", health).status == 200
        with cluster.frozen():
            ill = server.direct.ask("GET", health)
            assert ill.status == 503
            assert ill.json()["status"] == [{"storage": True, "database": False}]
        eventually(lambda: server.direct.ask("GET", health).status == 200)

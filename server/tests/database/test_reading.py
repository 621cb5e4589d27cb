"""What only reads, on both databases: as SQLAlchemy would read it, at one moment or each query at its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, Table, bindparam, func, insert, literal_column, select, update
from world.postgres import PostgresCluster, postgres_cluster

from backup_repository.database.direct import Reader
from backup_repository.database.engine import Database
from backup_repository.database.migrate import migrate
from backup_repository.database.prepared import Prepared
from backup_repository.database.tables import collections, grants, tokens, users
from backup_repository.errors import DatabaseUnavailable

pytestmark = pytest.mark.timeout(60)
NOW = datetime(2026, 1, 15, 12, 0, 0, 123456, tzinfo=UTC)
MORE_THAN_CONNECTIONS = 12
ALICE, BOB = "a11ce000-0000-4000-8000-000000000001", "b0b00000-0000-4000-8000-000000000002"
EMAIL = Prepared(select(users.c.email).where(users.c.id == bindparam("wanted")))
ONE = Prepared(select(literal_column("1").label("one")))
CONNECTION = Prepared(select(func.pg_backend_pid().label("number")))
SLEEP = Prepared(select(func.pg_sleep(bindparam("seconds")).label("slept")))
UNKNOWN = Prepared(select(literal_column("nothing").label("nothing")))


def account(user_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": user_id,
        "email": f"{user_id}@example.org",
        "email_folded": f"{user_id}@example.org",
        "password_hash": "",
        "permissions": ["upload.all", "żółw"],
        "tags": [],
        "max_allowed_file_size": 2**63 - 1,
        "allowed_ip_addresses": ["192.0.2.0/24"],
        "allowed_user_agents": [],
        "organization": "",
        "about": "'; -- $1 ? :wanted",
        "expires_at": None,
        "active": True,
        "created_at": NOW,
    } | changes


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """Two accounts, of which one has a token."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'records.sqlite3'}"
    else:
        url = request.getfixturevalue("postgres").create_database()
    database = Database(url)
    await migrate(database)
    token = {
        "id": "t",
        "token_hash": "0" * 64,
        "user_id": ALICE,
        "kind": "session",
        "scope": [],
        "issued_at": NOW,
        "expires_at": NOW + timedelta(hours=1),
        "description": "",
        "active": False,
    }
    async with database.transaction() as tx:
        await tx.execute(insert(users), [account(ALICE), account(BOB, active=False, expires_at=NOW)])
        await tx.execute(insert(tokens), [token])
    yield database
    await database.close()


@pytest.fixture(scope="module")
def cluster() -> Iterator[PostgresCluster]:
    """A cluster that may be stopped."""
    with postgres_cluster() as own:
        yield own


async def email(reader: Reader, user_id: str = ALICE) -> str:
    (row,) = await reader.fetch(EMAIL, wanted=user_id)
    found: str = row.email
    return found


async def rename(database: Database, name: str) -> None:
    async with database.transaction() as tx:
        await tx.execute(update(users).where(users.c.id == ALICE).values(email=name))


async def glanced(database: Database, query: Prepared, **values: Any) -> Any:
    async with database.glance() as reader:
        return await reader.fetch(query, **values)


def whole(table: Table) -> Select[Any]:
    return select(table).order_by(*table.primary_key.columns)


QUERIES: list[tuple[Select[Any], dict[str, Any]]] = [
    (whole(users), {}),
    (whole(tokens), {}),
    (whole(collections), {}),
    (select(users.c.tags, tokens.c.scope).outerjoin(tokens, tokens.c.user_id == users.c.id).order_by(users.c.id), {}),
    (select(users.c.id).where(users.c.active, users.c.created_at <= bindparam("at")), {"at": NOW}),
    (select(users.c.id).where(users.c.created_at < bindparam("at")), {"at": NOW}),
    (select(users.c.id).order_by(users.c.id).limit(1).offset(bindparam("skipped")), {"skipped": 1}),
    (select(func.count().label("count")).select_from(users).where(users.c.about == "'; -- $1 ? :wanted"), {}),
    (
        select(users.c.id).where((users.c.id == bindparam("one")) | (users.c.email != bindparam("one"))),
        {"one": ALICE},
    ),
    (whole(grants).where(grants.c.user_id == bindparam("one")).with_for_update(), {"one": ALICE}),
]


@pytest.mark.parametrize("number", range(len(QUERIES)))
async def test_prepared_queries_give_what_sqlalchemy_gives(database: Database, number: int) -> None:
    """The same values of the same types under the same names, however they are asked."""
    query, values = QUERIES[number]
    prepared = Prepared(query)
    async with database.transaction() as tx:
        expected = [row._asdict() for row in await tx.execute(query, values)]
        assert [row._asdict() for row in await tx.fetch(prepared, **values)] == expected
    async with database.reading() as tx:
        assert [row._asdict() for row in await tx.fetch(prepared, **values)] == expected
    found = [row._asdict() for row in await glanced(database, prepared, **values)]
    assert found == expected
    assert repr(found) == repr(expected)


async def test_a_missing_value_is_an_error(database: Database) -> None:
    with pytest.raises(KeyError):
        await glanced(database, EMAIL)


async def test_a_reading_sees_one_moment_however_it_asks(database: Database) -> None:
    async with database.reading() as tx:
        before = await email(tx)
        await rename(database, "new@example.org")
        assert await email(tx) == before
        assert (await tx.execute(select(users.c.email).where(users.c.id == ALICE))).scalar_one() == before
        alone = select(users.c.email).where(users.c.id == ALICE)
        assert [row.email async for row in tx.stream(alone)] == [before]
    async with database.reading() as tx:
        assert await email(tx) == "new@example.org"


async def test_a_reading_that_begins_with_sqlalchemy_sees_one_moment_too(database: Database) -> None:
    async with database.reading() as tx:
        before = (await tx.execute(select(users.c.email).where(users.c.id == ALICE))).scalar_one()
        await rename(database, "new@example.org")
        assert await email(tx) == before


async def test_each_query_of_a_glance_sees_what_is_committed_by_then(database: Database) -> None:
    async with database.glance() as reader:
        await email(reader)
        for name in ("one@example.org", "two@example.org"):
            await rename(database, name)
            assert await email(reader) == name


async def fail(database: Database) -> None:
    async with database.reading() as tx:
        await email(tx)
        raise ZeroDivisionError


async def ask_sqlalchemy(database: Database, query: Prepared) -> None:
    async with database.reading() as tx:
        await tx.execute(query.query)


async def ask_driver(database: Database, query: Prepared) -> None:
    async with database.reading() as tx:
        await tx.fetch(query)


async def test_what_reads_leaves_nothing_to_the_next_one(database: Database) -> None:
    """Whatever its end was, on every connection: no moment goes on, no lock is kept, no transaction is open."""
    for number in range(MORE_THAN_CONNECTIONS):
        with pytest.raises(ZeroDivisionError):
            await fail(database)
        for ask in (ask_sqlalchemy, ask_driver, glanced):
            with pytest.raises(Exception, match="nothing"):
                await ask(database, UNKNOWN)
        name = f"{number}@example.org"
        await rename(database, name)
        async with database.reading() as tx:
            assert await email(tx) == name
        async with database.glance() as reader:
            assert await email(reader) == name


async def test_more_may_read_at_once_than_there_are_connections(database: Database) -> None:
    async def read() -> str:
        async with database.reading() as tx:
            return await email(tx)

    async def glance() -> str:
        async with database.glance() as reader:
            return await email(reader)

    found = await asyncio.gather(*(read() if number % 2 else glance() for number in range(100)))
    assert set(found) == {f"{ALICE}@example.org"}


async def fall_asleep(opened: AbstractAsyncContextManager[Reader], asking: asyncio.Future[int]) -> None:
    """Tell on which connection, and then wait there for an answer that takes a minute."""
    async with opened as reader:
        asking.set_result((await reader.fetch(CONNECTION))[0].number)
        await reader.fetch(SLEEP, seconds=60)


async def test_who_is_cancelled_leaves_no_answer_to_the_next_one(postgres: PostgresCluster) -> None:
    """The connection is given up, whichever way was asked, so that nobody gets an answer meant for another."""
    database = Database(postgres.create_database())
    for number in range(2 * MORE_THAN_CONNECTIONS):
        asking: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        opened = database.glance() if number % 2 else database.reading()
        sleeping = asyncio.create_task(fall_asleep(opened, asking))
        given_up = await asking
        sleeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sleeping
        for _ in range(2):
            async with database.reading() as tx:
                rows = [*await tx.fetch(CONNECTION), *await glanced(database, CONNECTION)]
            assert given_up not in {row.number for row in rows}
    await database.close()


async def lose(cluster: PostgresCluster, opened: AbstractAsyncContextManager[Reader]) -> None:
    async with opened as reader:
        await reader.fetch(ONE)
        cluster.stop()
        await reader.fetch(ONE)


async def test_a_database_that_went_away_is_out_of_reach_until_it_is_back(cluster: PostgresCluster) -> None:
    """Noticed by whoever asks, while reading or before; nothing needs a restart."""
    database = Database(cluster.create_database())
    for opened in (database.reading(), database.glance(), database.reading()):
        await database.ping()
        with pytest.raises(DatabaseUnavailable):
            await lose(cluster, opened)
        for ask in (ask_sqlalchemy, ask_driver, glanced):
            with pytest.raises(DatabaseUnavailable):
                await ask(database, ONE)
        with pytest.raises(DatabaseUnavailable):
            await database.ping()
        cluster.start()
        for ask in (ask_sqlalchemy, ask_driver, glanced):
            await ask(database, ONE)
    await database.close()


async def test_what_was_read_counts_though_the_database_is_gone_by_the_end(cluster: PostgresCluster) -> None:
    database = Database(cluster.create_database())
    async with database.reading() as tx:
        found = await tx.fetch(ONE)
        cluster.stop()
    assert [row.one for row in found] == [1]
    cluster.start()
    await database.ping()
    await database.close()


async def test_a_file_that_is_no_database_is_out_of_reach(tmp_path: Path) -> None:
    file = tmp_path / "records.sqlite3"
    file.write_bytes(b"something else " * 1000)
    database = Database(f"sqlite:///{file}")
    for ask in (ask_sqlalchemy, ask_driver, glanced):
        with pytest.raises(DatabaseUnavailable):
            await ask(database, ONE)
    await database.close()

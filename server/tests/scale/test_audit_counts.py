"""Old entries of the audit log are counted once; whatever is asked for, the number of entries is exact."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from world.postgres import PostgresCluster

from backup_repository.audit import store
from backup_repository.audit.model import Entry, Event, Search
from backup_repository.database.engine import Database, Transaction
from backup_repository.database.migrate import migrate

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ACTORS = ("alice", "bob", None)
EVENTS = (Event.LOGGED_IN, Event.VERSION_UPLOADED, Event.LOGIN_FAILED)
SEARCHES = [
    Search(actor_id=actor, event=event, first=first)
    for actor in ("alice", "bob", "nobody", None)
    for event in (*EVENTS, Event.USER_DELETED, None)
    for first in (None, NOON - timedelta(minutes=10))
]


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A migrated database."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'records.sqlite3'}"
    else:
        cluster: PostgresCluster = request.getfixturevalue("postgres")
        url = cluster.create_database()
    database = Database(url)
    await migrate(database)
    yield database
    await database.close()


async def add(tx: Transaction, count: int, *, until: datetime) -> None:
    for number in range(count):
        at = until - timedelta(minutes=count - number)
        await store.add(tx, Entry(at, ACTORS[number % 3], "", EVENTS[number // 3 % 3], "", "ok", ""))


async def totals(database: Database) -> list[int]:
    """How many entries each search finds; and each finds them all on one page."""
    async with database.reading() as tx:
        pages = [await store.search(tx, wanted, offset=0, limit=1000) for wanted in SEARCHES]
    assert [len(entries) for entries, _ in pages] == [total for _, total in pages]
    return [total for _, total in pages]


async def test_entries_count_alike_before_and_after_they_are_counted_up(database: Database) -> None:
    async with database.transaction() as tx:
        await add(tx, 40, until=NOON)
    before = await totals(database)
    for moment in (NOON - timedelta(days=1), NOON - timedelta(minutes=15), NOON, NOON):
        async with database.transaction() as tx:
            await store.count_up(tx, moment)
        assert await totals(database) == before
    async with database.transaction() as tx:
        await add(tx, 9, until=NOON + timedelta(hours=1))
    assert (await totals(database))[SEARCHES.index(Search())] == 49
    async with database.transaction() as tx:
        await store.count_up(tx, NOON + timedelta(hours=1))
    assert (await totals(database))[SEARCHES.index(Search())] == 49


async def test_counted_entries_are_not_counted_again(database: Database) -> None:
    """What is asked of the log is the number of the counted, and the few that came later."""
    async with database.transaction() as tx:
        await add(tx, 40, until=NOON)
        await store.count_up(tx, NOON)
        counted, until = await store._counted(tx, Search(actor_id="alice"))
        assert (counted, until) == (14, 40)

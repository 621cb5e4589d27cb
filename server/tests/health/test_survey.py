"""A look at all collections finds of each what a look at it alone finds, however long they have been there."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, insert, select
from world.postgres import PostgresCluster
from world.watched import BEGIN, written

from backup_repository.collections import due
from backup_repository.collections.model import Collection
from backup_repository.collections.store import save_counts
from backup_repository.database.engine import Database
from backup_repository.database.migrate import MIGRATIONS, migrate
from backup_repository.database.tables import collections, grants, users
from backup_repository.health import store
from backup_repository.health.freshness import State, Verdict, judge

BEFORE = "0008"
ALICE, BOB = (f"00000000-0000-4000-8000-00000000000{digit}" for digit in "ab")
LIMIT = 20


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


def migrate_to_before(connection: Connection) -> None:
    settings = Config()
    settings.set_main_option("script_location", str(MIGRATIONS))
    settings.attributes["connection"] = connection
    command.upgrade(settings, BEFORE)


async def let_in(database: Database, member: str, ids: list[str]) -> None:
    """Make an account that is a member of some collections."""
    account = dict.fromkeys(("email", "email_folded", "password_hash", "organization", "about"), member)
    none: dict[str, object] = {
        name: [] for name in ("permissions", "tags", "allowed_ip_addresses", "allowed_user_agents")
    }
    async with database.transaction() as tx:
        await tx.execute(
            insert(users).values(id=member, **account, **none, max_allowed_file_size=0, active=True, created_at=BEGIN)
        )
        await tx.execute(insert(grants), [{"collection_id": one, "user_id": member, "permissions": []} for one in ids])


def worst_of(verdicts: list[Verdict]) -> list[Verdict]:
    order = list(State)

    def place(verdict: Verdict) -> tuple[int, datetime, str]:
        waiting = verdict.newest_at or verdict.collection.created_at
        return order.index(verdict.state), waiting, verdict.collection.id

    return sorted((one for one in verdicts if one.state is not State.FRESH), key=place)


async def assert_all_is_found(
    database: Database, there: dict[str, tuple[Collection, list[datetime]]], member: str | None
) -> None:
    """Compare at moments at which some collection becomes late, and right before and after."""
    becoming = sorted(filter(None, (due.due_at(moments[-due.LOOKED_AT :]) for _, moments in there.values())))
    seen = set()
    for late in becoming[:: len(becoming) // 8]:
        for now in (late, late + timedelta(microseconds=1)):
            verdicts = [judge(one, moments[-due.LOOKED_AT :], now) for one, moments in there.values()]
            counts = Counter(verdict.state for verdict in verdicts)
            async with database.reading() as tx:
                assert await store.states(tx, now, member=member) == {state: counts[state] for state in State}
                worst = await store.worst(tx, now, member=member, limit=LIMIT, last=due.LOOKED_AT)
            assert [judge(*one, now) for one in worst] == worst_of(verdicts)[:LIMIT]
            seen |= set(counts)
    assert seen == set(State)


async def test_all_collections_are_judged_as_each_alone_would_be(database: Database) -> None:
    await migrate(database)
    async with database.transaction() as tx:
        there = await written(tx, 150, Random(1))
        for collection, _ in there.values():
            await save_counts(tx, collection, collection)
    await assert_all_is_found(database, there, None)
    hers = dict(list(there.items())[::2])
    await let_in(database, ALICE, list(hers))
    await let_in(database, BOB, list(there)[::3])
    await assert_all_is_found(database, hers, ALICE)


async def test_there_may_be_none(database: Database) -> None:
    await migrate(database)
    async with database.reading() as tx:
        assert await store.states(tx, BEGIN, member=None) == dict.fromkeys(State, 0)
        assert await store.worst(tx, BEGIN, member=None, limit=LIMIT, last=due.LOOKED_AT) == []


async def test_what_was_there_before_is_judged_like_what_comes(database: Database) -> None:
    """The migration fills in what uploads and deletions keep from then on, for more collections than it takes at once."""
    async with database.transaction() as tx:
        await tx.run_sync(migrate_to_before)
        there = await written(tx, 600, Random(2))
    assert (await migrate(database))[0] > BEFORE
    async with database.reading() as tx:
        kept = {row.id: row.due_at for row in await tx.execute(select(collections.c.id, collections.c.due_at))}
    assert kept == {one: due.due_at(moments[-due.LOOKED_AT :]) for one, (_, moments) in there.items()}
    assert None in kept.values()

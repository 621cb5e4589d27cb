"""What was recorded before sums were maintained is in the sums, and goes on to be maintained (contract 10.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, insert, select, text
from world.postgres import PostgresCluster

from backup_repository.collections import store
from backup_repository.collections.store import Totals
from backup_repository.database.engine import Database, Transaction
from backup_repository.database.migrate import MIGRATIONS, migrate
from backup_repository.database.tables import collections, versions

BEFORE = "0006"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LARGEST = 2**63 - 1
FULL, EMPTY, QUIET = (f"c011ec00-0000-4000-8000-00000000000{digit}" for digit in "123")
MEGABYTE = 1_000_000


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A database of the schema before, with collections and versions."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'records.sqlite3'}"
    else:
        cluster: PostgresCluster = request.getfixturevalue("postgres")
        url = cluster.create_database()
    database = Database(url)
    async with database.transaction() as tx:
        await tx.run_sync(migrate_to_before)
        await fill(tx)
    yield database
    await database.close()


def migrate_to_before(connection: Connection) -> None:
    settings = Config()
    settings.set_main_option("script_location", str(MIGRATIONS))
    settings.attributes["connection"] = connection
    command.upgrade(settings, BEFORE)


async def fill(tx: Transaction) -> None:
    rows = ((FULL, LARGEST, (3, 4)), (EMPTY, LARGEST, ()), (QUIET, 0, (1,)))
    for place, (collection_id, limit, numbers) in enumerate(rows):
        await tx.execute(
            text(
                "INSERT INTO collections (id, filename, description, strategy, max_backups_count, max_one_version_size,"
                " max_collection_size, created_at, last_number, versions_count, used_space) VALUES (:id, 'db.tar', '',"
                " 'alert_when_too_many_versions', 0, 0, :limit, '2026-01-01 00:00:00.000000', 4, :count, :used)"
            ).bindparams(id=collection_id, limit=limit, count=len(numbers), used=100 * len(numbers))
        )
        for number in numbers:
            key = f"{place}{number}"
            await tx.execute(text("INSERT INTO blobs (key) VALUES (:key)").bindparams(key=key))
            await tx.execute(
                insert(versions).values(
                    id=key,
                    collection_id=collection_id,
                    number=number,
                    filename=key,
                    blob_key=key,
                    size=100,
                    sha256=key,
                    created_at=NOON + timedelta(days=number),
                )
            )


async def test_sums_and_newest_versions_are_right_after_the_migration(database: Database) -> None:
    assert (await migrate(database))[0] > BEFORE
    async with database.reading() as tx:
        assert await store.totals(tx) == Totals(3, 3, 2 * LARGEST, 300)
        rows = await tx.execute(select(collections.c.id, collections.c.newest_at))
        newest = {row.id: row.newest_at for row in rows}
    assert newest == {FULL: NOON + timedelta(days=4), EMPTY: None, QUIET: NOON + timedelta(days=1)}


async def test_sums_follow_every_change_of_what_was_there(database: Database) -> None:
    await migrate(database)
    async with database.transaction() as tx:
        full, empty, quiet = [await store.by_id(tx, collection_id) for collection_id in (FULL, EMPTY, QUIET)]
        assert full is not None
        assert empty is not None
        assert quiet is not None
        await store.save_details(tx, full, replace(full, max_collection_size=5 * MEGABYTE + 7))
        assert await store.totals(tx) == Totals(3, 3, LARGEST + 5 * MEGABYTE + 7, 300)
        await store.remove(tx, empty)
        assert await store.totals(tx) == Totals(2, 3, 5 * MEGABYTE + 7, 300)
        await store.save_counts(tx, quiet, replace(quiet, versions_count=9, used_space=1))
        assert await store.totals(tx) == Totals(2, 11, 5 * MEGABYTE + 7, 201)
        await store.add(tx, replace(empty, max_collection_size=1))
        assert await store.totals(tx) == Totals(3, 11, 5 * MEGABYTE + 8, 201)
        await store.save_details(tx, quiet, replace(quiet, description="no number changes"))
        assert await store.totals(tx) == Totals(3, 11, 5 * MEGABYTE + 8, 201)

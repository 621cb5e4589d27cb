"""What the sweep takes and what it leaves (contract 12), on both databases, with blobs in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select
from world.postgres import PostgresCluster

from backup_repository import clock
from backup_repository.audit import store as audit_store
from backup_repository.audit.model import Entry, Event
from backup_repository.database.engine import Database
from backup_repository.database.migrate import migrate
from backup_repository.database.tables import audit_counts, blobs, collections, versions
from backup_repository.errors import StorageUnavailable
from backup_repository.storage.base import new_key
from backup_repository.storage.contract import keys, put
from backup_repository.storage.drivers.memory import MemoryStorage
from backup_repository.versions import store
from backup_repository.versions.landing import LandingDirectory
from backup_repository.versions.sweep import Sweep, Swept

HOUR = 3600.0
COLLECTION = "c011ec00-0000-4000-8000-000000000001"


@pytest.fixture(scope="module")
def postgresql_url(postgres: PostgresCluster) -> str:
    return postgres.create_database()


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A database with one collection and nothing else."""
    url = f"sqlite:///{tmp_path / 'records.sqlite3'}"
    database = Database(url if request.param == "sqlite" else request.getfixturevalue("postgresql_url"))
    await migrate(database)
    async with database.transaction() as tx:
        for table in (versions, blobs, collections):
            await tx.execute(delete(table))
        record = {
            "id": COLLECTION,
            "filename": "db.tar.gz",
            "description": "",
            "strategy": "alert_when_too_many_versions",
            "max_backups_count": 0,
            "max_one_version_size": 0,
            "max_collection_size": 0,
            "created_at": clock.now(),
            "last_number": 0,
            "versions_count": 0,
            "used_space": 0,
        }
        await tx.execute(insert(collections).values(record))
    yield database
    await database.close()


async def register(database: Database, key: str, number: int) -> None:
    """Record a version as an upload does: the blob and its row in one transaction."""
    async with database.transaction() as tx:
        await tx.execute(insert(blobs).values(key=key, retired_at=None))
        record = {
            "id": f"00000000-0000-4000-8000-{number:012}",
            "collection_id": COLLECTION,
            "number": number,
            "filename": f"{number:010}db.tar-v{number}.gz",
            "blob_key": key,
            "size": 1,
            "sha256": f"{number:064x}",
            "created_at": clock.now(),
        }
        await tx.execute(insert(versions).values(record))


async def retire(database: Database, *retired: str, at: datetime | None = None) -> None:
    """Record blobs whose versions are gone."""
    async with database.transaction() as tx:
        rows = [{"key": key, "retired_at": at or datetime(2026, 1, 1, tzinfo=UTC)} for key in retired]
        await tx.execute(insert(blobs), rows)


async def recorded(database: Database) -> set[str]:
    """Give the keys that the database knows."""
    async with database.reading() as tx:
        return set((await tx.execute(select(blobs.c.key))).scalars())


def sweep_of(database: Database, storage: MemoryStorage, *, ahead: float = 0) -> Sweep:
    """Make a sweep whose clock is so many seconds ahead."""
    return Sweep(database, storage, LandingDirectory(None), lambda: clock.now() + timedelta(seconds=ahead))


async def test_what_a_version_names_stays(database: Database) -> None:
    storage = MemoryStorage()
    key = await put(storage, b"x")
    await register(database, key, 1)
    assert await sweep_of(database, storage, ahead=10 * HOUR).run(0) == Swept()
    assert await keys(storage) == await recorded(database) == {key}


async def test_a_retired_blob_goes_and_is_forgotten(database: Database) -> None:
    storage = MemoryStorage()
    key, gone, named = await put(storage, b"x"), new_key(), await put(storage, b"y")
    await register(database, named, 1)
    await retire(database, key, gone)
    assert (await sweep_of(database, storage).run(0)).retired == sorted([key, gone])
    assert await keys(storage) == await recorded(database) == {named}


async def test_a_blob_without_a_row_goes_when_it_is_old_enough(database: Database) -> None:
    storage = MemoryStorage()
    key = await put(storage, b"x")
    assert await sweep_of(database, storage, ahead=HOUR / 2).run(HOUR) == Swept()
    assert await keys(storage) == {key}
    assert await sweep_of(database, storage, ahead=2 * HOUR).run(HOUR) == Swept(orphaned=[key])
    assert await keys(storage) == await recorded(database) == set()


async def test_a_retired_blob_waits_as_long(database: Database) -> None:
    """Its age counts from its retirement, not from its upload: a download may have begun just before."""
    storage = MemoryStorage()
    key = await put(storage, b"x")
    await retire(database, key, at=clock.now() + timedelta(hours=9))
    assert await sweep_of(database, storage, ahead=9.5 * HOUR).run(HOUR) == Swept()
    assert await sweep_of(database, storage, ahead=11 * HOUR).run(HOUR) == Swept(retired=[key])


async def test_a_dry_run_says_the_same_and_does_nothing(database: Database) -> None:
    storage = MemoryStorage()
    orphan, retired = await put(storage, b"x"), await put(storage, b"y")
    await retire(database, retired)
    sweep = sweep_of(database, storage, ahead=HOUR)
    expected = Swept(retired=[retired], orphaned=[orphan])
    assert await sweep.run(0, dry_run=True) == expected
    assert (await keys(storage), await recorded(database)) == ({orphan, retired}, {retired})
    assert await sweep.run(0) == expected
    assert (await keys(storage), await recorded(database)) == (set(), set())


async def test_a_blob_that_an_upload_holds_stays_whatever_its_age(database: Database) -> None:
    storage = MemoryStorage()
    sweep = sweep_of(database, storage, ahead=10 * HOUR)
    async with storage.draft() as draft:
        await draft.write(b"x")
        await draft.finish()
        assert await sweep.run(0) == Swept()
    assert await sweep.run(0) == Swept(orphaned=[draft.key])


class RegisteredJustNow(MemoryStorage):
    """A storage whose upload ends while the sweep looks: its row is committed first, then it lets go."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    async def is_held(self, key: str) -> bool:
        await register(self._database, key, 7)
        return await super().is_held(key)


async def test_an_upload_that_ends_in_between_keeps_its_blob(database: Database) -> None:
    """The sweep found no row, nobody holds the blob any more, and yet it must not go."""
    storage = RegisteredJustNow(database)
    key = await put(storage, b"x")
    assert await sweep_of(database, storage, ahead=HOUR).run(0) == Swept()
    assert await keys(storage) == await recorded(database) == {key}


async def test_a_claimed_blob_can_not_be_registered_any_more(database: Database) -> None:
    """The other way round: the claim is committed, then the late upload comes."""
    key = new_key()
    async with database.transaction() as tx:
        await store.claim(tx, key, clock.now())
    with pytest.raises(store.BlobKnown):
        async with database.transaction() as tx:
            await store.claim(tx, key, clock.now())
    async with database.transaction() as tx:
        await store.forget(tx, key)
    assert await recorded(database) == set()


async def test_what_a_version_names_cannot_be_forgotten(database: Database) -> None:
    key = new_key()
    await register(database, key, 1)
    async with database.transaction() as tx:
        await store.forget(tx, key)
    assert await recorded(database) == {key}


class FailsOnce(MemoryStorage):
    """A storage that is out of reach for the first deletion."""

    failed = False

    async def delete(self, key: str) -> None:
        if not self.failed:
            self.failed = True
            raise StorageUnavailable
        await super().delete(key)


async def test_an_interrupted_sweep_is_finished_by_the_next(database: Database) -> None:
    """The blob was claimed, then the storage was gone: the claim leads the next sweep to it."""
    storage = FailsOnce()
    key = await put(storage, b"x")
    sweep = sweep_of(database, storage, ahead=HOUR)
    with pytest.raises(StorageUnavailable):
        await sweep.run(0)
    assert (await keys(storage), await recorded(database)) == ({key}, {key})
    assert (await sweep.run(0)).retired == [key]
    assert (await keys(storage), await recorded(database)) == (set(), set())


async def test_several_sweeps_at_once_agree(database: Database) -> None:
    """Several processes may share the database and the storage."""
    storage = MemoryStorage()
    named = await put(storage, b"named")
    await register(database, named, 1)
    orphans = [await put(storage, b"%d" % number) for number in range(20)]
    retired = [await put(storage, b"%d" % number) for number in range(20)]
    await retire(database, *retired)
    swept = await asyncio.gather(*(sweep_of(database, storage, ahead=HOUR).run(0) for _ in range(4)))
    assert {key for one in swept for key in (*one.retired, *one.orphaned)} == {*orphans, *retired}
    assert await keys(storage) == await recorded(database) == {named}


async def test_what_a_frozen_process_is_about_to_forget_is_not_waited_for(
    postgres: PostgresCluster,
) -> None:
    """The other sweep goes on, and the row goes as soon as its holder wakes; SQLite has one writer on one machine."""
    database = Database(postgres.create_database())
    await migrate(database)
    storage = MemoryStorage()
    held, free = await put(storage, b"x"), await put(storage, b"y")
    await retire(database, held, free)
    async with database.transaction() as frozen:
        await store.forget(frozen, held)
        await sweep_of(database, storage).run(0)
        assert (await keys(storage), await recorded(database)) == (set(), {held})
    assert await recorded(database) == set()
    await database.close()


async def test_thousands_are_swept_in_one_go(database: Database) -> None:
    """More than a batch of each kind, in a dry run too."""
    storage = MemoryStorage()
    orphans = [await put(storage, b"x") for _ in range(1001)]
    retired = [new_key() for _ in range(1001)]
    await retire(database, *retired)
    found = await sweep_of(database, storage, ahead=HOUR).run(0, dry_run=True)
    assert found.retired == sorted(retired)
    assert sorted(found.orphaned) == sorted(orphans)


async def test_entries_of_the_audit_log_are_counted_when_they_are_old_enough(database: Database) -> None:
    """Not while somebody might still write beside them, and never by a dry run."""
    storage = MemoryStorage()
    async with database.transaction() as tx:
        await audit_store.add(tx, Entry(clock.now(), None, "", Event.LOGIN_FAILED, "", "401", ""))

    async def counted() -> list[int]:
        async with database.reading() as tx:
            query = select(audit_counts.c.entries).where(audit_counts.c.event == Event.LOGIN_FAILED.value)
            return list((await tx.execute(query)).scalars())

    await sweep_of(database, storage).run(0)
    await sweep_of(database, storage, ahead=2 * HOUR).run(0, dry_run=True)
    assert await counted() == []
    for _ in range(2):
        await sweep_of(database, storage, ahead=2 * HOUR).run(0)
        assert await counted() == [1]

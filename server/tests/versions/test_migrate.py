"""Copies between storages, with records in SQLite and blobs in memory."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import delete, insert
from world.disk import Disk

from backup_repository import clock
from backup_repository.database.engine import Database
from backup_repository.database.migrate import migrate
from backup_repository.database.tables import blobs, collections, versions
from backup_repository.errors import StorageUnavailable
from backup_repository.storage.base import Storage, new_key
from backup_repository.storage.contract import CONTENT, get, keys, put
from backup_repository.storage.drivers.memory import MemoryStorage
from backup_repository.storage.wrappers.faulty import Faults, FaultyStorage, When
from backup_repository.versions.migrate import Left, Migrated, Migration, Trouble

COLLECTION = "c011ec00-0000-4000-8000-000000000001"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A database with one collection and nothing else."""
    database = Database(f"sqlite:///{tmp_path / 'records.sqlite3'}")
    await migrate(database)
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
    async with database.transaction() as tx:
        await tx.execute(insert(collections).values(record))
    yield database
    await database.close()


class Records:
    """Versions that name blobs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._number = 0

    def fresh(self, size: int) -> bytes:
        """Give bytes that no other version has."""
        return self._number.to_bytes(2) + CONTENT[:size]

    async def add(self, key: str, content: bytes) -> None:
        self._number += 1
        record = {
            "id": f"00000000-0000-4000-8000-{self._number:012}",
            "collection_id": COLLECTION,
            "number": self._number,
            "filename": f"{self._number:010}db.tar-v{self._number}.gz",
            "blob_key": key,
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "created_at": clock.now(),
        }
        async with self._database.transaction() as tx:
            await tx.execute(insert(blobs).values(key=key, retired_at=None))
            await tx.execute(insert(versions).values(record))

    async def remove(self, key: str) -> None:
        async with self._database.transaction() as tx:
            await tx.execute(delete(versions).where(versions.c.blob_key == key))


@pytest.fixture
def records(database: Database) -> Records:
    return Records(database)


async def run(database: Database, source: Storage, target: Storage, **options: bool) -> tuple[Migrated, list[Left]]:
    migrated = Migrated()
    found = [left async for left in Migration(database, source, target).run(migrated, **options)]
    return migrated, found


async def stored(storage: Storage, records: Records, count: int) -> dict[str, bytes]:
    """Store blobs of different sizes that versions name."""
    contents = {}
    for number in range(count):
        content = records.fresh(1 + number * 997)
        key = await put(storage, content)
        await records.add(key, content)
        contents[key] = content
    return contents


async def test_what_versions_name_is_copied_under_its_key(database: Database, records: Records) -> None:
    source, target = MemoryStorage(), MemoryStorage()
    contents = await stored(source, records, 20)
    orphan = await put(source, b"nobody's")
    assert await run(database, source, target) == (Migrated(20, sum(map(len, contents.values()))), [])
    assert {key: await get(target, key) for key in await keys(target)} == contents
    assert await keys(source) == {*contents, orphan}


async def test_files_are_copied_to_where_they_belong(database: Database, records: Records, tmp_path: Path) -> None:
    """From an object store back to a directory."""
    disk = Disk(tmp_path / "blobs", tmp_path / "staging")
    disk.directory.mkdir()
    source = MemoryStorage()
    ((key, content),) = (await stored(source, records, 1)).items()
    await run(database, source, disk.open())
    assert disk.files() == [disk.file(key)]
    assert disk.file(key).read_bytes() == content


async def test_a_second_run_copies_only_what_is_new(database: Database, records: Records) -> None:
    source, target = MemoryStorage(), MemoryStorage()
    await stored(source, records, 5)
    await run(database, source, target)
    new = await stored(source, records, 2)
    assert await run(database, source, target) == (Migrated(2, sum(map(len, new.values())), present=5), [])
    assert await run(database, source, target) == (Migrated(present=7), [])


async def test_what_was_written_to_the_new_storage_needs_no_copy(database: Database, records: Records) -> None:
    source, target = MemoryStorage(), MemoryStorage()
    await stored(target, records, 3)
    assert await run(database, source, target, verify=True) == (Migrated(present=3), [])


@pytest.mark.parametrize("when", When)
async def test_a_run_that_fails_at_any_call_can_be_repeated(
    database: Database, records: Records, *, when: When
) -> None:
    """And never leaves a part of a blob."""
    source = MemoryStorage()
    contents = await stored(source, records, 6)
    number = 0
    while True:
        number += 1
        target = MemoryStorage()
        faults = Faults(number.__eq__, when=when)
        try:
            await run(database, source, FaultyStorage(target, faults))
        except StorageUnavailable:
            assert {key: await get(target, key) for key in await keys(target)}.items() <= contents.items()
        else:
            assert len(faults.calls) < number
            break
        migrated, left = await run(database, source, target)
        assert (migrated.copied + migrated.present, left) == (6, [])
        assert {key: await get(target, key) for key in await keys(target)} == contents
    assert number > 24


async def test_an_old_storage_that_goes_away_is_told(database: Database, records: Records) -> None:
    source = MemoryStorage()
    await stored(source, records, 3)
    with pytest.raises(StorageUnavailable):
        await run(database, FaultyStorage(source, Faults(lambda number: number > 1)), MemoryStorage())


async def test_a_dry_run_copies_nothing(database: Database, records: Records) -> None:
    source, target = MemoryStorage(), MemoryStorage()
    contents = await stored(source, records, 3)
    missing = new_key()
    await records.add(missing, b"x")
    would = await run(database, source, target, dry_run=True)
    size = sum(map(len, contents.values()))
    assert would == (Migrated(3, size, troubles=1), [Left(missing, Trouble.MISSING)])
    assert await keys(target) == set()


async def test_what_cannot_be_copied_is_told_and_the_rest_comes_over(database: Database, records: Records) -> None:
    source, target = MemoryStorage(), MemoryStorage()
    contents = await stored(source, records, 3)
    missing, damaged, short, different = new_key(), await put(source, b"other"), await put(source, b"shor"), new_key()
    await records.add(missing, b"x")
    await records.add(damaged, b"right")
    await records.add(short, b"short")
    await records.add(different, b"other again")
    async with target.draft(different) as draft:
        await draft.write(b"wrong size")
        await draft.finish()
    migrated, left = await run(database, source, target)
    assert migrated == Migrated(3, sum(map(len, contents.values())), troubles=4)
    assert {one.key: one.trouble for one in left} == {
        missing: Trouble.MISSING,
        damaged: Trouble.DAMAGED,
        short: Trouble.DAMAGED,
        different: Trouble.DIFFERENT,
    }
    assert await keys(target) == {*contents, different}
    assert await get(target, different) == b"wrong size"


async def test_verifying_reads_what_is_there(database: Database, records: Records) -> None:
    """Other bytes of the same size are found by their digest only."""
    target = MemoryStorage()
    key = await put(target, b"wrong")
    await records.add(key, b"right")
    assert await run(database, MemoryStorage(), target) == (Migrated(present=1), [])
    verified = await run(database, MemoryStorage(), target, verify=True)
    assert verified == (Migrated(troubles=1), [Left(key, Trouble.DIFFERENT)])


async def test_a_version_deleted_meanwhile_is_no_trouble(database: Database, records: Records) -> None:
    """It was listed, but when its turn came, neither blob nor version were there."""
    gone = new_key()
    await records.add(gone, b"x")

    class Deletes(MemoryStorage):
        async def size(self, key: str) -> int:
            await records.remove(key)
            return await super().size(key)

    assert await run(database, MemoryStorage(), Deletes()) == (Migrated(), [])


async def test_more_blobs_than_a_batch_come_over(
    database: Database, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backup_repository.versions.migrate._BATCH", 3)
    source, target = MemoryStorage(), MemoryStorage()
    contents = await stored(source, records, 9)
    await run(database, source, target)
    assert await keys(target) == set(contents)

"""A storage that is away, replaced, closed or read-only gives the right error, and works again when it is back."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from world.disk import Disk
from world.filesystems import closed_to_us, read_only, small_file_system

from backup_repository.errors import BlobMissing, StorageRefused, StorageUnavailable
from backup_repository.storage.base import Storage, new_key
from backup_repository.storage.contract import CONTENT, get, keys, put


async def every_job_fails(storage: Storage, key: str, error: type[Exception], code: int) -> None:
    jobs: dict[str, Callable[[], Awaitable[object]]] = {
        "probe": lambda: storage.probe(write=True),
        "look": lambda: storage.probe(write=False),
        "write": lambda: put(storage, b"content"),
        "read": lambda: get(storage, key),
        "size": lambda: storage.size(key),
        "delete": lambda: storage.delete(key),
        "held": lambda: storage.is_held(key),
        "list": lambda: keys(storage),
        "litter": lambda: storage.clear_litter(0),
    }
    for name, job in jobs.items():
        with pytest.raises(error) as refused:
            await job()
        assert getattr(refused.value, "code", None) == code, name
        assert "/" not in str(refused.value), name


async def test_a_storage_directory_that_is_away(disk: Disk, tmp_path: Path) -> None:
    storage = disk.open()
    key = await put(storage, CONTENT)
    disk.directory.rename(tmp_path / "away")
    await every_job_fails(storage, key, StorageUnavailable, 42003)
    assert list(disk.staging.iterdir()) == []
    (tmp_path / "away").rename(disk.directory)
    assert await get(storage, key) == CONTENT
    await storage.probe(write=True)


async def test_a_file_in_place_of_the_storage_directory(disk: Disk, tmp_path: Path) -> None:
    storage = disk.open()
    key = await put(storage, CONTENT)
    disk.directory.rename(tmp_path / "away")
    disk.directory.write_text("a file")
    await every_job_fails(storage, key, StorageUnavailable, 42003)
    disk.directory.unlink()
    (tmp_path / "away").rename(disk.directory)
    assert await get(storage, key) == CONTENT
    await storage.probe(write=True)


async def test_an_empty_directory_in_place_of_the_storage(disk: Disk, tmp_path: Path) -> None:
    """As of a disk that is not mounted: what was registered is missing, and new shards are made."""
    storage = disk.open()
    key = await put(storage, CONTENT)
    disk.directory.rename(tmp_path / "away")
    disk.directory.mkdir()
    with pytest.raises(BlobMissing):
        await get(storage, key)
    with pytest.raises(BlobMissing):
        await storage.size(key)
    await storage.delete(key)
    assert await keys(storage) == set()
    new = await put(storage, b"new")
    assert await keys(storage) == {new}


async def test_a_storage_directory_that_is_closed_to_us(disk: Disk) -> None:
    storage = disk.open()
    key = await put(storage, CONTENT)
    with closed_to_us(disk.directory):
        await every_job_fails(storage, key, StorageRefused, 42001)
    assert await get(storage, key) == CONTENT
    await storage.probe(write=True)
    assert list(disk.staging.iterdir()) == []


async def test_a_storage_that_became_read_only(tmp_path: Path) -> None:
    with small_file_system(tmp_path / "small", 8) as small:
        disk = Disk(small / "blobs", tmp_path / "staging")
        disk.directory.mkdir()
        storage = disk.open()
        key = await put(storage, CONTENT)
        with read_only(small):
            for job in (storage.probe(write=True), put(storage, b"content"), storage.delete(key)):
                with pytest.raises(StorageRefused) as refused:
                    await job
                assert refused.value.code == 42001
            await storage.probe(write=False)
            assert await get(storage, key) == CONTENT
            assert await keys(storage) == {key}
            assert not await storage.is_held(key)
        await storage.probe(write=True)
        await storage.delete(key)
        assert disk.files() == []


async def test_a_storage_that_goes_away_under_a_draft(disk: Disk, tmp_path: Path) -> None:
    storage = disk.open()
    async with storage.draft() as draft:
        await draft.write(CONTENT)
        disk.directory.rename(tmp_path / "away")
        with pytest.raises(StorageUnavailable):
            await draft.finish()
        with pytest.raises(RuntimeError):
            await draft.finish()
    assert list(disk.staging.iterdir()) == []
    assert list((tmp_path / "away").rglob("*")) == []


async def test_staging_that_was_tidied_away_is_made_again(disk: Disk) -> None:
    storage = disk.open()
    await put(storage, b"before")
    shutil.rmtree(disk.staging)
    assert await get(storage, await put(storage, CONTENT)) == CONTENT


async def test_staging_that_was_tidied_away_under_a_draft(disk: Disk) -> None:
    """Its file has no name any more that could be moved to the storage."""
    storage = disk.open()
    async with storage.draft() as draft:
        await draft.write(CONTENT)
        shutil.rmtree(disk.staging)
        with pytest.raises(StorageUnavailable):
            await draft.finish()
    assert disk.files() == []


async def test_a_missing_directory_is_never_made(disk: Disk) -> None:
    disk.directory.rmdir()
    with pytest.raises(StorageUnavailable):
        await put(disk.open(), b"content")
    with pytest.raises(StorageUnavailable):
        await disk.open().size(new_key())
    assert not disk.directory.exists()

"""Reading from one storage, writing to another (case 9 of the configuration: FS_RO_NAME differs from FS_RW_NAME)."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from world.disk import Disk

from backup_repository.errors import BlobMissing, OutsideStorage, StorageUnavailable
from backup_repository.storage.base import Storage, new_key
from backup_repository.storage.contract import CONTENT, StorageContract, get, keys, put
from backup_repository.storage.drivers.memory import MemoryStorage
from backup_repository.storage.receive import receive_adopted
from backup_repository.storage.wrappers.fallback import FallbackStorage


class TestFallbackStorage(StorageContract):
    @pytest.fixture
    def storage(self) -> Storage:
        return FallbackStorage(MemoryStorage(), MemoryStorage())


def replica(first: Disk, disk: Disk, key: str, content: bytes) -> None:
    """Give the first storage a copy of a blob, as whoever replicates does, with recognisable bytes."""
    first.file(key).parent.mkdir(exist_ok=True)
    first.file(key).write_bytes(content)
    assert disk.file(key).exists()


@pytest.fixture
def first(tmp_path: Path) -> Disk:
    found = Disk(tmp_path / "first", tmp_path / "unused")
    found.directory.mkdir()
    return found


@pytest.fixture
def storage(first: Disk, disk: Disk) -> Storage:
    return FallbackStorage(first.open(), disk.open())


async def test_writes_go_to_one_storage_and_are_read_at_once(storage: Storage, first: Disk, disk: Disk) -> None:
    key = await put(storage, CONTENT)
    assert first.files() == []
    assert disk.files() == [disk.file(key)]
    assert await get(storage, key, 5, 100) == CONTENT[5:100]
    assert await storage.size(key) == len(CONTENT)


async def test_what_the_first_has_is_read_from_there(storage: Storage, first: Disk, disk: Disk) -> None:
    key = await put(storage, b"written")
    replica(first, disk, key, b"replica!")
    assert await get(storage, key) == b"replica!"
    assert await storage.size(key) == 8


async def test_what_neither_has_is_missing(storage: Storage) -> None:
    with pytest.raises(BlobMissing):
        await get(storage, new_key())
    with pytest.raises(BlobMissing):
        await storage.size(new_key())


async def test_the_first_is_never_changed(storage: Storage, first: Disk, disk: Disk) -> None:
    key = await put(storage, b"written")
    replica(first, disk, key, b"replica!")
    assert await keys(storage) == {key}
    await storage.delete(key)
    assert await keys(storage) == set()
    await storage.probe(write=True)
    await storage.clear_litter(-60)
    assert first.files() == [first.file(key)]
    assert disk.files() == []


async def test_a_first_out_of_reach_is_no_reason_to_look_elsewhere(storage: Storage, first: Disk) -> None:
    """Only absence is: a broken storage must be noticed."""
    key = await put(storage, b"written")
    first.directory.rename(first.directory.with_name("away"))
    with pytest.raises(StorageUnavailable):
        await get(storage, key)
    with pytest.raises(StorageUnavailable):
        await storage.size(key)
    for write in (True, False):
        with pytest.raises(StorageUnavailable):
            await storage.probe(write=write)
    first.directory.with_name("away").rename(first.directory)
    assert await get(storage, key) == b"written"


async def test_a_missing_blob_inside_the_reading_block_is_not_caught(storage: Storage) -> None:
    key = await put(storage, b"written")
    with pytest.raises(BlobMissing):
        async with storage.read(key):
            raise BlobMissing


async def test_landed_files_are_adopted_by_the_written_storage(storage: Storage, disk: Disk, tmp_path: Path) -> None:
    (tmp_path / "landed").write_bytes(CONTENT)
    descriptor = os.open(tmp_path / "landed", os.O_RDONLY)
    try:
        async with storage.adopt(descriptor) as draft:
            await receive_adopted(draft, hashing=asyncio.Semaphore(1))
            await draft.finish()
            assert await storage.is_held(draft.key)
    finally:
        os.close(descriptor)
    assert disk.file(draft.key).stat().st_ino == (tmp_path / "landed").stat().st_ino


def test_a_proxy_cannot_look_in_two_places(storage: Storage) -> None:
    assert storage.accelerated(new_key()) is None
    with pytest.raises(OutsideStorage):
        storage.accelerated("../" + "a" * 29)

"""The memory driver: the contract, and a capacity."""

from __future__ import annotations

import pytest

from backup_repository.errors import StorageUnavailable
from backup_repository.storage.base import Storage
from backup_repository.storage.contract import StorageContract, get, keys, put
from backup_repository.storage.drivers.memory import MemoryStorage


class TestMemoryStorage(StorageContract):
    @pytest.fixture
    def storage(self) -> Storage:
        return MemoryStorage()


async def test_a_full_storage_takes_what_fits_and_nothing_more() -> None:
    storage = MemoryStorage(capacity=100)
    first = await put(storage, bytes(60))
    with pytest.raises(StorageUnavailable, match="full") as refused:
        await put(storage, bytes(41))
    assert refused.value.code == 42003
    second = await put(storage, bytes(40))
    assert await keys(storage) == {first, second}


async def test_drafts_count_against_the_capacity_and_give_it_back() -> None:
    storage = MemoryStorage(capacity=100)
    async with storage.draft() as draft:
        await draft.write(bytes(80))
        with pytest.raises(StorageUnavailable, match="full"):
            await put(storage, bytes(21))
    key = await put(storage, bytes(100))
    await storage.delete(key)
    await storage.delete(key)
    assert await get(storage, await put(storage, bytes(100))) == bytes(100)


async def test_a_draft_that_failed_cannot_be_finished_and_gives_its_room_back() -> None:
    storage = MemoryStorage(capacity=10)
    async with storage.draft() as draft:
        await draft.write(bytes(5))
        with pytest.raises(StorageUnavailable):
            await draft.write(bytes(6))
        with pytest.raises(RuntimeError):
            await draft.finish()
    assert await keys(storage) == set()
    assert await get(storage, await put(storage, bytes(10))) == bytes(10)


async def test_probing_a_full_storage_tells_so_and_reading_still_works() -> None:
    storage = MemoryStorage(capacity=10)
    key = await put(storage, bytes(10))
    with pytest.raises(StorageUnavailable, match="full"):
        await storage.probe(write=True)
    await storage.probe(write=False)
    assert await get(storage, key) == bytes(10)


def test_a_proxy_cannot_serve_memory() -> None:
    assert MemoryStorage().accelerated("0" * 32) is None

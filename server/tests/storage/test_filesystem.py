"""The filesystem driver: the contract, its files, and what somebody else may put among them."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from world.disk import Disk

from backup_repository.errors import BlobMissing, OutsideStorage, StorageCorrupt
from backup_repository.storage.base import BlobInfo, Draft, OpenFile, Storage, new_key
from backup_repository.storage.contract import CONTENT, StorageContract, get, keys, put

SHARDS = [f"{number:02x}" for number in range(256)]


class TestFilesystemStorage(StorageContract):
    @pytest.fixture
    def storage(self, disk: Disk) -> Storage:
        self.disk = disk
        return disk.open()

    async def nothing_is_left(self, storage: Storage, draft: Draft) -> None:
        await super().nothing_is_left(storage, draft)
        assert self.disk.files() == []


async def test_a_blob_is_a_private_file_in_its_shard(disk: Disk) -> None:
    storage = disk.open()
    key = await put(storage, CONTENT)
    relative = storage.accelerated(key)
    assert relative == f"{key[:2]}/{key}"
    file = disk.directory / relative
    assert disk.files() == [file]
    assert file.read_bytes() == CONTENT
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(disk.staging.stat().st_mode) == 0o700


async def test_a_blob_that_is_written_back_on_the_way_is_whole(disk: Disk) -> None:
    storage = disk.open()
    blocks = [CONTENT[number:] + CONTENT[:number] for number in range(25)]
    async with storage.draft() as draft:
        for block in blocks:
            await draft.write(block)
        await draft.finish()
    async with storage.read(draft.key) as read:
        found = b"".join([block async for block in read])
    assert found == b"".join(blocks)


async def test_a_reader_shows_its_file_until_it_is_left(disk: Disk) -> None:
    storage = disk.open()
    key = await put(storage, CONTENT)
    async with storage.read(key, 1, 5) as blocks:
        assert isinstance(blocks, OpenFile)
        assert os.pread(blocks.fileno(), 4, 1) == CONTENT[1:5]
        assert [block async for block in blocks] == [CONTENT[1:5]]
    with pytest.raises(RuntimeError):
        blocks.fileno()


async def test_a_draft_is_a_private_file_in_staging(disk: Disk) -> None:
    async with disk.open().draft() as draft:
        await draft.write(b"begun")
        assert disk.files() == [disk.staging / draft.key]
        assert stat.S_IMODE((disk.staging / draft.key).stat().st_mode) == 0o600


async def test_another_storage_on_the_same_directory_sees_the_same(disk: Disk) -> None:
    key = await put(disk.open(), CONTENT)
    other = disk.open()
    assert await get(other, key) == CONTENT
    await other.delete(key)
    assert await keys(disk.open()) == set()


@pytest.mark.parametrize("put_there", [Path.mkdir, os.mkfifo], ids=["directory", "pipe"])
async def test_what_is_no_file_is_no_blob(disk: Disk, put_there: Callable[[Path], None]) -> None:
    storage = disk.open()
    key = await put(storage, b"content")
    disk.file(key).unlink()
    put_there(disk.file(key))
    await every_look_is_refused(storage, key)
    assert await keys(storage) == set()


async def test_a_symbolic_link_is_no_blob(disk: Disk, tmp_path: Path) -> None:
    storage = disk.open()
    key = await put(storage, b"content")
    secret = tmp_path / "secret"
    disk.file(key).rename(secret)
    disk.file(key).symlink_to(secret)
    await every_look_is_refused(storage, key)
    assert await keys(storage) == set()
    await storage.delete(key)
    assert not disk.file(key).is_symlink()
    assert secret.read_bytes() == b"content"


async def test_a_symbolic_link_in_place_of_a_shard_is_not_followed(disk: Disk, tmp_path: Path) -> None:
    storage = disk.open()
    key = await put(storage, b"content")
    elsewhere = tmp_path / "elsewhere"
    disk.file(key).parent.rename(elsewhere)
    disk.file(key).parent.symlink_to(elsewhere)
    await every_look_is_refused(storage, key)
    with pytest.raises(OutsideStorage):
        await storage.delete(key)
    with pytest.raises(OutsideStorage):
        await keys(storage)
    assert (elsewhere / key).read_bytes() == b"content"


async def test_nothing_is_written_through_a_symbolic_link(disk: Disk, tmp_path: Path) -> None:
    storage = disk.open()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for shard in SHARDS:
        (disk.directory / shard).symlink_to(elsewhere)
    with pytest.raises(OutsideStorage):
        await put(storage, b"content")
    with pytest.raises(OutsideStorage):
        await storage.probe(write=True)
    assert list(elsewhere.iterdir()) == []
    assert list(disk.staging.iterdir()) == []


async def every_look_is_refused(storage: Storage, key: str) -> None:
    for look in (storage.size, storage.is_held):
        with pytest.raises(OutsideStorage) as refused:
            await look(key)
        assert refused.value.code == 42013
    with pytest.raises(OutsideStorage):
        await get(storage, key)


async def test_the_storage_directory_itself_may_be_a_link(disk: Disk, tmp_path: Path) -> None:
    """The operator configured it."""
    (tmp_path / "link").symlink_to(disk.directory)
    storage = Disk(tmp_path / "link", disk.staging).open()
    assert await get(storage, await put(storage, b"content")) == b"content"


async def test_the_listing_passes_over_what_is_no_blob(disk: Disk) -> None:
    storage = disk.open()
    key = await put(storage, b"content")
    shard = disk.file(key).parent
    other = "00" if key[:2] != "00" else "01"
    (disk.directory / other).mkdir()
    (disk.directory / "lost+found").mkdir()
    (disk.directory / "lost+found" / new_key()).touch()
    (disk.directory / new_key()).touch()
    (disk.directory / other / key).touch()
    (shard / "README").touch()
    (shard / f"{key}.partial").touch()
    (shard / f"{key[:2]}{'0' * 30}").symlink_to(shard / key)
    (shard / f"{key[:2]}{'1' * 30}").mkdir()
    listed = [blob async for blob in storage.blobs()]
    assert [(blob.key, blob.size) for blob in listed] == [(key, 7)]


async def test_blobs_of_one_shard_are_listed_in_the_order_of_their_keys(disk: Disk) -> None:
    storage = disk.open()
    stored = [f"{number * 7 % 20:032x}" for number in range(20)]
    for key in stored:
        async with storage.draft(key) as draft:
            await draft.finish()
    assert [blob.key async for blob in storage.blobs()] == sorted(stored)


async def test_a_blob_that_vanishes_during_the_listing_is_no_error(disk: Disk) -> None:
    storage = disk.open()
    stored = [await put(storage, bytes([number])) for number in range(20)]
    seen: list[BlobInfo] = []
    async for blob in storage.blobs():
        for key in stored:
            if not key.startswith(blob.key[:2]):
                shutil.rmtree(disk.file(key).parent, ignore_errors=True)
        seen.append(blob)
    assert {blob.key[:2] for blob in seen} == {seen[0].key[:2]}


async def test_a_blob_that_was_cut_is_told_while_reading(disk: Disk) -> None:
    storage = disk.open()
    key = await put(storage, CONTENT)
    async with storage.read(key) as blocks:
        await anext(blocks)
        os.truncate(disk.file(key), 300_000)
        with pytest.raises(StorageCorrupt):
            [_ async for _ in blocks]
    with pytest.raises(StorageCorrupt):
        await get(storage, key, 0, len(CONTENT))


async def test_a_reader_is_closed_when_it_is_left(disk: Disk) -> None:
    storage = disk.open()
    key = await put(storage, CONTENT)
    async with storage.read(key) as blocks:
        await anext(blocks)
    with pytest.raises(RuntimeError):
        await anext(blocks)


def open_descriptors() -> list[Path]:
    return list(Path("/proc/self/fd").iterdir())


async def test_descriptors_are_given_back(disk: Disk) -> None:
    """Whether things went well or not."""
    storage = disk.open()

    async def everything() -> None:
        key = await put(storage, CONTENT)
        await get(storage, key)
        await storage.is_held(key)
        await storage.size(key)
        async with storage.draft() as draft:
            await draft.write(b"abandoned")
        for range_ in ((-1, None), (0, len(CONTENT) + 1)):
            with pytest.raises((ValueError, StorageCorrupt)):
                await get(storage, key, *range_)
        await storage.probe(write=True)
        await storage.clear_litter(0)
        await keys(storage)
        await storage.delete(key)
        with pytest.raises(BlobMissing):
            await storage.size(key)
        disk.file(key).mkdir()
        with pytest.raises(OutsideStorage):
            await storage.size(key)

    await everything()
    before = len(open_descriptors())
    for _ in range(5):
        await everything()
    assert len(open_descriptors()) == before


async def test_no_file_is_touched_on_the_event_loop(disk: Disk) -> None:
    loop_thread = threading.get_ident()
    touched: list[str] = []
    watching = True

    def watch(event: str, _arguments: tuple[Any, ...]) -> None:
        if (
            watching
            and threading.get_ident() == loop_thread
            and (event == "open" or event.startswith(("os.", "fcntl.")))
        ):
            touched.append(event)

    sys.addaudithook(watch)
    storage = disk.open()
    descriptor = os.open(__file__, os.O_RDONLY)
    touched.clear()
    try:
        key = await put(storage, CONTENT)
        await get(storage, key)
        await storage.size(key)
        await storage.is_held(key)
        await storage.probe(write=True)
        await storage.probe(write=False)
        await storage.clear_litter(0)
        await keys(storage)
        await storage.delete(key)
        assert touched == []
    finally:
        watching = False
        os.close(descriptor)


async def test_unfinished_copies_of_dead_processes_are_litter(disk: Disk) -> None:
    storage = disk.open()
    key = await put(storage, b"content")
    shard = disk.file(key).parent
    dead, young, running = (shard / f"{new_key()}.partial" for _ in range(3))
    for file in (dead, young, running):
        file.write_bytes(b"par")
    for file in (dead, running):
        os.utime(file, (0, 0))
    with running.open() as held:
        fcntl.flock(held.fileno(), fcntl.LOCK_EX)
        assert await storage.clear_litter(60) == 1
        assert not dead.exists()
        assert young.exists()
        assert running.exists()
    assert await storage.clear_litter(60) == 1
    assert await keys(storage) == {key}
    assert not running.exists()


async def test_a_probe_that_is_given_up_leaves_nothing(disk: Disk) -> None:
    storage = disk.open()
    for turns in range(20):
        task = asyncio.create_task(storage.probe(write=True))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    storage._probing._pool.shutdown(wait=True)
    assert disk.files() == []

"""A full disk is a clear error that leaves nothing behind, and a smaller upload still works (issue: disk full)."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from world.disk import Disk
from world.filesystems import small_file_system

from backup_repository.errors import StorageUnavailable
from backup_repository.storage.base import new_key
from backup_repository.storage.contract import CONTENT, get, keys, put
from backup_repository.storage.drivers.filesystem import FilesystemStorage

MEGABYTE = 1024 * 1024


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let the system refuse larger files to this process; what it says then is translated like a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def overfill(storage: FilesystemStorage, size: int) -> None:
    """Write so many megabytes, try to finish although a write failed, and pass the failure on."""
    async with storage.draft() as draft:
        try:
            for _ in range(size):
                await draft.write(bytes(MEGABYTE))
        except StorageUnavailable:
            with pytest.raises(RuntimeError):
                await draft.finish()
            with pytest.raises(RuntimeError):
                await draft.write(b"")
            raise
        await draft.finish()


async def test_a_file_that_may_not_grow_is_a_full_storage(disk: Disk) -> None:
    storage = disk.open()
    with largest_file(MEGABYTE):
        with pytest.raises(StorageUnavailable) as refused:
            await overfill(storage, 3)
        assert disk.files() == []
        key = await put(storage, bytes(1000))
    assert (refused.value.code, refused.value.message) == (42003, "The storage is full")
    assert await keys(storage) == {key}


async def test_a_block_that_fits_in_part_only_is_refused(disk: Disk) -> None:
    """The system writes the part and says so; only asking for the rest tells that there is no room."""
    with largest_file(MEGABYTE), pytest.raises(StorageUnavailable, match="full"):
        await put(disk.open(), bytes(MEGABYTE + 1))
    assert disk.files() == []


async def test_a_copy_that_may_not_grow_is_a_full_storage(disk: Disk) -> None:
    """The draft is written; bringing it to its place needs room again where staging is on another file system."""
    async with disk.open().draft() as draft:
        await draft.write(CONTENT)
        draft._file._move = draft._file._copy  # type: ignore[attr-defined] # as if rename said EXDEV
        with largest_file(MEGABYTE), pytest.raises(StorageUnavailable, match="full"):
            await draft.finish()
    assert disk.files() == []


async def test_a_second_copy_that_fails_leaves_the_first_one(disk: Disk, tmp_path: Path) -> None:
    """Two processes bring the same blob over from another storage; the slower one finds the disk full."""
    storage, key = disk.open(), new_key()
    async with storage.draft(key) as slower:
        await slower.write(CONTENT)
        slower._file._move = slower._file._copy  # type: ignore[attr-defined] # as if rename said EXDEV
        async with Disk(disk.directory, tmp_path / "of another process").open().draft(key) as faster:
            await faster.write(CONTENT)
            await faster.finish()
        with largest_file(MEGABYTE), pytest.raises(StorageUnavailable, match="full"):
            await slower.finish()
    assert disk.files() == [disk.file(key)]
    assert await get(storage, key) == CONTENT


async def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    with small_file_system(tmp_path / "small", 4) as small:
        disk = Disk(small / "blobs", small / "staging")
        disk.directory.mkdir()
        storage = disk.open()
        kept = await put(storage, CONTENT[:MEGABYTE])
        with pytest.raises(StorageUnavailable) as refused:
            await overfill(storage, 6)
        assert (refused.value.code, refused.value.message) == (42003, "The storage is full")
        assert disk.files() == [disk.file(kept)]
        fits = await put(storage, CONTENT[: 2 * MEGABYTE])
        assert await get(storage, kept) == CONTENT[:MEGABYTE]
        assert await get(storage, fits) == CONTENT[: 2 * MEGABYTE]


async def test_a_disk_that_fills_up_while_copying_from_another_leaves_nothing(tmp_path: Path) -> None:
    with small_file_system(tmp_path / "small", 4) as small:
        disk = Disk(small, tmp_path / "staging")
        storage = disk.open()
        with pytest.raises(StorageUnavailable, match="full"):
            await put(storage, CONTENT + CONTENT)
        assert disk.files() == []
        key = await put(storage, CONTENT)
        assert await get(storage, key) == CONTENT


async def test_a_probe_tells_that_the_disk_is_full(tmp_path: Path) -> None:
    with small_file_system(tmp_path / "small", 1) as small:
        disk = Disk(small / "blobs", small / "staging")
        disk.directory.mkdir()
        storage = disk.open()
        await storage.probe(write=True)
        (small / "ballast").write_bytes(bytes(MEGABYTE - 4096 * 3))
        async with storage.draft() as filler:
            with contextlib.suppress(StorageUnavailable):
                for _ in range(16):
                    await filler.write(bytes(4096))
            with pytest.raises(StorageUnavailable, match="full"):
                await storage.probe(write=True)
            await storage.probe(write=False)
        assert disk.files() == []
        await storage.probe(write=True)

"""A landed file becomes a blob by a link: nothing is copied, and what happens to its other names is no matter."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from world.disk import Disk
from world.filesystems import another_file_system

from backup_repository.storage.base import CannotAdopt
from backup_repository.storage.contract import CONTENT, get, keys, put
from backup_repository.storage.receive import Received, TooLarge, receive_adopted


@pytest.fixture
def landed(tmp_path: Path) -> Path:
    file = tmp_path / "0000000001"
    file.write_bytes(CONTENT)
    file.chmod(0o600)
    return file


@contextlib.contextmanager
def opened(file: Path) -> Iterator[int]:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


async def test_the_blob_is_the_landed_file_itself(disk: Disk, landed: Path) -> None:
    storage = disk.open()
    with opened(landed) as descriptor:
        async with storage.adopt(descriptor) as draft:
            await draft.sync()
            await draft.finish()
        assert os.fstat(descriptor).st_ino == landed.stat().st_ino
    assert disk.file(draft.key).stat().st_ino == landed.stat().st_ino
    assert await get(storage, draft.key) == CONTENT
    assert disk.files() == [disk.file(draft.key)]


async def test_the_proxy_may_remove_its_name_at_any_time(disk: Disk, landed: Path) -> None:
    storage = disk.open()
    with opened(landed) as descriptor:
        async with storage.adopt(descriptor) as draft:
            landed.unlink()
            received = await receive_adopted(draft, hashing=asyncio.Semaphore(1))
            await draft.finish()
    assert received == Received(draft.key, len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    assert await get(storage, draft.key) == CONTENT


async def test_what_was_opened_is_taken_whatever_has_its_name_now(disk: Disk, landed: Path, tmp_path: Path) -> None:
    with opened(landed) as descriptor:
        (tmp_path / "elsewhere").hardlink_to(landed)
        landed.unlink()
        landed.write_bytes(b"another request's")
        async with disk.open().adopt(descriptor) as draft:
            await draft.finish()
    assert await get(disk.open(), draft.key) == CONTENT


async def test_a_file_without_any_name_cannot_be_adopted(disk: Disk, landed: Path) -> None:
    with opened(landed) as descriptor:
        landed.unlink()
        adoption = disk.open().adopt(descriptor)
        with pytest.raises(CannotAdopt):
            await adoption.__aenter__()
        assert os.pread(descriptor, len(CONTENT), 0) == CONTENT
    assert disk.files() == []


async def test_a_directory_cannot_be_adopted(disk: Disk, tmp_path: Path) -> None:
    with opened(tmp_path) as descriptor:
        adoption = disk.open().adopt(descriptor)
        with pytest.raises(CannotAdopt):
            await adoption.__aenter__()
    assert disk.files() == []


async def test_a_file_of_another_file_system_cannot_be_adopted(disk: Disk) -> None:
    with another_file_system(disk.directory) as other:
        (other / "landed").write_bytes(CONTENT)
        with opened(other / "landed") as descriptor:
            adoption = disk.open().adopt(descriptor)
            with pytest.raises(CannotAdopt):
                await adoption.__aenter__()
    assert disk.files() == []


async def test_a_file_that_somebody_locked_cannot_be_adopted(disk: Disk, landed: Path) -> None:
    """Whether the blob is held could not be told."""
    with opened(landed) as somebody, opened(landed) as descriptor:
        fcntl.flock(somebody, fcntl.LOCK_SH)
        adoption = disk.open().adopt(descriptor)
        with pytest.raises(CannotAdopt):
            await adoption.__aenter__()


async def test_an_abandoned_adoption_leaves_the_landed_file_alone(disk: Disk, landed: Path) -> None:
    with opened(landed) as descriptor:
        async with disk.open().adopt(descriptor) as draft:
            assert disk.files() == [draft.path]
            with pytest.raises(TooLarge):
                await receive_adopted(draft, hashing=asyncio.Semaphore(1), limit=len(CONTENT) - 1)
    assert disk.files() == []
    assert landed.read_bytes() == CONTENT


async def test_an_adopted_blob_is_held_until_its_draft_is_left(disk: Disk, landed: Path) -> None:
    """Also while the caller goes on using its own descriptor."""
    storage = disk.open()
    with opened(landed) as descriptor:
        async with storage.adopt(descriptor) as draft:
            await draft.finish()
            assert await storage.is_held(draft.key)
        assert not await storage.is_held(draft.key)


async def test_an_adopted_draft_takes_no_bytes_and_is_finished_once(disk: Disk, landed: Path) -> None:
    with opened(landed) as descriptor:
        async with disk.open().adopt(descriptor) as draft:
            with pytest.raises(RuntimeError):
                await draft.write(b"more")
        assert disk.files() == []
        async with disk.open().adopt(descriptor) as draft:
            await draft.finish()
            with pytest.raises(RuntimeError):
                await draft.finish()
    assert await get(disk.open(), draft.key) == CONTENT


async def test_one_file_may_be_adopted_once_at_a_time(disk: Disk, landed: Path) -> None:
    """A second taker copies."""
    storage = disk.open()
    with opened(landed) as descriptor:
        async with storage.adopt(descriptor) as draft:
            adoption = storage.adopt(descriptor)
            with pytest.raises(CannotAdopt):
                await adoption.__aenter__()
            await draft.finish()
    assert await keys(storage) == {draft.key}


async def test_staging_on_another_file_system_costs_a_copy_and_nothing_else(disk: Disk) -> None:
    with another_file_system(disk.directory) as other:
        elsewhere = Disk(disk.directory, other / "staging")
        storage = elsewhere.open()
        async with storage.draft() as draft:
            await draft.write(CONTENT)
            await draft.finish()
            assert await storage.is_held(draft.key)
            assert await disk.open().is_held(draft.key)
        assert not await storage.is_held(draft.key)
        assert await get(storage, draft.key) == CONTENT
        assert elsewhere.files() == [disk.file(draft.key)]
        empty = await put(storage, b"")
        assert await get(storage, empty) == b""
        await storage.probe(write=True)
        assert set(elsewhere.files()) == {disk.file(draft.key), disk.file(empty)}


async def test_a_file_adopted_into_staging_elsewhere_is_copied_to_the_storage(disk: Disk) -> None:
    with another_file_system(disk.directory) as other:
        storage = Disk(disk.directory, other / "staging").open()
        (other / "staging").mkdir()
        (other / "landed").write_bytes(CONTENT)
        with opened(other / "landed") as descriptor:
            async with storage.adopt(descriptor) as draft:
                (other / "landed").unlink()
                await draft.finish()
                assert await storage.is_held(draft.key)
        assert await get(storage, draft.key) == CONTENT
        assert list((other / "staging").iterdir()) == []

"""Promise 2: what `finish` acknowledges survives a power cut, because everything is flushed, and in the right order.

A power cut cannot be had in a test. What can be seen is the order of the calls that the file system's promises rest on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from world.disk import Disk
from world.filesystems import another_file_system

from backup_repository.storage.base import Storage
from backup_repository.storage.contract import put
from backup_repository.storage.shards import Shards


class Journal:
    """Passes the calls on and remembers them by the inode they are about."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[str, int]] = []
        self._fsync, self._rename, self._unlink = os.fsync, os.rename, os.unlink
        monkeypatch.setattr(os, "fsync", self.fsync)
        monkeypatch.setattr(os, "rename", self.rename)
        monkeypatch.setattr(os, "unlink", self.unlink)

    def fsync(self, descriptor: int) -> None:
        self._fsync(descriptor)
        self.calls.append(("flushed", os.fstat(descriptor).st_ino))

    def rename(
        self, source: Path | str, target: str, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None
    ) -> None:
        self._rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
        self.calls.append(("visible", os.stat(target, dir_fd=dst_dir_fd).st_ino))

    def unlink(self, name: Path | str, *, dir_fd: int | None = None) -> None:
        inode = os.stat(name, dir_fd=dir_fd, follow_symlinks=False).st_ino
        self._unlink(name, dir_fd=dir_fd)
        self.calls.append(("gone", inode))

    def taken(self) -> list[tuple[str, int]]:
        """Give the calls since the last time."""
        calls, self.calls = self.calls, []
        return calls


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> Journal:
    return Journal(monkeypatch)


@pytest.fixture(params=["same", "other"])
def storage(disk: Disk, request: pytest.FixtureRequest) -> Iterator[Storage]:
    """With staging on the same file system, or on another one."""
    if request.param == "same":
        yield disk.open()
        return
    with another_file_system(disk.directory) as other:
        yield Disk(disk.directory, other / "staging").open()


def inode(path: Path) -> int:
    return path.stat().st_ino


async def test_bytes_first_then_the_name_then_the_directory(storage: Storage, disk: Disk, journal: Journal) -> None:
    key = await put(storage, b"content")
    calls = journal.taken()
    blob, shard, root = (inode(path) for path in (disk.file(key), disk.file(key).parent, disk.directory))
    visible = calls.index(("visible", blob))
    assert calls.index(("flushed", blob)) < visible < calls.index(("flushed", shard))
    assert ("flushed", root) in calls


async def test_the_entry_of_a_shard_is_flushed_by_every_process_once(disk: Disk, journal: Journal) -> None:
    """Another process may have made the shard and been killed before it flushed."""
    for shard in range(256):
        (disk.directory / f"{shard:02x}").mkdir()
    storage = disk.open()
    shards = {(await put(storage, b"content"))[:2] for _ in range(40)}
    flushed = [number for what, number in journal.taken() if what == "flushed"]
    assert flushed.count(inode(disk.directory)) == len(shards)


async def test_a_landed_file_is_flushed_before_it_is_visible(disk: Disk, journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "landed").write_bytes(b"content")
    descriptor = os.open(tmp_path / "landed", os.O_RDONLY)
    try:
        async with disk.open().adopt(descriptor) as draft:
            await draft.finish()
    finally:
        os.close(descriptor)
    calls = journal.taken()
    blob, shard = inode(disk.file(draft.key)), inode(disk.file(draft.key).parent)
    assert calls.index(("flushed", blob)) < calls.index(("visible", blob)) < calls.index(("flushed", shard))


async def test_a_deletion_is_flushed(disk: Disk, journal: Journal) -> None:
    storage = disk.open()
    key = await put(storage, b"content")
    blob = inode(disk.file(key))
    journal.taken()
    await storage.delete(key)
    assert journal.taken() == [("gone", blob), ("flushed", inode(disk.file(key).parent))]


def test_a_shard_that_had_to_be_made_again_is_flushed_again(disk: Disk, journal: Journal) -> None:
    shards = Shards(disk.directory)
    for _ in range(3):
        with shards.make("ab"):
            assert journal.taken() == [("flushed", inode(disk.directory))]
        with shards.make("ab"):
            assert journal.taken() == []
        (disk.directory / "ab").rmdir()


def test_a_shard_that_nothing_needed_to_last_in_is_flushed_for_what_does(disk: Disk, journal: Journal) -> None:
    shards = Shards(disk.directory)
    with shards.make("ab", durably=False):
        assert journal.taken() == []
    with shards.make("ab"):
        assert journal.taken() == [("flushed", inode(disk.directory))]


async def test_a_probe_waits_for_no_disk(disk: Disk, journal: Journal) -> None:
    """Not even for the entries of new shards: beside uploads each flush takes a tenth of a second."""
    storage = disk.open()
    for _ in range(20):
        await storage.probe(write=True)
    calls = journal.taken()
    assert [what for what, _ in calls] == ["visible", "gone"] * 20

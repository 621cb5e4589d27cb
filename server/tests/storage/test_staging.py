"""A start clears what killed processes left in TEMP_DIRECTORY, and never what a living one uses."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from world.disk import Disk
from world.filesystems import closed_to_us

from backup_repository.errors import ConfigurationError
from backup_repository.storage.contract import get, keys
from backup_repository.storage.staging import own_staging

PROCESS = """
import asyncio, sys
from pathlib import Path
from backup_repository.storage.drivers.filesystem import FilesystemStorage
from backup_repository.storage.staging import own_staging

async def main(directory, temporary, finish):
    with own_staging(Path(temporary)) as staging:
        async with FilesystemStorage(Path(directory), staging).draft() as draft:
            await draft.write(b"content")
            if finish == "finish":
                await draft.finish()
            print(draft.key, flush=True)
            await asyncio.to_thread(sys.stdin.read)

asyncio.run(main(*sys.argv[1:]))
"""
"""Holds a draft, finished or not, until it is killed or its input ends."""


@contextlib.contextmanager
def holder(disk: Disk, *, finish: bool) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a process that holds a draft; gives it and the key."""
    arguments = [str(disk.directory), str(disk.staging), "finish" if finish else "begin"]
    with subprocess.Popen(
        [sys.executable, "-c", PROCESS, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def killed(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()


def test_staging_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    temporary = tmp_path / "var" / "tmp"
    with own_staging(temporary) as staging:
        assert staging.parent == temporary
        assert staging.stat().st_mode & 0o777 == 0o700
        assert list(staging.iterdir()) == []
        (staging / "draft").write_bytes(b"left")
    assert list(temporary.iterdir()) == []


def test_an_error_inside_passes_and_staging_is_gone(tmp_path: Path) -> None:
    with pytest.raises(KeyError), own_staging(tmp_path):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_several_of_one_directory_leave_each_other_alone(tmp_path: Path) -> None:
    with own_staging(tmp_path) as one:
        (one / "draft").touch()
        with own_staging(tmp_path) as other:
            assert other != one
            assert (one / "draft").exists()
        assert not other.exists()
        assert (one / "draft").exists()


def test_starts_wait_for_each_other(tmp_path: Path) -> None:
    """Or one would take the other's directory for a dead one, in the moment before it is locked."""
    entered = threading.Event()

    def start() -> None:
        with own_staging(tmp_path):
            entered.set()

    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        starting = threading.Thread(target=start)
        starting.start()
        while not (entered.is_set() or somebody_waits_for(tmp_path)):
            os.sched_yield()
        assert not entered.is_set()
        assert list(tmp_path.iterdir()) == []
    finally:
        os.close(descriptor)
    starting.join()
    assert entered.is_set()


def somebody_waits_for(directory: Path) -> bool:
    lines = Path("/proc/locks").read_text().splitlines()
    return any("->" in line and f":{directory.stat().st_ino} " in line for line in lines)


def test_what_others_keep_there_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "somebody").mkdir()
    (tmp_path / "somebody" / "file").touch()
    (tmp_path / "backup-repository-notes").mkdir()
    (tmp_path / "backup-repository-0123456789abcde0").touch()
    (tmp_path / "backup-repository-0123456789abcde1").symlink_to(tmp_path / "somebody")
    before = sorted(tmp_path.rglob("*"))
    with own_staging(tmp_path):
        pass
    assert sorted(tmp_path.rglob("*")) == before


async def test_the_next_start_removes_what_a_killed_process_left(disk: Disk) -> None:
    with holder(disk, finish=False) as (process, key):
        killed(process)
    assert [file.name for file in disk.files()] == [key]
    assert await keys(disk.open()) == set()
    with own_staging(disk.staging) as staging:
        assert disk.files() == []
        assert list(disk.staging.iterdir()) == [staging]


async def test_the_next_start_leaves_a_living_process_alone(disk: Disk) -> None:
    with holder(disk, finish=False) as (_process, key), own_staging(disk.staging):
        assert [file.name for file in disk.files()] == [key]


async def test_a_blob_is_held_for_every_process_until_its_process_dies(disk: Disk) -> None:
    """And an acknowledged blob survives the kill; only its held state ends."""
    storage = disk.open()
    with holder(disk, finish=True) as (process, key):
        assert await storage.is_held(key)
        assert await get(storage, key) == b"content"
        killed(process)
        assert not await storage.is_held(key)
    assert await get(storage, key) == b"content"


async def test_a_process_that_ends_by_itself_leaves_nothing(disk: Disk) -> None:
    with holder(disk, finish=False) as (process, _key):
        process.communicate()
        assert process.returncode == 0
    assert disk.files() == []
    assert list(disk.staging.iterdir()) == []


def test_a_directory_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="TEMP_DIRECTORY: it cannot be used"), own_staging(tmp_path / "file"):
        pass
    (tmp_path / "closed").mkdir()
    with (
        closed_to_us(tmp_path / "closed"),
        pytest.raises(ConfigurationError, match="TEMP_DIRECTORY"),
        own_staging(tmp_path / "closed"),
    ):
        pass


def test_no_lock_is_left_to_programs_that_the_process_starts(tmp_path: Path) -> None:
    """Or a hook that outlives the server would keep its staging for ever."""
    with own_staging(tmp_path) as staging, subprocess.Popen(["sleep", "60"], close_fds=False) as sleeper:
        try:
            inherited = set()
            for file in Path(f"/proc/{sleeper.pid}/fd").iterdir():
                with contextlib.suppress(FileNotFoundError):  # of its own, and closed by now
                    inherited.add(str(file.readlink()))
        finally:
            sleeper.kill()
    assert str(staging) not in inherited

"""The directory where a proxy lands bodies: which names open, and which files the sweep may take."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backup_repository.errors import BadUpload, StorageUnavailable
from backup_repository.versions.landing import LandingDirectory

HOUR = 3600.0


@pytest.fixture
def incoming(tmp_path: Path) -> Path:
    directory = tmp_path / "incoming"
    directory.mkdir()
    return directory


def body(directory: Path, name: str, *, age: float = 0) -> Path:
    """Land a body so many seconds ago."""
    file = directory / name
    file.write_bytes(name.encode())
    moment = time.time() - age
    os.utime(file, (moment, moment))
    return file


@pytest.mark.parametrize("name", ["0000000001", "/anywhere/0000000001", "../0000000001", "a/../b/0000000001"])
def test_only_the_last_component_of_a_name_counts(incoming: Path, name: str) -> None:
    body(incoming, "0000000001")
    with LandingDirectory(incoming).open(name) as descriptor:
        assert os.pread(descriptor, 100, 0) == b"0000000001"


def symlink(place: Path) -> None:
    place.symlink_to(body(place.parent, "target"))


UNACCEPTABLE: dict[str, Callable[[Path], object]] = {
    "missing": lambda _: None,
    "link": symlink,
    "directory": lambda place: place.mkdir(),
    "pipe": os.mkfifo,
}


@pytest.mark.parametrize("kind", UNACCEPTABLE)
def test_anything_but_a_regular_file_is_refused(incoming: Path, kind: str) -> None:
    """Case 86; a pipe must not keep the caller waiting."""
    UNACCEPTABLE[kind](incoming / "x")
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(BadUpload) as refused, LandingDirectory(incoming).open("x"):
        pass
    assert refused.value.code == 42023
    assert "/" not in refused.value.message
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors


@pytest.mark.parametrize("name", ["", ".", "..", "/", "x/", "x\0", "\0", "x" * 300, "\udcff"])
def test_what_is_no_name_is_refused(incoming: Path, name: str) -> None:
    body(incoming, "x")
    with pytest.raises(BadUpload), LandingDirectory(incoming).open(name):
        pass


def test_without_a_directory_nothing_opens_and_nothing_is_cleared(incoming: Path) -> None:
    body(incoming, "x")
    with pytest.raises(BadUpload), LandingDirectory(None).open("x"):
        pass


async def test_without_a_directory_there_is_nothing_to_clear() -> None:
    assert await LandingDirectory(None).clear(0) == ()


def test_an_opened_body_stays_readable_when_the_proxy_removes_its_name(incoming: Path) -> None:
    """Case 85."""
    file = body(incoming, "x")
    with LandingDirectory(incoming).open("x") as descriptor:
        file.unlink()
        assert os.pread(descriptor, 100, 0) == b"x"


async def test_old_bodies_are_cleared_and_young_ones_are_not(incoming: Path) -> None:
    old, young = body(incoming, "old", age=2 * HOUR), body(incoming, "young", age=HOUR / 2)
    landing = LandingDirectory(incoming)
    assert await landing.clear(HOUR, dry_run=True) == ("old",)
    assert old.exists()
    assert await landing.clear(HOUR) == ("old",)
    assert [old.exists(), young.exists()] == [False, True]
    assert await landing.clear(0) == ("young",)


async def test_only_regular_files_are_cleared(incoming: Path, tmp_path: Path) -> None:
    """A link's target least of all."""
    precious = body(tmp_path, "precious", age=2 * HOUR)
    (incoming / "link").symlink_to(precious)
    (incoming / "directory").mkdir()
    os.mkfifo(incoming / "pipe")
    body(incoming / "directory", "inside", age=2 * HOUR)
    assert await LandingDirectory(incoming).clear(0) == ()
    assert {file.name for file in incoming.iterdir()} == {"link", "directory", "pipe"}
    assert precious.exists()


@contextmanager
def held_by_another_process(file: Path) -> Iterator[None]:
    """Keep a file open elsewhere, as NGINX does while it writes a body or waits for its answer."""
    keep = "import sys; file = open(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", keep, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        yield
        process.communicate()


async def test_a_body_that_any_process_holds_open_stays(incoming: Path) -> None:
    """Contract 12: whatever its age."""
    mine, other = body(incoming, "mine", age=2 * HOUR), body(incoming, "other", age=2 * HOUR)
    landing = LandingDirectory(incoming)
    with landing.open("mine"), held_by_another_process(other):
        assert await landing.clear(0) == ()
    assert set(await landing.clear(0)) == {"mine", "other"}
    assert [mine.exists(), other.exists()] == [False, False]


COMING_AND_GOING = """
import pathlib, sys
print('begun', flush=True)
files = [pathlib.Path(sys.argv[1]) / str(number) for number in range(2000)]
while True:
    for file in files:
        file.write_bytes(b'x')
    for file in files:
        file.unlink(missing_ok=True)
"""


@contextmanager
def busy_proxy(incoming: Path) -> Iterator[None]:
    """Land and remove bodies in another process, as fast as it can."""
    command = [sys.executable, "-c", COMING_AND_GOING, str(incoming)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as proxy:
        try:
            assert proxy.stdout is not None
            assert proxy.stdout.readline() == b"begun\n"
            yield
        finally:
            proxy.kill()


async def test_bodies_may_come_and_go_while_it_is_cleared(incoming: Path) -> None:
    """A proxy removes its own names at any moment, also between being listed and being looked at."""
    landing = LandingDirectory(incoming)
    with busy_proxy(incoming):
        for _ in range(25):
            await landing.clear(0)
    body(incoming, "last")
    assert "last" in await landing.clear(0)
    assert list(incoming.iterdir()) == []


async def test_a_directory_that_is_gone_is_told_without_its_path(incoming: Path) -> None:
    incoming.rmdir()
    with pytest.raises(StorageUnavailable) as failed:
        await LandingDirectory(incoming).clear(0)
    assert str(incoming) not in failed.value.message

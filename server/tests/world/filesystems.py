"""File systems in the states that operators meet: small, read-only, another one, closed to us."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from world.programs import lack

_NOBODY = 65534


@contextlib.contextmanager
def small_file_system(place: Path, megabytes: int) -> Iterator[Path]:
    """Mount an empty file system of a few megabytes on a directory; the test is skipped where that is not allowed."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("this process may not mount a file system")  # a right, no program: also where CI is set
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@contextlib.contextmanager
def read_only(mounted: Path) -> Iterator[None]:
    """Make a mounted file system read-only for a while."""
    subprocess.run(["mount", "-o", "remount,ro", str(mounted)], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(mounted)], check=True)


@contextlib.contextmanager
def another_file_system(than: Path) -> Iterator[Path]:
    """Give a directory on another file system than a path's; the test is skipped where there is none."""
    shared_memory = Path("/dev/shm")  # noqa: S108 - a directory of our own is made there
    if not shared_memory.is_dir() or shared_memory.stat().st_dev == than.stat().st_dev:
        lack("there is no second file system at /dev/shm")
    with tempfile.TemporaryDirectory(dir=shared_memory) as directory:
        yield Path(directory)


@contextlib.contextmanager
def closed_to_us(directory: Path) -> Iterator[None]:
    """Take this process's access to a directory away for a while, also when it runs as root."""
    mode = directory.stat().st_mode
    user = os.geteuid()
    directory.chmod(0)
    try:
        if user == 0:
            os.seteuid(_NOBODY)
        yield
    finally:
        os.seteuid(user)
        directory.chmod(mode)

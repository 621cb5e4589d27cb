"""The directory where the application's NGINX lands request bodies (contract 8.2, B 4.2).

A name from the proxy's header counts by its last component only and must be a regular file in the directory itself,
never a symbolic link. NGINX removes its own names when their requests end; what a killed NGINX leaves is swept.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from backup_repository.errors import BadUpload


class LandingDirectory:
    """One directory of landed bodies; None stands for hand-over switched off."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[int]:
        """Open the landed file that a trusted proxy named and give its descriptor.

        Raises:
            BadUpload: 42023, hand-over is off or there is no acceptable file of that name.
        """
        base = name.rsplit("/", 1)[-1]
        if self._directory is None or base in {"", ".", ".."} or "\0" in base:
            raise _refused()
        try:
            # O_NONBLOCK: a named pipe would block the loop until somebody writes to it
            descriptor = os.open(self._directory / base, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except (OSError, ValueError) as error:
            raise _refused() from error
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _refused()
            yield descriptor
        finally:
            os.close(descriptor)

    async def clear(self, older_than: float, *, dry_run: bool = False) -> tuple[str, ...]:
        """Remove bodies older than so many seconds that no process holds open; returns their names."""
        if self._directory is None:
            return ()
        return await asyncio.to_thread(_clear, self._directory, time.time() - older_than, dry_run=dry_run)


def _clear(directory: Path, before: float, *, dry_run: bool) -> tuple[str, ...]:
    with os.scandir(directory) as entries:
        old = [entry for entry in entries if _is_old_file(entry, before)]
    held = _open_files() if old else frozenset()
    cleared: list[str] = []
    for entry in old:
        status = entry.stat(follow_symlinks=False)
        if (status.st_dev, status.st_ino) in held:
            continue
        cleared.append(entry.name)
        if not dry_run:
            with contextlib.suppress(FileNotFoundError):
                Path(entry.path).unlink()
    return tuple(cleared)


def _is_old_file(entry: os.DirEntry[str], before: float) -> bool:
    return entry.is_file(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_mtime <= before


def _open_files() -> frozenset[tuple[int, int]]:
    """Return device and inode of every file that a process of ours holds open, as far as /proc shows."""
    found: set[tuple[int, int]] = set()
    for descriptors in Path("/proc").glob("[0-9]*/fd"):
        with contextlib.suppress(OSError):
            for descriptor in descriptors.iterdir():
                with contextlib.suppress(OSError):
                    status = descriptor.stat()
                    found.add((status.st_dev, status.st_ino))
    return frozenset(found)


def _refused() -> BadUpload:
    return BadUpload("The body file named by the proxy is missing or not acceptable", 42023)

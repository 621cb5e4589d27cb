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
from dataclasses import dataclass
from pathlib import Path

from backup_repository.errors import BadUpload, StorageUnavailable


@dataclass(frozen=True, slots=True)
class Landing:
    """What lies in the directory: bodies that are still coming, and those that the application is taking over."""

    bodies: int
    size: int
    """Bytes."""


class LandingDirectory:
    """One directory of landed bodies; None stands for hand-over switched off."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory

    @property
    def is_open(self) -> bool:
        """Whether bodies may be handed over."""
        return self._directory is not None

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

    async def present(self) -> Landing | None:
        """Return what lies there now; None: nothing can, or the directory is out of reach."""
        if self._directory is None:
            return None
        try:
            return await asyncio.to_thread(_present, self._directory)
        except OSError:
            return None

    async def clear(self, older_than: float, *, dry_run: bool = False) -> tuple[str, ...]:
        """Remove bodies older than so many seconds that no process holds open; returns their names.

        Raises:
            StorageUnavailable: the directory is out of reach.
        """
        if self._directory is None:
            return ()
        before = time.time() - older_than
        try:
            return await asyncio.to_thread(_clear, self._directory, before, dry_run=dry_run)
        except OSError as error:
            raise StorageUnavailable("The directory of landed bodies is out of reach") from error


def _present(directory: Path) -> Landing:
    with os.scandir(directory) as entries:
        sizes = [status.st_size for entry in entries if (status := _status(entry))]
    return Landing(len(sizes), sum(sizes))


def _clear(directory: Path, before: float, *, dry_run: bool) -> tuple[str, ...]:
    with os.scandir(directory) as entries:
        old = {entry.name: status for entry in entries if (status := _status(entry)) and status.st_mtime <= before}
    held = _open_files() if old else frozenset()
    cleared: list[str] = []
    for name, status in old.items():
        if (status.st_dev, status.st_ino) in held:
            continue
        if not dry_run:
            try:
                (directory / name).unlink()
            except FileNotFoundError:  # the proxy's own end of the request came first
                continue
        cleared.append(name)
    return tuple(cleared)


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    """Return the status of a regular file; None for anything else, and for one that has just vanished."""
    try:
        return entry.stat(follow_symlinks=False) if entry.is_file(follow_symlinks=False) else None
    except FileNotFoundError:
        return None


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

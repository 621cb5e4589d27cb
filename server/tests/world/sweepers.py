"""Processes that do nothing but take part in the upkeep: real sweeps of a storage that never runs out of orphans.

Each deletion is a line in a file that all of them share: the process, and which of its sweeps it was.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from backup_repository import clock
from backup_repository.database.engine import Database
from backup_repository.database.leases import Leases
from backup_repository.storage.base import BlobInfo, new_key
from backup_repository.storage.drivers.memory import MemoryStorage
from backup_repository.versions.landing import LandingDirectory
from backup_repository.versions.sweep import SWEEP, Sweep
from backup_repository.versions.upkeep import Job, Upkeep

LEASE_SECONDS = 2.0
"""So short that tests need not wait for long."""


class Endless(MemoryStorage):
    """A storage in which every look finds further orphans."""

    def __init__(self, log: Path) -> None:
        super().__init__()
        self._log = log.open("ab", buffering=0)
        self.sweeps = 0

    async def blobs(self) -> AsyncIterator[BlobInfo]:
        """Find orphans for ever."""
        while True:
            yield BlobInfo(new_key(), 0, clock.now() - timedelta(days=1))

    async def delete(self, key: str) -> None:
        """Write a line in place of deleting anything."""
        self._log.write(f"{os.getpid()} {self.sweeps}\n".encode())
        await super().delete(key)


@dataclass(frozen=True, slots=True)
class Line:
    """One deletion."""

    process: int
    sweep: int


def lines(log: Path) -> list[Line]:
    """Return every deletion so far, in their order."""
    return [Line(*map(int, line.split())) for line in log.read_text().splitlines()]


def newest(log: Path, count: int) -> list[Line]:
    """Return so many of the last deletions, without reading all that came before: there is no end to them."""
    with log.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - 100 * count))
        return [Line(*map(int, line.split())) for line in stream.read().splitlines()[-count:]]


@contextmanager
def sweeper(database_url: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run one, and kill it."""
    command = [sys.executable, "-m", __name__, database_url, str(log)]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[1], stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def _take_part(database_url: str, log: Path) -> None:
    database = Database(database_url)
    leases = Leases(database, seconds=LEASE_SECONDS)
    storage = Endless(log)
    sweep = Sweep(database, storage, LandingDirectory(None), clock.now, leases=leases)

    async def next_sweep() -> None:
        storage.sweeps += 1
        await sweep.run(0)

    await Upkeep(leases, [Job(SWEEP, 0, next_sweep)]).run()


if __name__ == "__main__":
    asyncio.run(_take_part(sys.argv[1], Path(sys.argv[2])))

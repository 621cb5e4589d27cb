"""Everything there is to watch, for Prometheus (contract 2: `GET /metrics`)."""

from __future__ import annotations

import asyncio
import multiprocessing
import platform
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from backup_repository.database.engine import Database
from backup_repository.errors import DatabaseUnavailable
from backup_repository.health import store
from backup_repository.health.report import Numbers, Report
from backup_repository.metrics import names
from backup_repository.metrics.board import Cell
from backup_repository.metrics.counters import Counters

MOST_COLLECTIONS = 1000
"""How many collections get series of their own."""

_SECONDS = 5
"""How long the database and the disk may take; Prometheus waits 10 seconds."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """What the database knows."""

    numbers: Numbers
    watched: tuple[store.Watched, ...]


class Scrape:
    """Collects the numbers of one server: those that are counted and those that are looked up."""

    def __init__(self, database: Database, report: Report, counters: Counters, *, directory: Path | None) -> None:
        """Prepare scrapes.

        Args:
            database: where the records are.
            report: adds up the numbers of the whole server.
            counters: what the processes count.
            directory: of a local storage; None: it has no disk to watch.
        """
        self._database = database
        self._report = report
        self._counters = counters
        self._directory = directory
        self._measuring: asyncio.Task[dict[Cell, float]] | None = None

    async def text(self) -> bytes:
        """Return all numbers in Prometheus' text format; without a database, those that need none."""
        stored = await self._from_database()
        return await asyncio.to_thread(self._written, stored, await self._from_disk())

    def _written(self, stored: _Stored | None, disk: dict[Cell, float]) -> bytes:
        from backup_repository.metrics import exposition  # noqa: PLC0415 - 1 MB that only those need who scrape

        counted, processes = self._counters.read()
        supervisor = multiprocessing.parent_process()
        if supervisor is not None and supervisor.pid is not None:
            processes.append(supervisor.pid)
        figures = exposition.process_figures(processes)
        return exposition.text({**counted, **_cells(stored), **self._build(), **disk, **figures})

    def _build(self) -> dict[Cell, float]:
        cell = (names.BUILD.name, version("backup-repository"), self._database.name, platform.python_version())
        return {cell: 1}

    async def _from_database(self) -> _Stored | None:
        """Look up what is stored; None: the database is out of reach."""
        try:
            async with asyncio.timeout(_SECONDS):
                numbers = await self._report.numbers()
                async with self._database.reading() as tx:
                    return _Stored(numbers, await store.longest_without_success(tx, MOST_COLLECTIONS))
        except (DatabaseUnavailable, TimeoutError) as error:
            self._counters.failure(error)
            return None

    async def _from_disk(self) -> dict[Cell, float]:
        """Measure the disk; while one that hangs keeps a thread waiting, no second one is sent after it."""
        if self._directory is None:
            return {}
        if self._measuring is None or self._measuring.done():
            self._measuring = asyncio.create_task(asyncio.to_thread(_measure, self._directory))
        done, _ = await asyncio.wait({self._measuring}, timeout=_SECONDS)
        return self._measuring.result() if done else {}


def _cells(stored: _Stored | None) -> dict[Cell, float]:
    if stored is None:
        return {(names.DATABASE_UP.name,): 0}
    found: dict[Cell, float] = {(metric.name,): value for metric, value in names.gauges(stored.numbers).items()}
    for one in stored.watched:
        labels = (one.id, one.filename)
        if one.newest_at is not None:
            found[names.COLLECTION_SUCCESS.name, *labels] = one.newest_at.timestamp()
        found[names.COLLECTION_BYTES.name, *labels] = one.used_space
        found[names.COLLECTION_VERSIONS.name, *labels] = one.versions
    found[names.COLLECTIONS_LEFT_OUT.name,] = max(0, stored.numbers.collections - len(stored.watched))
    found[names.DATABASE_UP.name,] = 1
    return found


def _measure(directory: Path) -> dict[Cell, float]:
    try:
        usage = shutil.disk_usage(directory)
    except OSError:
        return {}
    return {(names.STORAGE_BYTES.name,): usage.total, (names.STORAGE_FREE.name,): usage.free}

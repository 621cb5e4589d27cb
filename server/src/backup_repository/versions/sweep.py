"""Deletes what nobody needs any more: retired blobs, blobs without a row, litter, landed bodies (contract 12).

Only one process sweeps at a time, by a lease, which spares the storage; but nothing depends on it. The sweep may be
killed at any point and run again, by several processes at once, beside running uploads:

* A retired blob is deleted first and forgotten afterwards, so a kill in between only repeats the deletion.
* A blob that the database does not know is *claimed* under its key before it is deleted. Registration inserts the same
  key, so either the version exists and the blob stays, or the claim exists and registration is refused.
* What a running process holds is left alone whatever its age.

Because it comes regularly and nobody waits for it, it also counts the older entries of the audit log, which are too
many to be counted whenever somebody reads a page of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from backup_repository.audit import store as audit_store
from backup_repository.clock import Clock
from backup_repository.database.engine import Database
from backup_repository.database.leases import Leases, StillHeld
from backup_repository.metrics.counters import Counters
from backup_repository.storage.base import BlobInfo, Storage
from backup_repository.versions import store
from backup_repository.versions.landing import LandingDirectory

SWEEP = "sweep"
"""The lease of the process that sweeps."""
_BATCH = 500
_SETTLED = timedelta(hours=1)
"""After this long no transaction that wrote to the audit log is still open."""


@dataclass(slots=True)
class Swept:
    """What one sweep deleted, or would delete."""

    retired: list[str] = field(default_factory=list)
    """Keys of blobs whose versions were deleted or rotated out."""
    orphaned: list[str] = field(default_factory=list)
    """Keys of blobs that no version ever named."""
    landed: list[str] = field(default_factory=list)
    """Names of bodies that the proxy left behind."""
    litter: int = 0
    """How many other leftovers of dead processes."""


class Sweep:
    """The sweep of one process."""

    def __init__(
        self,
        database: Database,
        storage: Storage,
        landing: LandingDirectory,
        clock: Clock,
        counters: Counters | None = None,
        *,
        leases: Leases | None = None,
    ) -> None:
        self._database = database
        self._storage = storage
        self._landing = landing
        self._clock = clock
        self._counters = counters or Counters()
        self._leases = leases or Leases(database)

    async def run(
        self, min_age: float, *, dry_run: bool = False, waits: Callable[[str], None] = lambda _holder: None
    ) -> Swept:
        """Wait until nobody else sweeps, then delete what is older than so many seconds.

        Args:
            min_age: in seconds.
            dry_run: only say what would be deleted, without waiting for anybody.
            waits: is told which process is waited for.

        Raises:
            StorageError: the storage refuses or is out of reach.
            DatabaseUnavailable: the database is out of reach.
            LeaseLost: this process could not tell the others in time that it still sweeps, and has stopped.
        """
        swept = Swept()
        if dry_run:
            await self._sweep_retired(min_age, swept)
            await self._sweep_orphaned(min_age, swept)
            swept.landed.extend(await self._landing.clear(min_age, dry_run=True))
            return swept

        async def sweep(still_held: StillHeld) -> Swept:
            with self._counters.sweep(swept, self._clock):
                await self._sweep_retired(min_age, swept, still_held)
                await self._sweep_orphaned(min_age, swept, still_held)
                still_held()
                swept.landed.extend(await self._landing.clear(min_age))
                still_held()
                swept.litter = await self._storage.clear_litter(min_age)
                await self._count_entries()
            return swept

        return await self._leases.hold(SWEEP, sweep, waits=waits)

    async def _count_entries(self) -> None:
        before = self._clock() - _SETTLED
        async with self._database.reading() as tx:
            since, until = await audit_store.uncounted(tx, before)
        if since < until:
            async with self._database.transaction() as tx:
                await audit_store.count_up(tx, before)

    async def _sweep_retired(self, min_age: float, swept: Swept, still_held: StillHeld | None = None) -> None:
        before = self._clock() - timedelta(seconds=min_age)
        after_key = ""
        while True:
            async with self._database.reading() as tx:
                batch = await store.retired(tx, before, after_key, _BATCH)
            for key in batch:
                swept.retired.append(key)
                if still_held is not None:
                    still_held()
                    await self._delete(key)
            if len(batch) < _BATCH:
                return
            after_key = batch[-1]

    async def _sweep_orphaned(self, min_age: float, swept: Swept, still_held: StillHeld | None = None) -> None:
        before = self._clock() - timedelta(seconds=min_age)
        async for batch in _batches(self._storage.blobs()):
            old = [blob.key for blob in batch if blob.modified_at <= before]
            async with self._database.reading() as tx:
                unknown = sorted(frozenset(old) - await store.known(tx, old))
            for key in unknown:
                if await self._storage.is_held(key):
                    continue
                if still_held is not None:
                    still_held()
                    if not await self._claim(key):
                        continue
                    await self._delete(key)
                swept.orphaned.append(key)

    async def _claim(self, key: str) -> bool:
        try:
            async with self._database.transaction() as tx:
                await store.claim(tx, key, self._clock())
        except store.BlobKnown:
            return False
        return True

    async def _delete(self, key: str) -> None:
        await self._storage.delete(key)
        async with self._database.transaction() as tx:
            await store.forget(tx, key)


async def _batches(blobs: AsyncIterator[BlobInfo]) -> AsyncIterator[Sequence[BlobInfo]]:
    batch: list[BlobInfo] = []
    async for blob in blobs:
        batch.append(blob)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch

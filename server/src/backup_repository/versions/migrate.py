"""Copies the blobs that versions name from one storage to another, while servers run (console `storage migrate`).

The order of a move: new versions go to the new storage already and old ones are read from the old one (`FS_RW_NAME` and
`FS_RO_NAME`), this job copies what is missing, and then the new one is read alone. Rules:

* A copy keeps its key, so no row changes and either storage can serve it at any moment.
* Every byte is hashed on the way; a copy is finished only when size and SHA-256 are the registered ones.
* What is there already in its registered size is not copied again, so the job may be killed and run again. Asked to
  verify, it reads those back and compares their SHA-256 too.
* Nothing is deleted or overwritten, on either side. A version deleted meanwhile may leave its copy, which the sweep
  of the new storage takes.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from backup_repository.database.engine import Database
from backup_repository.errors import BlobMissing, StorageCorrupt
from backup_repository.storage.base import Storage
from backup_repository.storage.receive import Budget, receive
from backup_repository.versions import store
from backup_repository.versions.store import NamedBlob

_BATCH = 500
_AT_ONCE = 4
"""Blobs that are looked at or copied at the same time."""
_BUDGET = 16 * 1024 * 1024
"""Bytes of the blocks of all copies together."""


class Trouble(StrEnum):
    """Why a blob was not copied."""

    MISSING = "missing"
    """Neither storage has it."""
    DAMAGED = "damaged"
    """The old storage gives other bytes than were registered."""
    DIFFERENT = "different"
    """The new storage has other bytes under the same key."""


@dataclass(frozen=True, slots=True)
class Left:
    """A blob that was not copied."""

    key: str
    trouble: Trouble


@dataclass(slots=True)
class Migrated:
    """How far a migration has come."""

    copied: int = 0
    copied_bytes: int = 0
    present: int = 0
    """Blobs that were there already."""
    troubles: int = 0


class Migration:
    """The copying between two storages of one installation."""

    def __init__(self, database: Database, source: Storage, target: Storage) -> None:
        self._database = database
        self._source = source
        self._target = target
        self._budget = Budget(_BUDGET)
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def run(
        self, migrated: Migrated, *, verify: bool = False, dry_run: bool = False
    ) -> AsyncGenerator[Left, None]:
        """Copy what the target lacks, and give every blob that could not be copied.

        Args:
            migrated: counts what was done; with dry_run, what would be.
            verify: also read back what is there already.
            dry_run: copy nothing.

        Raises:
            StorageError: a storage refuses or is out of reach; run it again later.
            DatabaseUnavailable: the database is out of reach.
        """
        after_key = ""
        while True:
            async with self._database.reading() as tx:
                batch = await store.named(tx, after_key, _BATCH)
            for left in await self._all(batch, migrated, verify=verify, dry_run=dry_run):
                migrated.troubles += 1
                yield left
            if len(batch) < _BATCH:
                return
            after_key = batch[-1].key

    async def _all(self, batch: Sequence[NamedBlob], migrated: Migrated, *, verify: bool, dry_run: bool) -> list[Left]:
        """Bring over a batch, several blobs at once; the first failure ends the others."""
        tasks: list[asyncio.Task[Trouble | None]] = []
        try:
            async with asyncio.TaskGroup() as group:
                for blob in batch:
                    job = self._bring(blob, migrated, verify=verify, dry_run=dry_run)
                    tasks.append(group.create_task(job))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures
        return [Left(blob.key, trouble) for blob, task in zip(batch, tasks, strict=True) if (trouble := task.result())]

    async def _bring(self, blob: NamedBlob, migrated: Migrated, *, verify: bool, dry_run: bool) -> Trouble | None:
        async with self._turn:
            try:
                size = await self._target.size(blob.key)
            except BlobMissing:
                return await self._copy(blob, migrated, dry_run=dry_run)
            if size != blob.size or (verify and await self._digest(blob) != blob.sha256):
                return Trouble.DIFFERENT
            migrated.present += 1
            return None

    async def _copy(self, blob: NamedBlob, migrated: Migrated, *, dry_run: bool) -> Trouble | None:
        try:
            if dry_run:
                await self._source.size(blob.key)
            else:
                async with self._source.read(blob.key, 0, blob.size) as blocks, self._target.draft(blob.key) as draft:
                    received = await receive(draft, blocks, limit=blob.size, budget=self._budget)
                    if (received.size, received.sha256) != (blob.size, blob.sha256):
                        return Trouble.DAMAGED
                    await draft.finish()
                if await self._target.size(blob.key) != blob.size:
                    return Trouble.DIFFERENT
        except BlobMissing:
            return await self._without(blob)
        except StorageCorrupt:
            return Trouble.DAMAGED
        migrated.copied += 1
        migrated.copied_bytes += blob.size
        return None

    async def _without(self, blob: NamedBlob) -> Trouble | None:
        """Say what it means that the source has no such blob: nothing, where its version is gone by now."""
        async with self._database.reading() as tx:
            return Trouble.MISSING if await store.is_named(tx, blob.key) else None

    async def _digest(self, blob: NamedBlob) -> str:
        digest = hashlib.sha256()
        async with self._target.read(blob.key) as blocks:
            async for block in blocks:
                digest.update(block)
        return digest.hexdigest()

"""Compares registered versions with stored blobs, both ways (contract B 2.2, `storage check`).

It runs beside servers and may take long, so what it sees in the storage and in the database are moments apart. Rules:

* 256 steps, one for each two hex digits that a key begins with: take its blobs from the listing, which is in the order
  of the keys, then read what the database knows of them. Memory holds one step, whatever the number of versions, and
  the storage is listed once.
* What differs then is looked at again before it is told, in the order that makes the second look decide:
  - a version without a listed blob may have been registered after the listing: its blob is there now. Or it was
    deleted and swept meanwhile: then the database does not know it any more.
  - a blob without a version may belong to an upload that ends just now: it is held, or after that has its row
    (promise 4 of `storage/base.py`). Or it was swept meanwhile: then it is gone.
* A retired blob is not a difference: it waits for the sweep. So does a blob without a row that is still too young for
  the sweep, for example of an upload whose server was killed; the sweep alone may delete it.
* A blob never changes once it is listed, so another size than the registered one is a difference at once.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from backup_repository.clock import Clock
from backup_repository.database.engine import Database
from backup_repository.errors import BlobMissing, OutsideStorage
from backup_repository.storage.base import BlobInfo, Storage
from backup_repository.versions import store
from backup_repository.versions.store import Named

_PREFIXES = tuple(f"{number:02x}" for number in range(256))


class Kind(StrEnum):
    """What sort of difference it is."""

    MISSING = "missing"
    """A version whose blob is not there."""
    SIZE = "size"
    """A version whose blob has another size than was registered."""
    UNREGISTERED = "unregistered"
    """A blob that no version names, and that the sweep should have taken by now."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference."""

    kind: Kind
    key: str
    """Of the blob."""
    named: Named | None
    """The version; None: no version names the blob."""
    size: int | None
    """Bytes of the blob; None: it is missing."""


@dataclass(slots=True)
class Checked:
    """How much one check has looked at."""

    versions: int = 0
    blobs: int = 0
    waiting: int = 0
    """Blobs among them that wait for the sweep, or belong to uploads under way."""
    differences: int = 0


class Check:
    """The check of one installation."""

    def __init__(self, database: Database, storage: Storage, clock: Clock) -> None:
        self._database = database
        self._storage = storage
        self._clock = clock

    async def run(self, checked: Checked, *, sweep_age: float) -> AsyncGenerator[Difference, None]:
        """Give each difference as soon as it is certain.

        Args:
            checked: counts what was looked at.
            sweep_age: seconds after which the sweep has surely taken a blob without a row.

        Raises:
            StorageError: the storage refuses or is out of reach.
            DatabaseUnavailable: the database is out of reach.
        """
        async for prefix, blobs in self._steps():
            registered = await self._registered(prefix)
            checked.blobs += len(blobs)
            checked.versions += sum(named is not None for named in registered.values())
            for key, named in registered.items():
                if named is not None and (found := await self._compare(key, named, blobs.get(key))):
                    checked.differences += 1
                    yield found
            for key, blob in blobs.items():
                if registered.get(key) is None:
                    unregistered = key not in registered and await self._is_unregistered(blob, sweep_age)
                    checked.waiting += not unregistered
                    checked.differences += unregistered
                    if unregistered:
                        yield Difference(Kind.UNREGISTERED, key, None, blob.size)

    async def _steps(self) -> AsyncGenerator[tuple[str, dict[str, BlobInfo]], None]:
        """Give the blobs of each step by their keys."""
        listing = self._storage.blobs()
        blob = await anext(listing, None)
        for prefix in _PREFIXES:
            blobs: dict[str, BlobInfo] = {}
            while blob is not None and blob.key[: len(prefix)] <= prefix:
                blobs[blob.key] = blob
                blob = await anext(listing, None)
            yield prefix, blobs

    async def _compare(self, key: str, named: Named, blob: BlobInfo | None) -> Difference | None:
        size = await self._size(key) if blob is None else blob.size
        if size == named.size:
            return None
        if size is not None:
            return Difference(Kind.SIZE, key, named, size)
        still = (await self._registered(key)).get(key)
        return Difference(Kind.MISSING, key, named, None) if still else None

    async def _is_unregistered(self, blob: BlobInfo, sweep_age: float) -> bool:
        if blob.modified_at > self._clock() - timedelta(seconds=sweep_age):
            return False
        if await self._storage.is_held(blob.key) or blob.key in await self._registered(blob.key):
            return False
        return await self._size(blob.key) is not None

    async def _size(self, key: str) -> int | None:
        try:
            return await self._storage.size(key)
        except (BlobMissing, OutsideStorage):  # the latter: something else is in its place
            return None

    async def _registered(self, prefix: str) -> dict[str, Named | None]:
        async with self._database.reading() as tx:
            return await store.registered(tx, prefix)

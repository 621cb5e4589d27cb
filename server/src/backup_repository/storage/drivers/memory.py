"""Blobs in the memory of this process: a real storage for tests and trials, gone when the process ends."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator, Container
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime

from backup_repository.errors import BlobMissing, StorageCorrupt, StorageUnavailable
from backup_repository.storage.base import AdoptedDraft, BlobInfo, Draft, NoAdoption, SignedAddress, checked, new_key

_BLOCK = 256 * 1024
"""Bytes that a reader gives at once."""


class MemoryStorage:
    """The storage in memory; full when blobs and drafts together reach the capacity in bytes (None: never)."""

    def __init__(self, capacity: int | None = None) -> None:
        self._capacity = capacity
        self._used = 0
        self._blobs: dict[str, tuple[bytearray, datetime]] = {}
        self._held: set[str] = set()

    @contextlib.asynccontextmanager
    async def draft(self, key: str | None = None) -> AsyncIterator[Draft]:
        """See `Storage.draft`."""
        draft = _MemoryDraft(self, new_key() if key is None else checked(key))
        self._held.add(draft.key)
        try:
            yield draft
        finally:
            self._held.discard(draft.key)
            draft.leave()

    def adopt(self, descriptor: int) -> AbstractAsyncContextManager[AdoptedDraft]:  # noqa: ARG002 - the contract's shape
        """See `Storage.adopt`; there are no files here."""
        return NoAdoption()

    @contextlib.asynccontextmanager
    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[AsyncIterator[bytes]]:
        """See `Storage.read`."""
        if start < 0 or (end is not None and end < start):
            raise ValueError("the range ends before it starts")
        content, _modified_at = self._blob(key)
        end = len(content) if end is None else end
        if max(start, end) > len(content):
            raise StorageCorrupt
        yield _blocks(content, start, end)

    async def size(self, key: str) -> int:
        """See `Storage.size`."""
        return len(self._blob(key)[0])

    async def delete(self, key: str) -> None:
        """See `Storage.delete`."""
        with contextlib.suppress(BlobMissing):
            self.give_up(len(self._blob(key)[0]))
            del self._blobs[key]

    async def is_held(self, key: str) -> bool:
        """See `Storage.is_held`."""
        checked(key)
        return key in self._held

    async def blobs(self) -> AsyncIterator[BlobInfo]:
        """See `Storage.blobs`."""
        for key, (content, modified_at) in sorted(self._blobs.items()):
            yield BlobInfo(key, len(content), modified_at)

    async def probe(self, *, write: bool) -> None:
        """See `Storage.probe`."""
        if not write:
            return
        content = secrets.token_bytes(64)
        async with self.draft() as draft:
            await draft.write(content)
            await draft.finish()
            try:
                if self._blob(draft.key)[0] != content:
                    raise StorageCorrupt
            finally:
                await self.delete(draft.key)

    async def clear_litter(self, older_than: float) -> int:  # noqa: ARG002 - the contract's shape
        """See `Storage.clear_litter`; the memory of a dead process holds none."""
        return 0

    def accelerated(self, key: str) -> str | None:
        """See `Storage.accelerated`."""
        checked(key)
        return None

    async def signed(self, key: str, offered: Container[str], *, in_part: bool) -> SignedAddress | None:  # noqa: ARG002 - the contract's shape
        """See `Storage.signed`; nobody else sees this memory."""
        self._blob(key)
        return None

    def take_up(self, size: int) -> None:
        """Account for bytes that are about to be kept.

        Raises:
            StorageUnavailable: they do not fit.
        """
        if self._capacity is not None and self._used + size > self._capacity:
            raise StorageUnavailable("The storage is full")
        self._used += size

    def give_up(self, size: int) -> None:
        """Account for bytes that are not kept any more."""
        self._used -= size

    def add(self, key: str, content: bytearray) -> None:
        """Make a blob of bytes that are accounted for."""
        self._blobs[key] = (content, datetime.now(UTC))

    def _blob(self, key: str) -> tuple[bytearray, datetime]:
        checked(key)
        try:
            return self._blobs[key]
        except KeyError as error:
            raise BlobMissing from error


class _MemoryDraft:
    def __init__(self, storage: MemoryStorage, key: str) -> None:
        self.key = key
        self._storage = storage
        self._content: bytearray | None = bytearray()

    async def write(self, block: bytes | bytearray | memoryview) -> None:
        content, self._content = self._open(), None
        try:
            self._storage.take_up(len(block))
        except StorageUnavailable:
            self._storage.give_up(len(content))
            raise
        content += block
        self._content = content

    async def finish(self) -> None:
        content, self._content = self._open(), None
        self._storage.add(self.key, content)

    def leave(self) -> None:
        if self._content is not None:
            self._storage.give_up(len(self._content))
            self._content = None

    def _open(self) -> bytearray:
        if self._content is None:
            raise RuntimeError("the draft is finished, failed or left")
        return self._content


async def _blocks(content: bytearray, start: int, end: int) -> AsyncIterator[bytes]:
    view = memoryview(content)
    for position in range(start, end, _BLOCK):
        yield bytes(view[position : min(position + _BLOCK, end)])

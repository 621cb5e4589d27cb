"""Writes to one storage and reads from another: FS_RO_NAME differs from FS_RW_NAME (contract B 1.3)."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Container
from contextlib import AbstractAsyncContextManager

from backup_repository.errors import BlobMissing
from backup_repository.storage.base import AdoptedDraft, BlobInfo, Draft, SignedAddress, Storage


class FallbackStorage:
    """Reads come from the first storage; a blob that is absent there is looked up in the second, which is written.

    The first is somebody else's copy of the second: it is only ever read, and the sweep works on the second alone.
    """

    def __init__(self, first: Storage, written: Storage) -> None:
        self._first = first
        self._written = written

    def draft(self, key: str | None = None) -> AbstractAsyncContextManager[Draft]:
        """See `Storage.draft`."""
        return self._written.draft(key)

    def adopt(self, descriptor: int) -> AbstractAsyncContextManager[AdoptedDraft]:
        """See `Storage.adopt`."""
        return self._written.adopt(descriptor)

    @contextlib.asynccontextmanager
    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[AsyncIterator[bytes]]:
        """See `Storage.read`."""
        async with contextlib.AsyncExitStack() as stack:
            try:
                blocks = await stack.enter_async_context(self._first.read(key, start, end))
            except BlobMissing:
                blocks = await stack.enter_async_context(self._written.read(key, start, end))
            yield blocks

    async def size(self, key: str) -> int:
        """See `Storage.size`."""
        try:
            return await self._first.size(key)
        except BlobMissing:
            return await self._written.size(key)

    async def delete(self, key: str) -> None:
        """See `Storage.delete`."""
        await self._written.delete(key)

    async def is_held(self, key: str) -> bool:
        """See `Storage.is_held`."""
        return await self._written.is_held(key)

    def blobs(self) -> AsyncIterator[BlobInfo]:
        """See `Storage.blobs`."""
        return self._written.blobs()

    async def probe(self, *, write: bool) -> None:
        """See `Storage.probe`; both must work."""
        await self._written.probe(write=write)
        await self._first.probe(write=False)

    async def clear_litter(self, older_than: float) -> int:
        """See `Storage.clear_litter`."""
        return await self._written.clear_litter(older_than)

    def accelerated(self, key: str) -> str | None:
        """See `Storage.accelerated`; a proxy serves one directory and could not fall back."""
        self._written.accelerated(key)
        return None

    async def signed(self, key: str, offered: Container[str], *, in_part: bool) -> SignedAddress | None:
        """See `Storage.signed`; the address says which of the two it leads to."""
        try:
            return await self._first.signed(key, offered, in_part=in_part)
        except BlobMissing:
            return await self._written.signed(key, offered, in_part=in_part)

"""Repeats what failed for want of the storage and can be repeated without harm.

Repeated are calls that change nothing or that end the same however often they run: size, delete, is_held, signed, the
beginning of a listing, of a draft and of a read. A read that breaks off in the middle goes on where it stopped. What
has sent bytes is never repeated here, for they are gone: a draft after its beginning. Nor is a probe, which is asked
how the storage is now, nor clearing litter, which comes again by itself.

Only `StorageUnavailable` is worth another try: what is refused, missing or corrupt stays so. And only where somebody
still waits for it: a storage that lets a call hang for long is given no second one.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Container
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import TypeVar

from backup_repository.errors import BlobMissing, StorageUnavailable
from backup_repository.storage.base import AdoptedDraft, BlobInfo, Draft, SignedAddress, Storage

T = TypeVar("T")

_TRIES = 3
_FIRST_PAUSE = 0.2
"""Seconds; each further pause is twice as long, and each is spread, so that many do not come back at once."""
_LONG = 20.0
"""Seconds after which a call is not begun again."""


async def wait(failures: int) -> None:
    """Pause after so many failures in a row."""
    await asyncio.sleep(_FIRST_PAUSE * 2 ** (failures - 1) * random.uniform(0.5, 1.5))  # noqa: S311 - only spreads


class RetryingStorage:
    """A storage whose short outages go unnoticed where that is possible."""

    def __init__(
        self,
        storage: Storage,
        *,
        tries: int = _TRIES,
        pause: Callable[[int], Awaitable[None]] = wait,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the storage, how often to try in a row, what waits after so many failures in a row, and a clock."""
        self._storage = storage
        self._tries = tries
        self._pause = pause
        self._now = now

    @contextlib.asynccontextmanager
    async def draft(self, key: str | None = None) -> AsyncIterator[Draft]:
        """See `Storage.draft`; only its beginning is repeated."""
        async with AsyncExitStack() as stack:
            yield await self._repeated(lambda: stack.enter_async_context(self._storage.draft(key)))

    def adopt(self, descriptor: int) -> AbstractAsyncContextManager[AdoptedDraft]:
        """See `Storage.adopt`."""
        return self._storage.adopt(descriptor)

    @contextlib.asynccontextmanager
    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[AsyncIterator[bytes]]:
        """See `Storage.read`; one that breaks off goes on where it stopped."""
        async with AsyncExitStack() as stack:
            blocks = await self._repeated(lambda: stack.enter_async_context(self._storage.read(key, start, end)))
            yield self._all(stack, blocks, key, start, end)

    async def size(self, key: str) -> int:
        """See `Storage.size`."""
        return await self._repeated(lambda: self._storage.size(key))

    async def delete(self, key: str) -> None:
        """See `Storage.delete`."""
        await self._repeated(lambda: self._storage.delete(key))

    async def is_held(self, key: str) -> bool:
        """See `Storage.is_held`."""
        return await self._repeated(lambda: self._storage.is_held(key))

    async def blobs(self) -> AsyncIterator[BlobInfo]:
        """See `Storage.blobs`; only its beginning is repeated, so that no blob comes twice."""
        listing, first = await self._repeated(self._listing)
        if first is not None:
            yield first
            async for blob in listing:
                yield blob

    async def probe(self, *, write: bool) -> None:
        """See `Storage.probe`; never repeated."""
        await self._storage.probe(write=write)

    async def clear_litter(self, older_than: float) -> int:
        """See `Storage.clear_litter`; never repeated."""
        return await self._storage.clear_litter(older_than)

    def accelerated(self, key: str) -> str | None:
        """See `Storage.accelerated`."""
        return self._storage.accelerated(key)

    async def signed(self, key: str, offered: Container[str], *, in_part: bool) -> SignedAddress | None:
        """See `Storage.signed`."""
        return await self._repeated(lambda: self._storage.signed(key, offered, in_part=in_part))

    async def _listing(self) -> tuple[AsyncIterator[BlobInfo], BlobInfo | None]:
        listing = self._storage.blobs()
        return listing, await anext(listing, None)

    async def _repeated(self, call: Callable[[], Awaitable[T]]) -> T:
        failures, begun = 0, self._now()
        while True:
            try:
                return await call()
            except StorageUnavailable:
                failures += 1
                if failures == self._tries or self._now() - begun > _LONG:
                    raise
                await self._pause(failures)

    async def _all(
        self, stack: AsyncExitStack, blocks: AsyncIterator[bytes], key: str, position: int, end: int | None
    ) -> AsyncIterator[bytes]:
        """Give the blocks, those of new attempts from where the one before stopped; the stack owns the attempts."""
        failures = 0
        while True:
            try:
                async for block in blocks:
                    failures = 0
                    position += len(block)
                    yield block
            except StorageUnavailable as error:
                failures += 1
                if failures == self._tries:
                    raise
                await self._pause(failures)
                begun = self._storage.read(key, position, end)
                try:
                    blocks = await stack.enter_async_context(begun)
                except BlobMissing:
                    raise error from None  # deleted meanwhile: readers were promised the end, and cannot have it
                except StorageUnavailable:
                    blocks = _broken()
            else:
                return


async def _broken() -> AsyncIterator[bytes]:
    """Stand for an attempt that failed to begin."""
    for error in (StorageUnavailable(),):
        raise error
    yield b""

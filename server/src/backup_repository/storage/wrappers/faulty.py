"""Fails on demand, for tests: at the call of a given number, before or after the call has had its effect.

Counted are the calls that reach a storage: entering a draft or a read, writing and finishing, each block of a read, a
listing's beginning, and the simple ones. Leaving a draft or a reader never fails.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Container
from contextlib import AbstractAsyncContextManager
from enum import Enum
from typing import TypeVar

from backup_repository.errors import StorageError, StorageUnavailable
from backup_repository.storage.base import AdoptedDraft, BlobInfo, Draft, SignedAddress, Storage

T = TypeVar("T")


class When(Enum):
    """At which point of a call it fails."""

    BEFORE = "before"
    """Nothing has happened."""
    AFTER = "after"
    """It has happened, and only the answer is lost."""


class Faults:
    """Counts calls and fails some of them."""

    def __init__(
        self,
        fails: Callable[[int], bool],
        *,
        error: Callable[[], StorageError] = StorageUnavailable,
        when: When = When.BEFORE,
    ) -> None:
        """Take which calls fail, by their number from 1 on, with what, and at which point."""
        self._fails = fails
        self._error = error
        self._when = when
        self.calls: list[str] = []
        """The names of the calls so far."""

    async def around(self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call, or fail it."""
        self.calls.append(name)
        failing = self._fails(len(self.calls))
        if failing and self._when is When.BEFORE:
            raise self._error()
        try:
            result = await call()
        except StorageError as answer:
            if failing:
                raise self._error() from answer
            raise
        if failing:
            raise self._error()
        return result


class FaultyStorage:
    """A storage that fails as its faults say."""

    def __init__(self, storage: Storage, faults: Faults) -> None:
        self._storage = storage
        self._faults = faults

    @contextlib.asynccontextmanager
    async def draft(self, key: str | None = None) -> AsyncIterator[Draft]:
        """See `Storage.draft`."""
        async with contextlib.AsyncExitStack() as stack:
            entered = await self._faults.around("draft", lambda: stack.enter_async_context(self._storage.draft(key)))
            yield _FaultyDraft(entered, self._faults)

    def adopt(self, descriptor: int) -> AbstractAsyncContextManager[AdoptedDraft]:
        """See `Storage.adopt`; does not fail by itself."""
        return self._storage.adopt(descriptor)

    @contextlib.asynccontextmanager
    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[AsyncIterator[bytes]]:
        """See `Storage.read`."""
        async with contextlib.AsyncExitStack() as stack:
            opened = self._storage.read(key, start, end)
            blocks = await self._faults.around("read", lambda: stack.enter_async_context(opened))
            yield self._blocks(blocks)

    async def size(self, key: str) -> int:
        """See `Storage.size`."""
        return await self._faults.around("size", lambda: self._storage.size(key))

    async def delete(self, key: str) -> None:
        """See `Storage.delete`."""
        await self._faults.around("delete", lambda: self._storage.delete(key))

    async def is_held(self, key: str) -> bool:
        """See `Storage.is_held`."""
        return await self._faults.around("is_held", lambda: self._storage.is_held(key))

    async def blobs(self) -> AsyncIterator[BlobInfo]:
        """See `Storage.blobs`."""
        listing = self._storage.blobs()
        blob = await self._faults.around("blobs", lambda: anext(listing, None))
        while blob is not None:
            yield blob
            blob = await anext(listing, None)

    async def probe(self, *, write: bool) -> None:
        """See `Storage.probe`."""
        await self._faults.around("probe", lambda: self._storage.probe(write=write))

    async def clear_litter(self, older_than: float) -> int:
        """See `Storage.clear_litter`."""
        return await self._faults.around("clear_litter", lambda: self._storage.clear_litter(older_than))

    def accelerated(self, key: str) -> str | None:
        """See `Storage.accelerated`."""
        return self._storage.accelerated(key)

    async def signed(self, key: str, offered: Container[str], *, in_part: bool) -> SignedAddress | None:
        """See `Storage.signed`."""
        return await self._faults.around("signed", lambda: self._storage.signed(key, offered, in_part=in_part))

    async def _blocks(self, blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        while block := await self._faults.around("block", lambda: anext(blocks, b"")):
            yield block


class _FaultyDraft:
    """A draft that is dead after its first failure, as the contract says of drafts."""

    def __init__(self, draft: Draft, faults: Faults) -> None:
        self._draft = draft
        self._faults = faults
        self._dead = False

    @property
    def key(self) -> str:
        return self._draft.key

    async def write(self, block: bytes | bytearray | memoryview) -> None:
        await self._unless_dead("write", lambda: self._draft.write(block))

    async def finish(self) -> None:
        await self._unless_dead("finish", self._draft.finish)

    async def _unless_dead(self, name: str, call: Callable[[], Awaitable[None]]) -> None:
        if self._dead:
            raise RuntimeError("the draft is finished, failed or left")
        self._dead = True
        await self._faults.around(name, call)
        self._dead = False

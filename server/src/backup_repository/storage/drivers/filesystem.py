"""Blobs as files of a local directory: staged, made durable, renamed into one of 256 shards, locked while held.

Nothing is done on the event loop but arithmetic; what each blocking call promises stands in `storage/shards.py` and
`storage/staging.py`.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import AsyncIterator, Container
from pathlib import Path

from backup_repository.errors import StorageCorrupt
from backup_repository.storage.base import AdoptedDraft, BlobInfo, Draft, SignedAddress
from backup_repository.storage.shards import Shards, shard_of, size_of, storage_errors
from backup_repository.storage.staging import StagedFile
from backup_repository.storage.threads import Threads

_THREADS = 32
_PROBES = 2
"""Threads for health checks, which so wait for no upload, and hang without it on a directory that hangs."""
_BLOCK = 256 * 1024
"""Bytes that a reader gives at once."""


class FilesystemStorage:
    """The storage in a local directory."""

    def __init__(self, directory: Path, staging: Path) -> None:
        """Take the storage directory and the staging directory of this process, best on the same file system.

        Neither needs to be there yet; the storage directory is never made.
        """
        self._shards = Shards(directory)
        self._staging = staging
        self._threads = Threads("storage", _THREADS)
        self._probing = Threads("probing", _PROBES)

    @contextlib.asynccontextmanager
    async def draft(self, key: str | None = None) -> AsyncIterator[Draft]:
        """See `Storage.draft`."""
        file = StagedFile(self._staging, self._shards, key)
        try:
            await self._threads.complete(file.create)
            yield _FileDraft(file, self._threads)
        finally:
            await self._threads.complete(file.leave)

    @contextlib.asynccontextmanager
    async def adopt(self, descriptor: int) -> AsyncIterator[AdoptedDraft]:
        """See `Storage.adopt`."""
        file = StagedFile(self._staging, self._shards)
        try:
            await self._threads.complete(file.adopt, descriptor)
            yield _FileDraft(file, self._threads)
        finally:
            await self._threads.complete(file.leave)

    @contextlib.asynccontextmanager
    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[AsyncIterator[bytes]]:
        """See `Storage.read`."""
        reader = _Reader(self._shards, self._threads, key)
        try:
            await self._threads.complete(reader.open, start, end)
            yield reader
        finally:
            await self._threads.complete(reader.close)

    async def size(self, key: str) -> int:
        """See `Storage.size`."""
        return await self._threads.run(self._shards.size, key)

    async def delete(self, key: str) -> None:
        """See `Storage.delete`."""
        await self._threads.run(self._shards.delete, key)

    async def is_held(self, key: str) -> bool:
        """See `Storage.is_held`: by every process that uses the directory, on file systems that share their locks."""
        return await self._threads.run(self._shards.is_held, key)

    async def blobs(self) -> AsyncIterator[BlobInfo]:
        """See `Storage.blobs`; shard by shard."""
        for name in await self._threads.run(self._shards.names):
            for blob in await self._threads.run(self._shards.blobs, name):
                yield blob

    async def probe(self, *, write: bool) -> None:
        """See `Storage.probe`; a probe that is given up still removes its blob when the directory answers again."""
        await self._probing.run(self._write_and_compare if write else self._shards.names)

    async def clear_litter(self, older_than: float) -> int:
        """See `Storage.clear_litter`; what dead processes left in staging is removed by `own_staging`."""
        before = time.time() - older_than
        names = await self._threads.run(self._shards.names)
        return sum([await self._threads.run(self._shards.clear_partial, name, before) for name in names])

    def accelerated(self, key: str) -> str | None:
        """See `Storage.accelerated`."""
        return f"{shard_of(key)}/{key}"

    async def signed(self, key: str, offered: Container[str], *, in_part: bool) -> SignedAddress | None:  # noqa: ARG002 - the contract's shape
        """See `Storage.signed`; files have none."""
        await self.size(key)
        return None

    def _write_and_compare(self) -> None:
        # Without fsync: on a busy disk each costs 100 ms, to this check and to the uploads beside it, which find out
        # by themselves whether the disk keeps what it takes.
        content = secrets.token_bytes(64)
        file = StagedFile(self._staging, self._shards)
        try:
            file.create()
            file.write(content)
            file.show()
            try:
                descriptor = self._shards.open_blob(file.key)
                try:
                    with storage_errors():
                        if os.pread(descriptor, 2 * len(content), 0) != content:
                            raise StorageCorrupt
                finally:
                    os.close(descriptor)
            finally:
                self._shards.withdraw(file.key)
        finally:
            file.leave()


class _FileDraft:
    def __init__(self, file: StagedFile, threads: Threads) -> None:
        self.key = file.key
        self.path = file.path
        self._file = file
        self._threads = threads

    async def write(self, block: bytes | bytearray | memoryview) -> None:
        await self._threads.complete(self._file.write, block)

    async def sync(self) -> None:
        await self._threads.complete(self._file.sync)

    async def finish(self) -> None:
        await self._threads.complete(self._file.finish)


class _Reader:
    """Gives the bytes of one blob, block by block; an `OpenFile`."""

    def __init__(self, shards: Shards, threads: Threads, key: str) -> None:
        self._shards = shards
        self._threads = threads
        self._key = key
        self._descriptor: int | None = None
        self._position = 0
        self._end = 0

    def open(self, start: int, end: int | None) -> None:
        if start < 0 or (end is not None and end < start):
            raise ValueError("the range ends before it starts")
        self._descriptor = self._shards.open_blob(self._key)
        size = size_of(self._descriptor)
        self._position = start
        self._end = size if end is None else end
        if max(start, self._end) > size:
            raise StorageCorrupt

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def fileno(self) -> int:
        if self._descriptor is None:
            raise RuntimeError("the reader is closed")
        return self._descriptor

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._position == self._end:
            raise StopAsyncIteration
        block = await self._threads.complete(self._block)
        self._position += len(block)
        return block

    def _block(self) -> bytes:
        with storage_errors():
            block = os.pread(self.fileno(), min(_BLOCK, self._end - self._position), self._position)
        if not block:
            raise StorageCorrupt
        return block

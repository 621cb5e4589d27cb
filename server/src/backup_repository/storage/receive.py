"""Fills drafts. Every byte of every upload is counted, judged and hashed here, whatever the driver.

While one block is written and hashed in threads, the next is collected; an upload holds two blocks and no more, and a
`Budget` shared by all uploads says how large they are. Nothing here finishes a draft: the job does, after judging the
digest.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from backup_repository.errors import StorageUnavailable
from backup_repository.storage.base import AdoptedDraft, Draft
from backup_repository.storage.threads import Threads, outlast

_SMALLEST = 64 * 1024
_LARGEST = 2 * 1024 * 1024
"""Measured: a fast upload gains a quarter over 1 MiB, by fewer changes of thread, and loses again with 4 MiB."""
_SPARE_BLOCKS = 2
"""Blocks of full size that are kept for the next upload."""
_READ = 1024 * 1024
"""Bytes of a landed file that are read at once."""
_TURN = 64 * _READ
"""Bytes of a landed file that are hashed before the next one may use the thread, and before a cancellation counts."""

_HASHING = Threads("hashing", max(2, os.cpu_count() or 1))


@dataclass(frozen=True, slots=True)
class Received:
    """What a draft holds now."""

    key: str
    size: int
    """Bytes."""
    sha256: str
    """Lower-case hex."""


class TooLarge(Exception):
    """More bytes came than the limit allows."""


class Budget:
    """The memory for the blocks of all running uploads, so that many slow ones cost no more than a few fast ones.

    A block is between 64 KiB and 2 MiB. Beyond the total, which is a number of bytes, uploads still get the smallest.
    """

    def __init__(self, total: int = 32 * 1024 * 1024) -> None:
        self._total = total
        self._uploads = 0
        self._spare: list[bytearray] = []
        self.lent = 0
        """Bytes of all blocks that uploads have now."""

    @contextlib.contextmanager
    def upload(self) -> Iterator[None]:
        """Count an upload as running, which makes everybody's next blocks smaller."""
        self._uploads += 1
        try:
            yield
        finally:
            self._uploads -= 1

    def lend(self, at_most: int) -> bytearray:
        """Lend a block of the present size, or smaller where the borrower needs no more than so many bytes."""
        even_share = self._total // max(2 * self._uploads, 1)
        allowed = min(even_share, self._total - self.lent, at_most, _LARGEST)
        size = max(allowed - allowed % _SMALLEST, _SMALLEST)
        self.lent += size
        return self._spare.pop() if size == _LARGEST and self._spare else bytearray(size)

    def take_back(self, block: bytearray) -> None:
        """End the loan of a block."""
        self.lent -= len(block)
        if len(block) == _LARGEST and len(self._spare) < _SPARE_BLOCKS:
            self._spare.append(block)


def _nobody(_octets: int) -> None:
    """Tell nobody how far it is."""


async def receive(
    draft: Draft,
    chunks: AsyncIterator[bytes],
    *,
    limit: int | None,
    budget: Budget,
    progress: Callable[[int], None] = _nobody,
) -> Received:
    """Write every chunk into a draft and return what it holds.

    Reading ends as soon as the count passes the limit in bytes (None: unlimited). When this returns or raises, also
    by cancellation, no work goes on behind it. `progress` is told the bytes so far, often.

    Raises:
        TooLarge: more bytes came than the limit.
        StorageError: the storage refuses or is full.
        Exception: whatever the chunks raise.
    """
    tally = _Tally(limit, progress)
    with budget.upload(), contextlib.ExitStack() as stack:
        blocks = _Blocks(draft, tally, budget)
        stack.callback(blocks.release)
        try:
            async for chunk in chunks:
                tally.count(len(chunk))
                await blocks.add(chunk)
                del chunk  # which would stay in memory while the next one is waited for
            await blocks.store()
            await blocks.stored()
        finally:
            await blocks.settle()
    return tally.received(draft)


async def receive_adopted(
    draft: AdoptedDraft,
    *,
    hashing: asyncio.Semaphore,
    limit: int | None = None,
    progress: Callable[[int], None] = _nobody,
) -> Received:
    """Look at every byte of an adopted file while it is made durable, and return what it holds.

    Args:
        draft: the adopted file.
        hashing: bounds how many files are hashed at once, over all uploads.
        limit: bytes; None: unlimited.
        progress: is told the bytes so far, often, from a thread.

    Raises:
        TooLarge: the file has more bytes than the limit.
        StorageError: the storage refuses or is full.
    """
    tally = _Tally(limit, progress)
    syncing = asyncio.create_task(draft.sync())
    try:
        async with hashing:
            while await _HASHING.complete(_look_on, draft.path, tally):
                pass
        await asyncio.shield(syncing)
    finally:
        with contextlib.suppress(Exception):  # raised above, or less telling than what is being raised
            await outlast(syncing)
    return tally.received(draft)


class _Tally:
    """What has been seen of one upload."""

    def __init__(self, limit: int | None, progress: Callable[[int], None]) -> None:
        self.size = 0
        self._limit = limit
        self._progress = progress
        self._sha256 = hashlib.sha256()

    def count(self, size: int) -> None:
        self.size += size
        if self._limit is not None and self.size > self._limit:
            raise TooLarge
        self._progress(self.size)

    def hash(self, block: memoryview) -> None:
        self._sha256.update(block)

    def received(self, draft: Draft) -> Received:
        return Received(draft.key, self.size, self._sha256.hexdigest())


class _Blocks:
    """The two blocks of an upload: one collects, the other is being stored."""

    def __init__(self, draft: Draft, tally: _Tally, budget: Budget) -> None:
        self._draft = draft
        self._tally = tally
        self._budget = budget
        self._wanted = _SMALLEST
        self._collecting: bytearray | None = None
        self._filled = 0
        self._storing: asyncio.Task[None] | None = None

    async def add(self, chunk: bytes) -> None:
        rest = memoryview(chunk)
        while rest:
            if self._collecting is None:
                self._collecting = self._budget.lend(self._wanted)
                # Twice the last one at the most: whoever sends slowly never holds a large block.
                self._wanted = 2 * len(self._collecting)
            taken = min(len(self._collecting) - self._filled, len(rest))
            memoryview(self._collecting)[self._filled : self._filled + taken] = rest[:taken]
            self._filled += taken
            rest = rest[taken:]
            if self._filled == len(self._collecting):
                await self.store()

    async def store(self) -> None:
        """Begin to store what was collected, once the block before is stored."""
        await self.stored()
        if self._collecting is not None:
            self._storing = asyncio.create_task(self._store(self._collecting, self._filled))
            self._collecting, self._filled = None, 0

    async def _store(self, block: bytearray, filled: int) -> None:
        view = memoryview(block)[:filled]
        hashing = _HASHING.begin(self._tally.hash, view)
        try:
            await self._draft.write(view)
        finally:
            try:
                await outlast(hashing)
            finally:
                self._budget.take_back(block)

    async def stored(self) -> None:
        """Wait for the block being stored and raise what became of it."""
        if self._storing is not None:
            await asyncio.shield(self._storing)

    async def settle(self) -> None:
        """Wait until nothing goes on any more, whatever became of it."""
        if self._storing is not None:
            with contextlib.suppress(Exception):  # raised by `stored`, or less telling than what is being raised
                await outlast(self._storing)

    def release(self) -> None:
        """Give the collecting block back."""
        if self._collecting is not None:
            self._budget.take_back(self._collecting)


def _look_on(path: Path, tally: _Tally) -> bool:
    """Count and hash one turn's worth of a file, from where the tally stands; False: that was the end."""
    block = memoryview(bytearray(_READ))
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(tally.size)
            for _ in range(_TURN // _READ):
                size = file.readinto(block)
                if not size:
                    return False
                tally.count(size)
                tally.hash(block[:size])
    except OSError as error:
        raise StorageUnavailable from error
    return True

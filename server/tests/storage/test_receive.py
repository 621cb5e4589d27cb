"""Every byte is counted, judged and hashed, in bounded memory, and nothing goes on when it ends badly."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world.disk import Disk
from world.drafts import StuckDraft, no_task_is_left

from backup_repository.errors import StorageUnavailable
from backup_repository.storage.base import Draft
from backup_repository.storage.contract import CONTENT, get, keys
from backup_repository.storage.drivers.memory import MemoryStorage
from backup_repository.storage.receive import Budget, Received, TooLarge, receive

KIBIBYTE = 1024
MEBIBYTE = 1024 * 1024


class Broken(Exception):
    """What a body that breaks off raises."""


async def chunked(chunks: Iterable[bytes], error: Exception | None = None) -> AsyncIterator[bytes]:
    for chunk in chunks:
        await asyncio.sleep(0)
        yield chunk
    if error is not None:
        raise error


def pieces(content: bytes, size: int) -> Iterator[bytes]:
    return (content[position : position + size] for position in range(0, len(content), size))


async def stored(chunks: AsyncIterator[bytes], limit: int | None = None) -> tuple[bytes, Received]:
    """Receive into a memory storage; gives what came back from it."""
    storage = MemoryStorage()
    async with storage.draft() as draft:
        received = await receive(draft, chunks, limit=limit, budget=Budget())
        await draft.finish()
    return await get(storage, draft.key), received


@given(st.lists(st.one_of(st.binary(max_size=300), st.integers(0, 200_000).map(bytes)), max_size=20))
def test_any_chunking_gives_the_bytes_their_count_and_their_hash(chunks: list[bytes]) -> None:
    content = b"".join(chunks)
    found, received = asyncio.run(stored(chunked(chunks)))
    assert found == content
    assert received == Received(received.key, len(content), hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize("size", [1000, 64 * KIBIBYTE, 64 * KIBIBYTE + 1, len(CONTENT)])
async def test_blocks_and_chunks_need_not_fit(disk: Disk, size: int) -> None:
    storage = disk.open()
    async with storage.draft() as draft:
        received = await receive(draft, chunked(pieces(CONTENT, size)), limit=None, budget=Budget())
        await draft.finish()
    assert received == Received(draft.key, len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    assert await get(storage, draft.key) == CONTENT


@pytest.mark.parametrize("limit", [0, 1, 64 * KIBIBYTE, 1_000_000])
async def test_the_limit_itself_is_accepted_and_one_byte_more_is_not(limit: int) -> None:
    content, received = await stored(chunked(pieces(bytes(limit), 4096)), limit)
    assert (len(content), received.size) == (limit, limit)
    with pytest.raises(TooLarge):
        await stored(chunked(pieces(bytes(limit + 1), 4096)), limit)


async def test_reading_ends_when_the_limit_is_passed() -> None:
    given_out = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given_out
        while True:
            given_out += 1000
            yield bytes(1000)

    with no_task_is_left(), pytest.raises(TooLarge):
        await stored(endless(), 10_500)
    assert given_out == 11_000


async def test_a_body_that_breaks_off_leaves_nothing(disk: Disk) -> None:
    storage = disk.open()
    for size in (0, 1000, MEBIBYTE, len(CONTENT)):
        with no_task_is_left(), pytest.raises(Broken):
            async with storage.draft() as draft:
                await receive(draft, chunked(pieces(CONTENT[:size], 65_000), Broken()), limit=None, budget=Budget())
    assert disk.files() == []


async def test_a_full_storage_ends_the_reading() -> None:
    storage = MemoryStorage(capacity=500_000)
    budget = Budget()
    with no_task_is_left(), pytest.raises(StorageUnavailable):
        async with storage.draft() as draft:
            await receive(draft, chunked(pieces(CONTENT, 10_000)), limit=None, budget=budget)
    assert budget.lent == 0
    assert await keys(storage) == set()


async def test_an_error_of_the_body_waits_for_the_block_being_written_and_wins() -> None:
    draft = StuckDraft(StorageUnavailable())
    with no_task_is_left():
        chunks = chunked([bytes(64 * KIBIBYTE)], Broken())
        receiving = asyncio.create_task(receive(draft, chunks, limit=None, budget=Budget()))
        await draft.writing.wait()
        await asyncio.sleep(0)
        assert not receiving.done()
        draft.let_go.set()
        with pytest.raises(Broken):
            await receiving
        assert draft.ended


@pytest.mark.parametrize("error", [None, StorageUnavailable()], ids=["stored", "failed"])
@pytest.mark.parametrize("turns", [0, 100], ids=["collecting", "waiting"])
async def test_a_cancelled_upload_waits_for_the_block_being_written(error: Exception | None, turns: int) -> None:
    """Or the draft would be cleared away under a thread; more cancellations change nothing."""
    draft = StuckDraft(error)
    budget = Budget()
    with no_task_is_left():
        chunks = chunked(pieces(CONTENT, 64 * KIBIBYTE))
        receiving = asyncio.create_task(receive(draft, chunks, limit=None, budget=budget))
        await draft.writing.wait()
        for _ in range(turns):
            await asyncio.sleep(0)
        for _ in range(3):
            receiving.cancel()
            await asyncio.sleep(0)
            assert not receiving.done()
        draft.let_go.set()
        with pytest.raises(asyncio.CancelledError):
            await receiving
    assert draft.ended
    assert budget.lent == 0


async def test_a_failure_of_the_last_block_is_told() -> None:
    draft = StuckDraft(StorageUnavailable())
    draft.let_go.set()
    with no_task_is_left(), pytest.raises(StorageUnavailable):
        await receive(draft, chunked([b"short"]), limit=None, budget=Budget())


async def test_an_upload_cancelled_at_any_moment_leaves_nothing(disk: Disk) -> None:
    storage = disk.open()

    async def upload() -> None:
        async with storage.draft() as draft:
            await receive(draft, chunked(pieces(CONTENT, 30_000)), limit=None, budget=Budget())

    with no_task_is_left():
        for turns in range(0, 200, 7):
            uploading = asyncio.create_task(upload())
            for _ in range(turns):
                await asyncio.sleep(0)
            uploading.cancel()
            await asyncio.wait([uploading])
    assert disk.files() == []


async def test_the_next_block_is_collected_while_one_is_written_and_no_further() -> None:
    draft = StuckDraft()
    taken = 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(1000):
            taken += 1000
            yield bytes(1000)

    receiving = asyncio.create_task(receive(draft, counted(), limit=None, budget=Budget()))
    await draft.writing.wait()
    for _ in range(100):
        await asyncio.sleep(0)
    assert 128 * KIBIBYTE < taken < 256 * KIBIBYTE
    draft.let_go.set()
    assert (await receiving).size == draft.taken == 1_000_000


class WatchingDraft:
    """A draft that remembers the blocks' sizes and what the budget had lent meanwhile."""

    def __init__(self, draft: Draft, budget: Budget) -> None:
        self.key = draft.key
        self.blocks: list[int] = []
        self.lent: list[int] = []
        self._draft = draft
        self._budget = budget

    async def write(self, block: bytes | bytearray | memoryview) -> None:
        self.blocks.append(len(block))
        self.lent.append(self._budget.lent)
        await self._draft.write(block)

    async def finish(self) -> None:
        await self._draft.finish()


@asynccontextmanager
async def watching_draft(budget: Budget) -> AsyncIterator[WatchingDraft]:
    async with MemoryStorage().draft() as draft:
        yield WatchingDraft(draft, budget)


async def test_a_fast_upload_alone_gets_large_blocks() -> None:
    budget = Budget()
    async with watching_draft(budget) as draft:
        await receive(draft, chunked(pieces(bytes(20 * MEBIBYTE), 64 * KIBIBYTE)), limit=None, budget=budget)
    assert max(draft.blocks) == 2 * MEBIBYTE
    assert max(draft.lent) <= 4 * MEBIBYTE
    assert budget.lent == 0


async def test_the_memory_of_many_uploads_is_bounded_together() -> None:
    total = 8 * MEBIBYTE
    budget = Budget(total)
    lent: list[int] = []
    blocks: list[int] = []

    async def upload(number: int) -> None:
        async with watching_draft(budget) as draft:
            chunks = chunked(pieces(bytes(3 * MEBIBYTE), 8 * KIBIBYTE + number))
            await receive(draft, chunks, limit=None, budget=budget)
            lent.extend(draft.lent)
            blocks.extend(draft.blocks)

    await asyncio.gather(*(upload(number) for number in range(40)))
    assert max(lent) <= total
    assert max(blocks) <= 2 * MEBIBYTE
    assert budget.lent == 0


async def test_beyond_the_budget_everybody_still_gets_the_smallest_block() -> None:
    budget = Budget(1)
    async with watching_draft(budget) as draft:
        await receive(draft, chunked(pieces(CONTENT, 10_000)), limit=None, budget=budget)
    assert set(draft.blocks[:-1]) == {64 * KIBIBYTE}


def test_blocks_shrink_to_what_is_left() -> None:
    """However large those are that others took when they were alone."""
    budget = Budget(4 * MEBIBYTE)
    with budget.upload():
        blocks = [budget.lend(MEBIBYTE) for _ in range(6)]
        assert [len(block) for block in blocks] == [MEBIBYTE] * 4 + [64 * KIBIBYTE] * 2
        for block in blocks:
            budget.take_back(block)
        with budget.upload():
            assert len(budget.lend(MEBIBYTE)) == MEBIBYTE
            with budget.upload():
                assert len(budget.lend(MEBIBYTE)) == 640 * KIBIBYTE


async def test_a_slow_upload_never_holds_a_large_block() -> None:
    budget = Budget()
    draft = StuckDraft()
    waiting = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"a few bytes"
        waiting.set()
        await draft.let_go.wait()

    receiving = asyncio.create_task(receive(draft, slow(), limit=None, budget=budget))
    await waiting.wait()
    assert budget.lent == 64 * KIBIBYTE
    draft.let_go.set()
    await receiving

"""The suite that every storage passes: one test or more per promise of `storage/base.py`, by its number.

A driver's test module subclasses `StorageContract` and gives a fixture `storage`, fresh and empty for each test.
"""
# ruff: noqa: S101 - this module is run by pytest only

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from datetime import UTC, datetime, timedelta

from backup_repository.errors import BlobMissing, OutsideStorage, StorageCorrupt
from backup_repository.storage.base import KEY, CannotAdopt, Draft, Storage, new_key

CONTENT = random.Random(1).randbytes(3_000_017)  # noqa: S311 - any bytes will do
"""More than a few blocks of any driver, and no multiple of any."""
LARGEST_BLOCK = 1024 * 1024
BAD_KEYS = (
    "",
    "../../../../etc/passwd",
    "a" * 31,
    "a" * 33,
    "A" * 32,
    "g" * 32,
    "/" + "a" * 31,
    "a" * 32 + "\n",
    "a" * 31 + "\0",
    "٣" * 32,
)
SIZE = len(CONTENT)
RANGES = ((0, None), (0, 0), (0, 1), (1, 2), (17, 1_000_000), (SIZE - 1, None), (SIZE, None), (SIZE, SIZE))


class Interrupted(Exception):
    """What goes wrong in the middle of a test's work."""


class failing:  # noqa: N801 - reads like the function it stands for; a class tells mypy that errors end here
    """Expect the block to raise an error of a kind whose text names no path."""

    def __init__(self, kind: type[BaseException]) -> None:
        self._kind = kind

    def __enter__(self) -> None:
        """Nothing has failed yet."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        assert error is not None, f"{self._kind.__name__} was not raised"
        return isinstance(error, self._kind) and "/" not in str(error)


async def put(storage: Storage, content: bytes) -> str:
    """Store a blob, as one block, and return its key."""
    async with storage.draft() as draft:
        await draft.write(content)
        await draft.finish()
    return draft.key


async def get(storage: Storage, key: str, start: int = 0, end: int | None = None) -> bytes:
    """Read a blob or a part of it."""
    async with storage.read(key, start, end) as blocks:
        return b"".join([block async for block in blocks])


async def keys(storage: Storage) -> set[str]:
    """Give the keys of all blobs."""
    return {blob.key async for blob in storage.blobs()}


class StorageContract:
    """The promises, as tests."""

    async def test_promise_1_every_draft_has_a_key_of_its_own(self, storage: Storage) -> None:
        """Keys are well-formed and all different."""
        found: set[str] = set()
        for _ in range(20):
            async with storage.draft() as draft:
                assert KEY.fullmatch(draft.key)
                assert draft.key not in found
                found.add(draft.key)

    async def test_promise_1_equal_bytes_are_separate_blobs(self, storage: Storage) -> None:
        """Deleting one of two blobs with the same content leaves the other."""
        one, other = await put(storage, b"same"), await put(storage, b"same")
        await storage.delete(one)
        assert await get(storage, other) == b"same"

    async def test_promise_2_a_blob_comes_back_whole(self, storage: Storage) -> None:
        """Blocks of any size and type, written in order, are the blob; reusing their memory changes nothing."""
        reused = bytearray(LARGEST_BLOCK)
        async with storage.draft() as draft:
            await draft.write(CONTENT[:1])
            await draft.write(memoryview(CONTENT)[1:70_001])
            await draft.write(b"")
            reused[:] = CONTENT[70_001 : 70_001 + LARGEST_BLOCK]
            await draft.write(reused)
            reused[:] = bytes(LARGEST_BLOCK)
            await draft.write(bytearray(CONTENT[70_001 + LARGEST_BLOCK :]))
            await draft.finish()
        assert await get(storage, draft.key) == CONTENT
        assert await storage.size(draft.key) == len(CONTENT)

    async def test_promise_2_an_empty_blob_is_a_blob(self, storage: Storage) -> None:
        """A draft that is finished without bytes is there, with none."""
        async with storage.draft() as draft:
            await draft.finish()
        assert await get(storage, draft.key) == b""
        assert await storage.size(draft.key) == 0
        assert await keys(storage) == {draft.key}

    async def test_promise_2_nothing_is_visible_before_finish(self, storage: Storage) -> None:
        """Until `finish` returns the key leads nowhere; afterwards to the whole, inside the context already."""
        async with storage.draft() as draft:
            await draft.write(CONTENT)
            assert await keys(storage) == set()
            with failing(BlobMissing):
                await storage.size(draft.key)
            with failing(BlobMissing):
                await get(storage, draft.key)
            await draft.finish()
            assert await get(storage, draft.key) == CONTENT
            assert await keys(storage) == {draft.key}

    async def test_promise_3_an_abandoned_draft_leaves_nothing(self, storage: Storage) -> None:
        """Leaving without `finish` is giving up."""
        async with storage.draft() as draft:
            await draft.write(CONTENT)
        await self.nothing_is_left(storage, draft)

    async def test_promise_3_an_error_in_the_middle_leaves_nothing(self, storage: Storage) -> None:
        """The caller's own exception passes through the draft."""
        with failing(Interrupted):
            async with storage.draft() as draft:
                await draft.write(CONTENT)
                raise Interrupted
        await self.nothing_is_left(storage, draft)

    async def test_promise_4_a_finished_draft_is_held_until_it_is_left(self, storage: Storage) -> None:
        """Held from the moment it is visible; not held any more when the context is over."""
        async with storage.draft() as draft:
            await draft.finish()
            assert await storage.is_held(draft.key)
        assert not await storage.is_held(draft.key)

    async def test_promise_4_a_reader_holds_nothing(self, storage: Storage) -> None:
        """Downloads do not keep the sweep from deleting."""
        key = await put(storage, CONTENT)
        async with storage.read(key) as blocks:
            await anext(blocks)
            assert not await storage.is_held(key)

    async def test_promise_4_a_missing_blob_is_not_held(self, storage: Storage) -> None:
        """Asking for what is not there is no error."""
        assert not await storage.is_held(new_key())

    async def test_promise_4_asking_changes_nothing(self, storage: Storage) -> None:
        """Many may ask at the same time and get the same answer, then and later."""
        async with storage.draft() as draft:
            await draft.finish()
            assert all(await asyncio.gather(*(storage.is_held(draft.key) for _ in range(20))))
        assert not any(await asyncio.gather(*(storage.is_held(draft.key) for _ in range(20))))

    async def test_promise_5_a_failure_after_finish_keeps_the_blob(self, storage: Storage) -> None:
        """A commit whose answer got lost may have happened."""
        with failing(Interrupted):
            async with storage.draft() as draft:
                await draft.write(b"kept")
                await draft.finish()
                raise Interrupted
        assert await get(storage, draft.key) == b"kept"

    async def test_promise_5_clearing_litter_touches_neither_blobs_nor_drafts(self, storage: Storage) -> None:
        """Whatever their age."""
        key = await put(storage, b"finished")
        async with storage.draft() as draft:
            await draft.write(b"run")
            await storage.clear_litter(-3600)
            await draft.write(b"ning")
            await draft.finish()
            await storage.clear_litter(-3600)
        assert await get(storage, key) == b"finished"
        assert await get(storage, draft.key) == b"running"

    async def test_promise_6_a_reader_outlives_a_deletion(self, storage: Storage) -> None:
        """Also where it had not read anything yet."""
        key = await put(storage, CONTENT)
        async with storage.read(key) as begun, storage.read(key) as fresh:
            first = await anext(begun)
            await storage.delete(key)
            assert first + b"".join([block async for block in begun]) == CONTENT
            assert b"".join([block async for block in fresh]) == CONTENT
        with failing(BlobMissing):
            await get(storage, key)

    async def test_promise_7_a_missing_blob_is_told_on_entering(self, storage: Storage) -> None:
        """Before the first byte of an answer is sent."""
        reader = storage.read(new_key())
        with failing(BlobMissing):
            await reader.__aenter__()
        for ask in (storage.size, lambda key: storage.signed(key, (), in_part=True)):
            with failing(BlobMissing):
                await ask(new_key())

    async def test_promise_7_other_keys_than_ours_are_refused(self, storage: Storage) -> None:
        """Names that might lead elsewhere are never looked up."""
        for key in BAD_KEYS:
            for ask in (storage.size, storage.delete, storage.is_held, lambda k: storage.signed(k, (), in_part=True)):
                with failing(OutsideStorage):
                    await ask(key)
            for begin in (storage.read, storage.draft):
                with failing(OutsideStorage):
                    await begin(key).__aenter__()
            with failing(OutsideStorage):
                storage.accelerated(key)

    async def test_promise_8_blocks_of_a_reader_are_bounded(self, storage: Storage) -> None:
        """No block is empty or above 1 MiB."""
        key = await put(storage, CONTENT)
        async with storage.read(key) as blocks:
            sizes = [len(block) async for block in blocks]
        assert min(sizes) > 0
        assert max(sizes) <= LARGEST_BLOCK

    async def test_promise_9_a_cancelled_writer_leaves_nothing(self, storage: Storage) -> None:
        """Wherever in its writing the cancellation meets it."""
        for turns in range(0, 40, 3):
            begun: asyncio.Queue[Draft] = asyncio.Queue()
            task = asyncio.create_task(_write_on(storage, begun))
            draft = await begun.get()
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            with failing(asyncio.CancelledError):
                await task
            await self.nothing_is_left(storage, draft)

    async def test_promise_9_a_task_cancelled_at_any_moment_leaves_nothing_or_a_blob(self, storage: Storage) -> None:
        """From before the draft is there until after it is finished; twice, as a second signal may."""
        for turns in range(30):
            task = asyncio.create_task(put(storage, b"content"))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.sleep(0)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            for key in await keys(storage):
                assert await get(storage, key) == b"content"
                await storage.delete(key)

    async def test_promise_9_a_cancelled_reader_harms_nobody(self, storage: Storage) -> None:
        """The next one reads everything."""
        key = await put(storage, CONTENT)
        for turns in range(10):
            task = asyncio.create_task(get(storage, key))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        assert await get(storage, key) == CONTENT

    async def test_bytes_after_finish_are_refused(self, storage: Storage) -> None:
        """And the blob stays what it was."""
        async with storage.draft() as draft:
            await draft.write(b"all")
            await draft.finish()
            with failing(RuntimeError):
                await draft.write(b"more")
        assert await get(storage, draft.key) == b"all"

    async def test_a_draft_is_finished_once(self, storage: Storage) -> None:
        """A second time is a mistake of the caller, and harmless."""
        async with storage.draft() as draft:
            await draft.write(b"all")
            await draft.finish()
            with failing(RuntimeError):
                await draft.finish()
        assert await get(storage, draft.key) == b"all"

    async def test_a_draft_that_was_left_is_dead(self, storage: Storage) -> None:
        """It takes no bytes and makes no blob."""
        async with storage.draft() as draft:
            await draft.write(b"lost")
        with failing(RuntimeError):
            await draft.write(b"late")
        with failing(RuntimeError):
            await draft.finish()
        await self.nothing_is_left(storage, draft)

    async def test_ranges_are_exact(self, storage: Storage) -> None:
        """From start up to, not including, end; empty ranges are fine."""
        key = await put(storage, CONTENT)
        for start, end in RANGES:
            assert await get(storage, key, start, end) == CONTENT[start:end]

    async def test_a_blob_shorter_than_asked_for_is_corrupt(self, storage: Storage) -> None:
        """Told on entering: the caller asks for what was registered."""
        key = await put(storage, b"12345")
        for start, end in ((0, 6), (5, 6), (6, None), (6, 6)):
            reader = storage.read(key, start, end)
            with failing(StorageCorrupt):
                await reader.__aenter__()

    async def test_ranges_without_sense_are_refused(self, storage: Storage) -> None:
        """They are a mistake of the caller."""
        key = await put(storage, b"12345")
        for start, end in ((-1, None), (-2, -1), (3, 2)):
            with failing(ValueError):
                await get(storage, key, start, end)

    async def test_deleting_is_idempotent(self, storage: Storage) -> None:
        """A blob that is not there is fine, whether it ever was or not."""
        key, other = await put(storage, b"gone"), await put(storage, b"stays")
        await storage.delete(key)
        await storage.delete(key)
        await storage.delete(new_key())
        assert await keys(storage) == {other}

    async def test_listing_tells_size_and_time(self, storage: Storage) -> None:
        """Every blob once; the time is the storage's own and may differ from ours by a little."""
        begun = datetime.now(UTC)
        sizes = {await put(storage, bytes(size)): size for size in (0, 1, 100, 70_000)}
        listed = [blob async for blob in storage.blobs()]
        assert {blob.key: blob.size for blob in listed} == sizes
        assert len(listed) == len(sizes)
        assert all(abs(blob.modified_at - begun) < timedelta(hours=1) for blob in listed)

    async def test_listing_is_in_the_order_of_the_keys(self, storage: Storage) -> None:
        """So that many blobs can be compared with records in little memory."""
        stored = {await put(storage, b"%d" % number) for number in range(40)}
        assert [blob.key async for blob in storage.blobs()] == sorted(stored)

    async def test_no_address_is_given_that_nobody_offers_to_use(self, storage: Storage) -> None:
        """Whatever the storage could give."""
        assert await storage.signed(await put(storage, b"content"), (), in_part=True) is None

    async def test_probing_leaves_nothing(self, storage: Storage) -> None:
        """Neither where it writes nor where it only looks."""
        await storage.probe(write=False)
        assert await keys(storage) == set()
        await storage.probe(write=True)
        assert await keys(storage) == set()

    async def test_probes_beside_each_other_agree(self, storage: Storage) -> None:
        """Several monitors may ask at the same time."""
        await asyncio.gather(*(storage.probe(write=True) for _ in range(20)))
        assert await keys(storage) == set()

    async def test_many_drafts_at_once_do_not_mix(self, storage: Storage) -> None:
        """Half of them are abandoned."""

        async def fill(number: int) -> str | None:
            async with storage.draft() as draft:
                for position in range(10):
                    await draft.write(bytes([number, position]) * 5_000)
                if number % 2:
                    return None
                await draft.finish()
            return draft.key

        found = await asyncio.gather(*(fill(number) for number in range(60)))
        for number, key in enumerate(found):
            if key is not None:
                expected = b"".join(bytes([number, position]) * 5_000 for position in range(10))
                assert await get(storage, key) == expected
        assert await keys(storage) == {key for key in found if key is not None}

    async def test_only_regular_files_can_be_adopted(self, storage: Storage) -> None:
        """A pipe cannot, on any storage."""
        incoming, outgoing = os.pipe()
        try:
            adoption = storage.adopt(incoming)
            with failing(CannotAdopt):
                await adoption.__aenter__()
        finally:
            os.close(incoming)
            os.close(outgoing)
        assert await keys(storage) == set()

    async def nothing_is_left(self, storage: Storage, draft: Draft) -> None:
        """Check that a draft left no trace; drivers add where they can look closer."""
        assert await keys(storage) == set()
        assert not await storage.is_held(draft.key)
        with failing(BlobMissing):
            await storage.size(draft.key)


async def _write_on(storage: Storage, begun: asyncio.Queue[Draft]) -> None:
    """Write until cancelled."""
    async with storage.draft() as draft:
        begun.put_nowait(draft)
        while True:
            await draft.write(CONTENT[:100_000])
            await asyncio.sleep(0)

"""Landed files are counted, judged and hashed like streams, made durable meanwhile, and waited for when cancelled."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest
from world.drafts import LandedDraft, no_task_is_left

from backup_repository.errors import StorageUnavailable
from backup_repository.storage.contract import CONTENT
from backup_repository.storage.receive import Received, TooLarge, receive_adopted

MEBIBYTE = 1024 * 1024


@pytest.fixture
def landed(tmp_path: Path) -> Path:
    (tmp_path / "landed").write_bytes(CONTENT)
    return tmp_path / "landed"


@pytest.mark.parametrize("size", [0, 1, MEBIBYTE, 65 * MEBIBYTE, 64 * MEBIBYTE])
async def test_an_adopted_file_is_counted_and_hashed(tmp_path: Path, size: int) -> None:
    content = (CONTENT * (size // len(CONTENT) + 1))[:size]
    (tmp_path / "landed").write_bytes(content)
    draft = LandedDraft(tmp_path / "landed")
    draft.let_go.set()
    received = await receive_adopted(draft, hashing=asyncio.Semaphore(1))
    assert received == Received(draft.key, size, hashlib.sha256(content).hexdigest())


async def test_an_adopted_file_is_judged_like_a_stream(landed: Path) -> None:
    draft = LandedDraft(landed)
    draft.let_go.set()
    received = await receive_adopted(draft, hashing=asyncio.Semaphore(1), limit=len(CONTENT))
    assert received.size == len(CONTENT)
    with no_task_is_left(), pytest.raises(TooLarge):
        await receive_adopted(draft, hashing=asyncio.Semaphore(1), limit=len(CONTENT) - 1)


async def test_an_adopted_file_is_made_durable_while_it_waits_for_its_turn_to_be_hashed(landed: Path) -> None:
    draft = LandedDraft(landed)
    draft.let_go.set()
    hashing = asyncio.Semaphore(1)
    async with hashing:
        receiving = asyncio.create_task(receive_adopted(draft, hashing=hashing))
        await draft.writing.wait()
        early, _late = await asyncio.wait([receiving], timeout=0.2)  # it can only be done if it did not wait
        assert not early
    assert (await receiving).size == len(CONTENT)


async def test_an_adopted_file_that_cannot_be_made_durable_is_not_received(landed: Path) -> None:
    draft = LandedDraft(landed, StorageUnavailable())
    draft.let_go.set()
    with no_task_is_left(), pytest.raises(StorageUnavailable):
        await receive_adopted(draft, hashing=asyncio.Semaphore(1))


async def test_an_adopted_file_that_vanishes_is_an_error_of_the_storage(tmp_path: Path) -> None:
    draft = LandedDraft(tmp_path / "vanished")
    draft.let_go.set()
    with no_task_is_left(), pytest.raises(StorageUnavailable) as refused:
        await receive_adopted(draft, hashing=asyncio.Semaphore(1))
    assert "/" not in str(refused.value)


async def test_a_cancelled_adoption_waits_for_its_sync(landed: Path) -> None:
    draft = LandedDraft(landed)
    hashing = asyncio.Semaphore(1)
    with no_task_is_left():
        receiving = asyncio.create_task(receive_adopted(draft, hashing=hashing))
        await draft.writing.wait()
        async with hashing:  # comes when all is hashed
            pass
        for _ in range(3):
            receiving.cancel()
            await asyncio.sleep(0)
            assert not receiving.done()
        draft.let_go.set()
        with pytest.raises(asyncio.CancelledError):
            await receiving
    assert draft.ended


async def test_a_cancelled_adoption_gives_its_turn_to_the_next(landed: Path) -> None:
    draft = LandedDraft(landed)
    hashing = asyncio.Semaphore(1)
    with no_task_is_left():
        receiving = asyncio.create_task(receive_adopted(draft, hashing=hashing))
        await draft.writing.wait()
        receiving.cancel()
        draft.let_go.set()
        with pytest.raises(asyncio.CancelledError):
            await receiving
    assert not hashing.locked()

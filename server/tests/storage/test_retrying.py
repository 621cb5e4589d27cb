"""Short outages go unnoticed where a call can be repeated, and nothing is repeated that cannot."""

from __future__ import annotations

import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from backup_repository.errors import BlobMissing, StorageCorrupt, StorageRefused, StorageUnavailable
from backup_repository.storage.base import BlobInfo, Storage, new_key
from backup_repository.storage.contract import CONTENT, StorageContract, get, keys, put
from backup_repository.storage.drivers.memory import MemoryStorage
from backup_repository.storage.wrappers import retrying
from backup_repository.storage.wrappers.faulty import Faults, FaultyStorage, When
from backup_repository.storage.wrappers.retrying import RetryingStorage

TRIES = 3


class Pauses:
    """Waits no time and remembers after how many failures in a row it was asked to."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    async def __call__(self, failures: int) -> None:
        self.asked.append(failures)


def around(storage: Storage, faults: Faults, pauses: Pauses | None = None) -> RetryingStorage:
    return RetryingStorage(FaultyStorage(storage, faults), tries=TRIES, pause=pauses or Pauses())


class TestRetryingStorage(StorageContract):
    @pytest.fixture
    def storage(self) -> Storage:
        return RetryingStorage(MemoryStorage())


class TestFaultyStorage(StorageContract):
    """Without faults it is like what is in it."""

    @pytest.fixture
    def storage(self) -> Storage:
        return FaultyStorage(MemoryStorage(), Faults(lambda _: False))


class TestRetryingStorageInBadWeather(StorageContract):
    """Many of the calls that can be repeated fail; nobody notices."""

    @pytest.fixture(params=list(When))
    def storage(self, request: pytest.FixtureRequest) -> Storage:
        repeatable = {"draft", "read", "size", "delete", "is_held", "blobs", "signed"}
        weather = random.Random(5)
        faults = Faults(lambda _: faults.calls[-1] in repeatable and weather.random() < 0.4, when=request.param)
        return RetryingStorage(FaultyStorage(MemoryStorage(), faults), tries=50, pause=Pauses())


JOBS: dict[str, Callable[[Storage, str], Awaitable[object]]] = {
    "size": lambda storage, key: storage.size(key),
    "delete": lambda storage, key: storage.delete(key),
    "is_held": lambda storage, key: storage.is_held(key),
    "blobs": lambda storage, _key: keys(storage),
    "read": get,
    "draft": lambda storage, _key: put(storage, b"new"),
    "signed": lambda storage, key: storage.signed(key, (), in_part=False),
}


@pytest.mark.parametrize("name", JOBS)
async def test_a_call_is_tried_three_times_with_growing_pauses(name: str) -> None:
    inner = MemoryStorage()
    key = await put(inner, CONTENT)
    pauses = Pauses()
    await JOBS[name](around(inner, Faults(lambda number: number < TRIES), pauses), key)
    assert pauses.asked == [1, 2]


@pytest.mark.parametrize("name", JOBS)
async def test_a_call_that_hung_for_long_is_not_tried_again(name: str) -> None:
    inner = MemoryStorage()
    key = await put(inner, CONTENT)
    seconds = itertools.count(step=25)
    faults = Faults(lambda _: True)
    storage = RetryingStorage(FaultyStorage(inner, faults), pause=Pauses(), now=lambda: next(seconds))
    with pytest.raises(StorageUnavailable):
        await JOBS[name](storage, key)
    assert len(faults.calls) == 1


@pytest.mark.parametrize("name", JOBS)
async def test_a_storage_that_stays_away_is_told_after_three_tries(name: str) -> None:
    inner = MemoryStorage()
    key = await put(inner, CONTENT)
    faults, pauses = Faults(lambda _: True), Pauses()
    with pytest.raises(StorageUnavailable):
        await JOBS[name](around(inner, faults, pauses), key)
    assert faults.calls == [name] * TRIES
    assert pauses.asked == [1, 2]


@pytest.mark.parametrize("error", [StorageRefused, StorageCorrupt, BlobMissing])
@pytest.mark.parametrize("name", JOBS)
async def test_only_outages_are_worth_another_try(name: str, error: type[StorageUnavailable]) -> None:
    faults = Faults(lambda _: True, error=error)
    with pytest.raises(error):
        await JOBS[name](around(MemoryStorage(), faults), new_key())
    assert faults.calls == [name]


@pytest.mark.parametrize("name", ["write", "finish", "probe", "clear_litter"])
async def test_what_cannot_be_repeated_is_not(name: str) -> None:
    """Bytes of a draft are gone once they are sent, and a probe asks how the storage is now."""
    jobs: dict[str, Callable[[Storage], Awaitable[object]]] = {
        "write": lambda storage: put(storage, b"content"),
        "finish": lambda storage: put(storage, b"content"),
        "probe": lambda storage: storage.probe(write=True),
        "clear_litter": lambda storage: storage.clear_litter(0),
    }
    faults = Faults(lambda _: faults.calls[-1] == name)
    with pytest.raises(StorageUnavailable):
        await jobs[name](around(MemoryStorage(), faults))
    assert faults.calls.count(name) == 1


async def test_a_read_goes_on_where_it_broke_off() -> None:
    """Wherever the outages meet it, the bytes are those that were asked for, each once."""
    inner = MemoryStorage()
    key = await put(inner, CONTENT)
    weather = random.Random(7)
    for start, end in ((0, None), (17, None), (0, len(CONTENT)), (1000, 2_000_000), (len(CONTENT), None)):
        faults = Faults(lambda number: number > 1 and weather.random() < 0.4)
        storage = RetryingStorage(FaultyStorage(inner, faults), tries=100, pause=Pauses())
        assert await get(storage, key, start, end) == CONTENT[start:end]


async def test_only_failures_in_a_row_count_in_a_read() -> None:
    """A long download over a line that breaks now and then gets to its end."""
    inner = MemoryStorage()
    key = await put(inner, CONTENT)
    pauses = Pauses()
    faults = Faults(lambda _: faults.calls[-1] == "block" and faults.calls.count("block") % 2 == 0)
    assert await get(around(inner, faults, pauses), key) == CONTENT
    assert set(pauses.asked) == {1}
    assert len(pauses.asked) > TRIES


async def test_a_blob_deleted_in_an_outage_is_an_outage() -> None:
    """Not a missing blob: what the reader had begun was there."""
    inner = MemoryStorage()
    key = await put(inner, CONTENT)
    faults = Faults(lambda number: number == 3)
    async with around(inner, faults).read(key) as blocks:
        await anext(blocks)
        await inner.delete(key)
        with pytest.raises(StorageUnavailable):
            await anext(blocks)


async def test_a_listing_that_breaks_off_tells_so() -> None:
    """It does not begin again, which would list blobs twice."""

    class BreaksOff(MemoryStorage):
        async def blobs(self) -> AsyncIterator[BlobInfo]:
            async for blob in super().blobs():
                yield blob
                raise StorageUnavailable

    inner = BreaksOff()
    key = await put(inner, b"one")
    listing = RetryingStorage(inner, pause=Pauses()).blobs()
    assert (await anext(listing)).key == key
    with pytest.raises(StorageUnavailable):
        await anext(listing)


async def test_pauses_grow_and_are_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("asyncio.sleep", sleep)
    for failures in (1, 1, 1, 1, 3):
        await retrying.wait(failures)
    assert all(0.1 <= seconds <= 0.3 for seconds in waited[:4])
    assert 0.4 <= waited[4] <= 1.2
    assert len(set(waited)) == 5

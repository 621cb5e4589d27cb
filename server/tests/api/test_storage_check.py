"""The comparison of versions with stored files, and what it must not mistake for a difference (contract B 2.2)."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from world.client import COLLECTIONS, Client, Served

from backup_repository.storage.base import BlobInfo, Storage, new_key
from backup_repository.storage.drivers.filesystem import FilesystemStorage
from backup_repository.storage.shards import shard_of
from backup_repository.versions.check import Check, Checked, Difference, Kind

HOUR = 3600.0


@pytest.fixture
async def versions(alice: Client) -> str:
    """A collection with the versions `one` and `three`; the path of its versions."""
    collection = await alice.create_collection()
    for content in (b"one", b"three"):
        assert (await alice.upload(collection["id"], content)).status_code == 200
    return f"{COLLECTIONS}/{collection['id']}/versions"


def blob_of(served: Served, content: bytes) -> Path:
    return next(blob for blob in served.storage.rglob("*") if blob.is_file() and blob.read_bytes() == content)


def put(served: Served, content: bytes = b"litter") -> str:
    """Put a blob that no version names into the storage and return its key."""
    key = new_key()
    blob = served.storage / shard_of(key) / key
    blob.parent.mkdir(exist_ok=True)
    blob.write_bytes(content)
    return key


async def check(served: Served, storage: Storage | None = None) -> tuple[list[Difference], Checked]:
    """Run a check that takes whatever is older than an hour for swept."""
    job = Check(served.instance.database, storage, served.clock) if storage else served.instance.check
    checked = Checked()
    return [found async for found in job.run(checked, sweep_age=HOUR)], checked


@pytest.mark.usefixtures("versions")
async def test_what_agrees_is_no_difference(served: Served) -> None:
    assert await check(served) == ([], Checked(versions=2, blobs=2))


async def test_nothing_at_all_is_no_difference(served: Served) -> None:
    assert await check(served) == ([], Checked())


@pytest.mark.usefixtures("versions")
async def test_a_version_without_its_file_is_missing(served: Served) -> None:
    blob = blob_of(served, b"three")
    blob.unlink()
    (found,), checked = await check(served)
    assert (found.kind, found.key, found.size) == (Kind.MISSING, blob.name, None)
    assert found.named is not None
    assert (found.named.number, found.named.size) == (2, 5)
    assert checked == Checked(versions=2, blobs=1, differences=1)


@pytest.mark.usefixtures("versions")
async def test_something_else_in_the_place_of_a_file_is_missing_too(served: Served) -> None:
    blob = blob_of(served, b"three")
    blob.unlink()
    blob.symlink_to("/dev/null")
    assert [found.kind for found in (await check(served))[0]] == [Kind.MISSING]


@pytest.mark.usefixtures("versions")
@pytest.mark.parametrize("content", [b"", b"thre", b"three!"])
async def test_another_size_is_a_difference(content: bytes, served: Served) -> None:
    blob = blob_of(served, b"three")
    blob.write_bytes(content)
    (found,), checked = await check(served)
    assert (found.kind, found.key, found.size) == (Kind.SIZE, blob.name, len(content))
    assert checked.differences == 1


@pytest.mark.usefixtures("versions")
async def test_a_file_that_no_version_names_is_one_when_the_sweep_should_have_it(served: Served) -> None:
    key = put(served)
    assert await check(served) == ([], Checked(versions=2, blobs=3, waiting=1)), "it is young"
    served.clock.advance(hours=2)
    found, checked = await check(served)
    assert found == [Difference(Kind.UNREGISTERED, key, None, 6)]
    assert checked == Checked(versions=2, blobs=3, differences=1)
    await served.instance.sweep.run(HOUR)
    assert await check(served) == ([], Checked(versions=2, blobs=2))


async def test_a_retired_file_waits_for_the_sweep_however_old(served: Served, alice: Client, versions: str) -> None:
    assert (await alice.delete(f"{versions}/v1")).status_code == 200
    served.clock.advance(days=30)
    assert await check(served) == ([], Checked(versions=1, blobs=2, waiting=1))


async def test_a_file_that_an_upload_holds_is_no_difference(served: Served) -> None:
    """It is whole and old, for example taken over from the proxy, and its row is not committed yet."""
    storage = FilesystemStorage(served.storage, served.config.temp_directory)
    async with storage.draft() as draft:
        await draft.write(b"whole")
        await draft.finish()
        os.utime(blob_of(served, b"whole"), (0, 0))
        assert await check(served) == ([], Checked(blobs=1, waiting=1))
    assert [found.kind for found in (await check(served))[0]] == [Kind.UNREGISTERED], "nobody holds it any more"


class Meanwhile(FilesystemStorage):
    """A storage whose listings are old: something happened once since they were taken, or later, before a second look."""

    def __init__(self, served: Served, event: Callable[[], Awaitable[object]], *, late: bool = False) -> None:
        super().__init__(served.storage, served.config.temp_directory)
        self._event = event
        self._late = late
        self._listed: list[BlobInfo] | None = None

    async def blobs(self) -> AsyncIterator[BlobInfo]:
        if self._listed is None:
            self._listed = [blob async for blob in super().blobs()]
            if not self._late:
                await self._event()
        for blob in self._listed:
            # so old that its age does not excuse it
            yield replace(blob, modified_at=blob.modified_at.replace(year=2000))

    async def size(self, key: str) -> int:
        if self._late:
            self._late = False
            await self._event()
        return await super().size(key)


async def test_a_version_registered_meanwhile_is_no_difference(served: Served, alice: Client, versions: str) -> None:
    async def upload() -> None:
        assert (await alice.post(versions, content=b"just now")).status_code == 200

    assert await check(served, Meanwhile(served, upload)) == ([], Checked(versions=3, blobs=2))


@pytest.mark.parametrize("late", [False, True])
async def test_a_version_deleted_and_swept_meanwhile_is_no_difference(
    late: bool, served: Served, alice: Client, versions: str
) -> None:
    """Before what the database knows was read, or after that, of a version that was not listed yet."""
    blob = blob_of(served, b"one")
    storage = Meanwhile(served, lambda: delete(served, alice, versions), late=late)
    if late:
        blob.rename(blob.with_suffix(".away"))
        assert [found async for found in storage.blobs()]
        blob.with_suffix(".away").rename(blob)
    assert (await check(served, storage))[0] == []
    assert not blob.exists()


async def delete(served: Served, alice: Client, versions: str) -> None:
    assert (await alice.delete(f"{versions}/v1")).status_code == 200
    served.clock.advance(seconds=10)
    await served.instance.sweep.run(0)


async def test_a_lost_version_is_found_beside_all_that(served: Served, alice: Client, versions: str) -> None:
    blob = blob_of(served, b"three")
    blob.unlink()
    found, _ = await check(served, Meanwhile(served, lambda: delete(served, alice, versions)))
    assert [(difference.kind, difference.key) for difference in found] == [(Kind.MISSING, blob.name)]

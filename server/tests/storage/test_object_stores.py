"""What object stores add to the contract: parts, lost answers, errors, credentials, settings."""

from __future__ import annotations

import base64
import hashlib
import logging
import random
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from world.buckets import BUCKET, KEY, SECRET, Bucket, S3Bucket, moto, open_key_file, rclone
from world.clouds import stand_in_azure, stand_in_google
from world.ports import free_port

from backup_repository.config.model import AzureStorage, Config, GoogleStorage, S3Storage
from backup_repository.errors import ConfigurationError, StorageRefused, StorageUnavailable
from backup_repository.storage import buckets
from backup_repository.storage.base import Storage
from backup_repository.storage.contract import get, keys, put
from backup_repository.storage.drivers import objects
from backup_repository.storage.drivers.objects import PART, UNLIMITED_PART, part_size
from backup_repository.storage.open import open_one, open_storage

MIB = 1 << 20
GB = 10**9


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Bucket]:
    with moto(tmp_path_factory.mktemp("moto")) as bucket:
        yield bucket


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Bucket]:
    """A store that checks signatures."""
    with rclone(tmp_path_factory.mktemp("rclone")) as bucket:
        yield bucket


async def fill(storage: Storage, size: int) -> str:
    """Store so many bytes, a block at a time."""
    async with storage.draft() as draft:
        for start in range(0, size, MIB):
            await draft.write(bytes(min(MIB, size - start)))
        await draft.finish()
    return draft.key


def jobs(storage: Storage) -> tuple[Callable[[], Awaitable[object]], ...]:
    return (
        lambda: storage.probe(write=True),
        lambda: storage.probe(write=False),
        lambda: put(storage, b"x"),
        lambda: fill(storage, 12 * MIB),
        lambda: get(storage, "0" * 32),
        lambda: keys(storage),
    )


@pytest.mark.parametrize("largest", [1, 30 * GB, 52 * GB, 53 * GB, 100 * GB, 5000 * GB])
def test_the_largest_version_fits_into_the_parts_that_stores_take(largest: int) -> None:
    part = part_size(largest)
    assert part * 10_000 >= largest
    assert part >= PART
    assert part == PART or (part - MIB) * 10_000 < largest
    assert part % MIB == 0


def test_parts_are_small_for_the_usual_maximum_and_bounded_without_one() -> None:
    assert part_size(30 * GB) == 5 * MIB
    assert part_size(0) == UNLIMITED_PART


async def test_large_blobs_go_out_in_equal_parts(s3: S3Bucket) -> None:
    settings = s3.settings()
    key = await fill(s3.storage(settings), 12 * MIB + 5)
    with s3.client() as client:
        heads = [
            client.head_object(Bucket=BUCKET, Key=f"{settings.prefix}/{key}", PartNumber=number) for number in (1, 2, 3)
        ]
    assert [head["ContentLength"] for head in heads] == [5 * MIB, 5 * MIB, 2 * MIB + 5]
    assert {head["PartsCount"] for head in heads} == {3}


async def test_several_parts_are_on_their_way_at_once(tmp_path: Path) -> None:
    """The stand-in answers none before it has four."""
    with stand_in_google() as cloud:
        settings = GoogleStorage("CLOUD", BUCKET, endpoint=cloud.url, keyfilepath=open_key_file(tmp_path))
        cloud.kept.together = threading.Barrier(4)
        storage = open_one(settings, Path("unused"), 30 * GB)
        key = await fill(storage, 20 * MIB)
        assert await storage.size(key) == 20 * MIB


async def test_a_version_of_too_many_parts_is_refused_and_leaves_nothing(
    s3: S3Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = s3.settings()
    storage = s3.storage(settings)
    monkeypatch.setattr(objects, "_PARTS", 2)
    await fill(storage, 10 * MIB)
    with pytest.raises(StorageUnavailable, match="takes no version of that size"):
        await fill(storage, 10 * MIB + 1)
    assert len(await keys(storage)) == 1
    assert s3.uploads(settings.prefix) == []


@pytest.mark.parametrize("size", [100, 12 * MIB])
async def test_an_answer_that_got_lost_is_no_failure(tmp_path: Path, size: int) -> None:
    """The store has the object, and says so in its own way when it is asked again."""
    with stand_in_google() as cloud:
        settings = GoogleStorage("CLOUD", BUCKET, endpoint=cloud.url, keyfilepath=open_key_file(tmp_path))
        storage = open_one(settings, Path("unused"), 30 * GB)
        cloud.kept.answers_to_lose = 1
        key = await fill(storage, size)
        assert cloud.kept.answers_to_lose == 0
        assert await get(storage, key) == bytes(size)


async def test_a_store_that_is_busy_for_a_moment_is_asked_again(tmp_path: Path) -> None:
    """Whatever is asked, also in the middle of an upload, part by part."""
    with stand_in_google() as cloud:
        settings = GoogleStorage("CLOUD", BUCKET, endpoint=cloud.url, keyfilepath=open_key_file(tmp_path))
        storage = open_one(settings, Path("unused"), 30 * GB)
        content = random.Random(3).randbytes(12 * MIB)
        async with storage.draft() as draft:
            for start in range(0, len(content), MIB):
                cloud.kept.busy += 1
                await draft.write(content[start : start + MIB])
            await draft.finish()
        for start in (0, 5 * MIB):
            cloud.kept.busy = 2
            assert await get(storage, draft.key, start) == content[start:]
            assert cloud.kept.busy == 0
        cloud.kept.busy = 2
        assert await keys(storage) == {draft.key}


@pytest.mark.parametrize("endpoint", ["", "https://bucket.vpce-1.s3.eu-central-1.vpce.amazonaws.com"])
def test_amazon_is_known_by_its_name(endpoint: str) -> None:
    """Behind an endpoint of one's own network too."""
    assert buckets._is_amazon(endpoint)
    assert not buckets._is_amazon("https://amazonaws.com.example.org")


@pytest.mark.parametrize("amazon", [True, False])
async def test_amazon_alone_is_told_the_digest_of_every_part(monkeypatch: pytest.MonkeyPatch, amazon: bool) -> None:
    """It demands that for buckets with a lock; others refuse headers they do not know."""
    monkeypatch.setattr(buckets, "_is_amazon", lambda _endpoint: amazon)
    with stand_in_google() as cloud:  # speaks the same protocol
        settings = S3Storage("CLOUD", BUCKET, endpoint=cloud.url, credentials_key=KEY, credentials_secret=SECRET)
        storage = open_one(settings, Path("unused"), 30 * GB)
        await put(storage, b"abc")
        await fill(storage, 5 * MIB)
        sent = [headers for headers in cloud.kept.headers if int(headers.get("content-length", "0")) in {3, 5 * MIB}]
    digests = [hashlib.sha256(content).digest() for content in (b"abc", bytes(5 * MIB))]
    expected = [base64.b64encode(digest).decode() if amazon else None for digest in digests]
    assert [headers.get("x-amz-checksum-sha256") for headers in sent] == expected


async def test_a_store_without_conditions_is_asked_for_none_after_the_first(tmp_path: Path) -> None:
    with stand_in_google() as cloud:
        settings = GoogleStorage("CLOUD", BUCKET, endpoint=cloud.url, keyfilepath=open_key_file(tmp_path))
        storage = open_one(settings, Path("unused"), 30 * GB)
        key = await put(storage, b"with")
        cloud.kept.knows_conditions = False
        first, other = await put(storage, b"first"), await put(storage, b"other")
        assert [await get(storage, one) for one in (key, first, other)] == [b"with", b"first", b"other"]
        asked = [
            "x-goog-if-generation-match" in headers for headers in cloud.kept.headers if "content-length" in headers
        ]
        assert asked.count(False) == 2
        assert asked[0]
        assert not asked[-1]


async def test_an_upload_in_parts_that_the_store_forgot_is_an_outage(tmp_path: Path) -> None:
    """Not a missing blob: nothing was registered yet."""
    with stand_in_google() as cloud:
        settings = GoogleStorage("CLOUD", BUCKET, endpoint=cloud.url, keyfilepath=open_key_file(tmp_path))
        storage = open_one(settings, Path("unused"), 30 * GB)
        async with storage.draft() as draft:
            for _ in range(12):
                await draft.write(bytes(MIB))
            while not cloud.kept.parts:
                await draft.write(b"")
            cloud.kept.parts.clear()
            with pytest.raises(StorageUnavailable):
                await draft.finish()
        assert await keys(storage) == set()


async def test_a_bucket_that_is_not_there_is_told(s3: S3Bucket) -> None:
    settings = replace(s3.settings(), bucket="nothing-here")
    storage = s3.storage(settings)
    for job in jobs(storage):
        with pytest.raises(StorageUnavailable, match="no such bucket"):
            await job()


async def test_wrong_credentials_are_told_without_them(strict: S3Bucket, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    settings = replace(strict.settings(), credentials_secret="wrong-and-secret")
    storage = strict.storage(settings)
    for job in jobs(storage):
        with pytest.raises(StorageRefused) as refused:
            await job()
        assert refused.value.code == 42001
        told = f"{refused.value!r} {refused.value.__cause__} {caplog.text}"
        assert "wrong-and-secret" not in told


async def test_a_store_that_is_away_is_told_soon() -> None:
    bucket = S3Bucket(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(StorageUnavailable, match=r"^The object store is unavailable$"):
        await bucket.storage().size("0" * 32)


@pytest.mark.parametrize("name", ["aws", "azure", "gcloud"])
async def test_the_environment_adds_nothing_to_given_credentials(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session token that belongs to other keys would spoil the signature."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-somebody-else")
    monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", "sig=of-somebody-else")
    monkeypatch.setenv("AZURE_STORAGE_TOKEN", "of-somebody-else")
    with stand_in_google() as cloud, stand_in_azure() as azure:
        settings: dict[str, Any] = {
            "aws": S3Storage("CLOUD", BUCKET, endpoint=cloud.url, credentials_key=KEY, credentials_secret=SECRET),
            "azure": AzureStorage("CLOUD", "account", BUCKET, key="a2V5", endpoint=f"{azure.url}/account"),
            "gcloud": GoogleStorage("CLOUD", BUCKET, endpoint=cloud.url, keyfilepath=open_key_file(tmp_path)),
        }
        storage = open_one(settings[name], Path("unused"), 0)
        assert await keys(storage) == set()
        (sent,) = cloud.kept.headers + azure.kept.headers
    assert "of-somebody-else" not in str(sent)
    expected = {"aws": f"Credential={KEY}/", "azure": "SharedKey account:", "gcloud": ""}
    assert expected[name] in sent.get("authorization", "")


async def test_without_credentials_the_providers_own_chain_is_asked(
    s3: S3Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(s3.settings(), credentials_key="", credentials_secret="")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    storage = s3.storage(settings)
    assert await get(storage, await put(storage, b"content")) == b"content"


def test_a_key_that_is_none_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("secret words")
    wrong: dict[str, Any] = {
        "FS_CLOUD_KEY": AzureStorage("CLOUD", "account", BUCKET, key="no base64"),
        "FS_CLOUD_KEYFILEPATH": GoogleStorage("CLOUD", BUCKET, keyfilepath=tmp_path / "missing.json"),
    }
    for variable, settings in wrong.items():
        with pytest.raises(ConfigurationError) as refused:
            open_storage(Config(fs_rw=settings, fs_ro=settings), tmp_path)
        assert refused.value.variable == variable
        assert "no base64" not in str(refused.value)
    settings = GoogleStorage("CLOUD", BUCKET, keyfilepath=tmp_path / "broken.json")
    with pytest.raises(ConfigurationError) as refused:
        open_storage(Config(fs_rw=settings, fs_ro=settings), tmp_path)
    assert "secret words" not in str(refused.value)


LOCAL = """
import sys
from pathlib import Path
from backup_repository.config.model import Config
from backup_repository.storage.open import open_storage
open_storage(Config(), Path("unused"))
print([name for name in sys.modules if name.startswith(("obstore", "backup_repository.storage.drivers.objects"))])
"""


def test_a_local_storage_does_not_pay_for_object_stores(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", LOCAL], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_secrets_stay_out_of_what_is_shown(s3: S3Bucket) -> None:
    bucket: Bucket = s3
    settings = bucket.settings()
    assert SECRET not in repr(settings)
    assert SECRET not in repr(vars(bucket.storage(settings)))

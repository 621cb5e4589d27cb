"""Uploads in parts that dead processes left behind."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from world.buckets import BUCKET, S3Bucket, moto, rclone
from world.clouds import stand_in_google
from world.ports import free_port

from backup_repository.config.model import S3Storage
from backup_repository.errors import StorageUnavailable
from backup_repository.storage.base import new_key
from backup_repository.storage.multiparts import Multiparts

HOUR = 3600
MIB = 1 << 20


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Bucket]:
    with moto(tmp_path_factory.mktemp("moto")) as bucket:
        yield bucket


def begin(s3: S3Bucket, key: str, parts: int = 0) -> str:
    """Begin an upload, as a process does before it dies; return its id."""
    with s3.client() as client:
        upload: str = client.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
        for number in range(1, parts + 1):
            client.upload_part(Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=number, Body=bytes(5 * MIB))
    return upload


def hours_later(settings: S3Storage, hours: float) -> Multiparts:
    return Multiparts(settings, lambda: time.time() + hours * HOUR)


async def test_dead_uploads_are_aborted_after_a_day(s3: S3Bucket) -> None:
    settings = s3.settings()
    begun = [f"{settings.prefix}/{new_key()}" for _ in range(3)]
    for key in begun:
        begin(s3, key, 2)
    assert await hours_later(settings, 23).clear(0) == 0
    assert sorted(s3.uploads(settings.prefix)) == sorted(begun)
    assert await hours_later(settings, 25).clear(0) == 3
    assert s3.uploads(settings.prefix) == []
    assert await hours_later(settings, 25).clear(0) == 0


async def test_a_larger_age_is_kept_to(s3: S3Bucket) -> None:
    settings = s3.settings()
    begin(s3, f"{settings.prefix}/{new_key()}", 1)
    assert await hours_later(settings, 47).clear(48 * HOUR) == 0
    assert await hours_later(settings, 49).clear(48 * HOUR) == 1


async def test_what_is_not_ours_is_left_alone(s3: S3Bucket) -> None:
    """Other prefixes, folders below ours, other names; and so it is without any prefix."""
    settings = s3.settings()
    others = [f"{settings.prefix}x/{new_key()}", f"{settings.prefix}/sub/{new_key()}", f"{settings.prefix}/notes.txt"]
    for key in others:
        begin(s3, key)
    bare = begin(s3, new_key())
    assert bare
    assert await hours_later(settings, 25).clear(0) == 0
    assert await hours_later(replace(settings, prefix=""), 25).clear(0) == 1
    assert sorted(s3.uploads(settings.prefix)) == sorted(others)


async def test_an_upload_that_goes_on_is_left_alone_however_long_it_takes() -> None:
    """It began days ago; what counts is its last part, or its begin as long as it has none."""
    with stand_in_google() as cloud:
        settings = replace(S3Bucket(cloud.url).settings(), prefix="")
        days_ago = {"alive": (5, 0.5), "dead": (5, 4), "empty": (5, None), "new": (0.5, None)}
        for name, (begun, last_part) in days_ago.items():
            cloud.kept.parts[name] = {}
            cloud.kept.begun[name] = (f"/{BUCKET}/{new_key()}", datetime.now(UTC) - timedelta(days=begun))
            if last_part is not None:
                cloud.kept.part_times[name] = datetime.now(UTC) - timedelta(days=last_part)
        assert await Multiparts(settings).clear(0) == 2
        assert set(cloud.kept.parts) == {"alive", "new"}


async def test_uploads_on_all_pages_are_found() -> None:
    with stand_in_google() as cloud:
        settings = S3Bucket(cloud.url).settings()
        for number in range(7):
            cloud.kept.parts[f"{number}"] = {}
            place = f"/{BUCKET}/{settings.prefix}/{new_key()}"
            cloud.kept.begun[f"{number}"] = (place, datetime.now(UTC) - timedelta(days=2))
        assert await Multiparts(settings).clear(0) == 7
        assert cloud.kept.parts == {}


@pytest.mark.parametrize("reason", ["no credentials", "wrong credentials"])
async def test_where_uploads_cannot_be_listed_the_log_says_so_once(
    reason: str, tmp_path_factory: pytest.TempPathFactory, caplog: pytest.LogCaptureFixture
) -> None:
    with rclone(tmp_path_factory.mktemp("rclone")) as bucket:
        settings = bucket.settings()
        right = Multiparts(settings)
        assert await right.clear(0) == 0
        assert caplog.messages == []
        changes = {"credentials_secret": "wrong"} if reason == "wrong credentials" else {"credentials_key": ""}
        reaper = Multiparts(replace(settings, **changes))
        with caplog.at_level(logging.WARNING):
            assert await reaper.clear(0) == 0
            assert await reaper.clear(0) == 0
    (told,) = caplog.messages
    assert "lifecycle rule" in told
    assert settings.credentials_secret not in told


async def test_a_store_that_is_away_is_told() -> None:
    settings = S3Bucket(f"http://127.0.0.1:{free_port()}").settings()
    with pytest.raises(StorageUnavailable):
        await Multiparts(settings).clear(0)

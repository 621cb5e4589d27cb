"""Object stores: the contract against real servers of the S3 protocol, Azure's emulator, and stand-ins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from world.buckets import AZURITE, BUCKET, Bucket, S3Bucket, azure, azurite, google, moto, rclone

from backup_repository.storage import buckets
from backup_repository.storage.base import Draft, Storage
from backup_repository.storage.contract import StorageContract
from backup_repository.storage.drivers import objects

MIB = 1 << 20


@contextmanager
def amazon(directory: Path) -> Iterator[S3Bucket]:
    """Run moto's server with a versioned bucket, and take it for Amazon's, which is sent digests of all bytes."""
    with moto(directory, smallest_part=MIB) as bucket, pytest.MonkeyPatch.context() as patched:
        patched.setattr(buckets, "_is_amazon", lambda _endpoint: True)
        with bucket.client() as client:
            client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield bucket


STORES: dict[str, Callable[[Path], AbstractContextManager[Bucket]]] = {
    "moto": partial(moto, smallest_part=MIB),
    "versioned": amazon,
    "rclone": rclone,
    "azure": azure,
    "google": google,
}
if AZURITE is not None:  # nothing that set-up could install; the stand-in is always tested
    STORES["azurite"] = azurite


@pytest.fixture(scope="module", params=list(STORES))
def bucket(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    with STORES[request.param](tmp_path_factory.mktemp("bucket")) as running:
        yield running


class TestObjectStorage(StorageContract):
    """What the contract stores fits into one part."""

    @pytest.fixture
    def settings(self, bucket: Bucket) -> Any:
        return bucket.settings()

    @pytest.fixture
    def storage(self, bucket: Bucket, settings: Any) -> Storage:
        return bucket.storage(settings)

    @pytest.fixture(autouse=True)
    def _look_closer(self, bucket: Bucket, settings: Any) -> None:
        self.bucket, self.settings_used = bucket, settings

    async def nothing_is_left(self, storage: Storage, draft: Draft) -> None:
        await super().nothing_is_left(storage, draft)
        if isinstance(self.bucket, S3Bucket):
            assert self.bucket.uploads(self.settings_used.prefix) == []


class TestObjectStorageInParts(TestObjectStorage):
    """Parts are smaller than what the contract stores, as stores on loopback allow."""

    @pytest.fixture
    def storage(self, bucket: Bucket, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Storage:
        monkeypatch.setattr(objects, "PART", MIB)
        return bucket.storage(settings, largest=1)

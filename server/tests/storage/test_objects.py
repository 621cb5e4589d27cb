"""Object stores: the contract against real protocol servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from world.buckets import Bucket, moto, rclone

from backup_repository.storage.base import Storage
from backup_repository.storage.contract import StorageContract
from backup_repository.storage.drivers.objects import ObjectStorage


@pytest.fixture(scope="module", params=[moto, rclone], ids=["moto", "rclone"])
def bucket(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    with request.param(tmp_path_factory.mktemp("bucket")) as running:
        yield running


class TestObjectStorage(StorageContract):
    @pytest.fixture
    def storage(self, bucket: Bucket) -> Storage:
        return ObjectStorage(bucket.store(), 5 << 20)

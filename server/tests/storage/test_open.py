"""Settings lead to the right driver."""

from __future__ import annotations

from pathlib import Path

import pytest

from backup_repository.config.model import Config, LocalStorage, S3Storage
from backup_repository.errors import ConfigurationError, StorageUnavailable
from backup_repository.storage.contract import get, put
from backup_repository.storage.drivers.filesystem import FilesystemStorage
from backup_repository.storage.open import open_storage
from backup_repository.storage.wrappers.fallback import FallbackStorage


def local(name: str, directory: Path) -> LocalStorage:
    directory.mkdir(exist_ok=True)
    return LocalStorage(name, directory)


async def test_one_local_storage(tmp_path: Path) -> None:
    settings = local("LOCAL", tmp_path / "blobs")
    storage = open_storage(Config(fs_rw=settings, fs_ro=settings), tmp_path / "staging")
    assert isinstance(storage, FilesystemStorage)
    key = await put(storage, b"content")
    assert (tmp_path / "blobs" / key[:2] / key).read_bytes() == b"content"


async def test_two_local_storages_write_to_one_and_read_from_both(tmp_path: Path) -> None:
    config = Config(fs_rw=local("MAIN", tmp_path / "main"), fs_ro=local("NEAR", tmp_path / "near"))
    storage = open_storage(config, tmp_path / "staging")
    assert isinstance(storage, FallbackStorage)
    key = await put(storage, b"content")
    assert (tmp_path / "main" / key[:2] / key).exists()
    assert await get(storage, key) == b"content"


async def test_a_storage_out_of_reach_is_opened_and_tells_when_it_is_used(tmp_path: Path) -> None:
    settings = LocalStorage("LOCAL", tmp_path / "missing")
    storage = open_storage(Config(fs_rw=settings, fs_ro=settings), tmp_path / "staging")
    with pytest.raises(StorageUnavailable):
        await storage.probe(write=False)


def test_an_adapter_without_a_driver_stops_the_start(tmp_path: Path) -> None:
    settings = S3Storage("CLOUD", bucket="backups", credentials_secret="hidden")
    with pytest.raises(ConfigurationError) as refused:
        open_storage(Config(fs_rw=settings, fs_ro=settings), tmp_path / "staging")
    assert refused.value.variable == "FS_CLOUD_ADAPTER"
    assert "hidden" not in str(refused.value)

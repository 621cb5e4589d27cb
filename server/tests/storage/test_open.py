"""Settings lead to the right driver."""

from __future__ import annotations

from pathlib import Path

import pytest
from world.buckets import open_key_file
from world.clouds import stand_in_google

from backup_repository.config.model import (
    AzureStorage,
    Config,
    GoogleStorage,
    LocalStorage,
    S3Storage,
    StorageSettings,
)
from backup_repository.errors import StorageUnavailable
from backup_repository.storage.contract import get, put
from backup_repository.storage.drivers.filesystem import FilesystemStorage
from backup_repository.storage.open import open_storage
from backup_repository.storage.wrappers.fallback import FallbackStorage
from backup_repository.storage.wrappers.retrying import RetryingStorage


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


@pytest.mark.parametrize(
    "settings",
    [
        S3Storage("CLOUD", bucket="backups", credentials_key="key", credentials_secret="hidden"),
        S3Storage("CLOUD", bucket="with.dots"),
        GoogleStorage("CLOUD", bucket="backups"),
        AzureStorage("CLOUD", account="account", container="backups", key="aGlkZGVu"),
        AzureStorage("CLOUD", account="account", container="backups"),
    ],
    ids=["aws", "aws, chain", "gcloud", "azure", "azure, identity"],
)
def test_object_stores_open_without_being_asked_anything(settings: StorageSettings, tmp_path: Path) -> None:
    """They need not be there yet."""
    assert isinstance(open_storage(Config(fs_rw=settings, fs_ro=settings), tmp_path), RetryingStorage)


async def test_writing_to_one_kind_and_reading_from_another(tmp_path: Path) -> None:
    with stand_in_google() as cloud:
        stored = GoogleStorage("CLOUD", "backups", endpoint=cloud.url, keyfilepath=open_key_file(tmp_path))
        old = local("LOCAL", tmp_path / "blobs")
        before = await put(open_storage(Config(fs_rw=old, fs_ro=old), tmp_path / "staging"), b"before")
        storage = open_storage(Config(fs_rw=stored, fs_ro=old), tmp_path / "staging")
        after = await put(storage, b"after")
        assert (await get(storage, before), await get(storage, after)) == (b"before", b"after")
        assert list(cloud.kept.objects) == [f"/backups/{after}"]

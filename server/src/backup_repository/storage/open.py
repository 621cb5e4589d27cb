"""From the settings of a storage to its driver: one explicit table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from backup_repository.config.model import (
    AzureStorage,
    Config,
    GoogleStorage,
    LocalStorage,
    S3Storage,
    StorageSettings,
)
from backup_repository.storage.base import Storage
from backup_repository.storage.drivers.filesystem import FilesystemStorage
from backup_repository.storage.wrappers.fallback import FallbackStorage
from backup_repository.storage.wrappers.retrying import RetryingStorage

_Driver = Callable[[Any, Path, int], Storage]


def _local(settings: LocalStorage, staging: Path, _largest: int) -> Storage:
    return FilesystemStorage(settings.directory, staging)


def _in_a_bucket(settings: S3Storage | GoogleStorage | AzureStorage, _staging: Path, largest: int) -> Storage:
    from backup_repository.storage import buckets  # noqa: PLC0415 - memory and time that a local storage saves

    match settings:
        case S3Storage():
            storage = buckets.amazon(settings, largest)
        case GoogleStorage():
            storage = buckets.google(settings, largest)
        case AzureStorage():
            storage = buckets.azure(settings, largest)
    return RetryingStorage(storage)


_DRIVERS: Mapping[type, _Driver] = {
    LocalStorage: _local,
    S3Storage: _in_a_bucket,
    GoogleStorage: _in_a_bucket,
    AzureStorage: _in_a_bucket,
}


def open_storage(config: Config, staging: Path) -> Storage:
    """Return the storage of an instance; whether it can be reached shows when it is used (contract B 1.3).

    Args:
        config: names the storage that is written and the one that is read.
        staging: this process's own directory from `own_staging`.

    Raises:
        ConfigurationError: a key or key file cannot be used.
    """
    written = open_one(config.fs_rw, staging, config.backup_one_version_max_size)
    if config.fs_ro.name == config.fs_rw.name:
        return written
    return FallbackStorage(open_one(config.fs_ro, staging, config.backup_one_version_max_size), written)


def open_one(settings: StorageSettings, staging: Path, largest: int) -> Storage:
    """Return one storage, for versions of so many bytes at the most (0: no maximum).

    Raises:
        ConfigurationError: a key or key file cannot be used.
    """
    return _DRIVERS[type(settings)](settings, staging, largest)

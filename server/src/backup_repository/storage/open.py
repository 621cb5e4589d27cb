"""From the settings of a storage to its driver: one explicit table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from backup_repository.config.model import Config, LocalStorage, StorageSettings
from backup_repository.errors import ConfigurationError
from backup_repository.storage.base import Storage
from backup_repository.storage.drivers.filesystem import FilesystemStorage
from backup_repository.storage.wrappers.fallback import FallbackStorage


def _local(settings: LocalStorage, staging: Path) -> Storage:
    return FilesystemStorage(settings.directory, staging)


_DRIVERS: Mapping[type, Callable[[Any, Path], Storage]] = {LocalStorage: _local}


def open_storage(config: Config, staging: Path) -> Storage:
    """Return the storage of an instance; whether it can be reached shows when it is used (contract B 1.3).

    Args:
        config: names the storage that is written and the one that is read.
        staging: this process's own directory from `own_staging`.

    Raises:
        ConfigurationError: this build has no driver for an adapter.
    """
    written = _open(config.fs_rw, staging)
    if config.fs_ro.name == config.fs_rw.name:
        return written
    return FallbackStorage(_open(config.fs_ro, staging), written)


def _open(settings: StorageSettings, staging: Path) -> Storage:
    driver = _DRIVERS.get(type(settings))
    if driver is None:
        raise ConfigurationError(f"FS_{settings.name}_ADAPTER", "this adapter has no driver; accepted: local")
    return driver(settings, staging)

"""Storages on a directory of the test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.register_assert_rewrite("backup_repository.storage.contract")

from backup_repository.storage.drivers.filesystem import FilesystemStorage  # noqa: E402 - after the line above


@dataclass(frozen=True, slots=True)
class Disk:
    """The directories of a filesystem storage."""

    directory: Path
    staging: Path

    def open(self) -> FilesystemStorage:
        return FilesystemStorage(self.directory, self.staging)

    def files(self) -> list[Path]:
        """Give every file of both directories."""
        return sorted(file for place in (self.directory, self.staging) for file in place.rglob("*") if not file.is_dir())

    def file(self, key: str) -> Path:
        return self.directory / key[:2] / key


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    found = Disk(tmp_path / "blobs", tmp_path / "staging")
    found.directory.mkdir()
    return found

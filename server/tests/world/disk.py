"""A filesystem storage on two directories of a test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from backup_repository.storage.drivers.filesystem import FilesystemStorage


@dataclass(frozen=True, slots=True)
class Disk:
    """The directories of a filesystem storage."""

    directory: Path
    staging: Path

    def open(self) -> FilesystemStorage:
        """Open the storage, as another process would."""
        return FilesystemStorage(self.directory, self.staging)

    def files(self) -> list[Path]:
        """Give every file of both directories."""
        return sorted(
            file for place in (self.directory, self.staging) for file in place.rglob("*") if not file.is_dir()
        )

    def file(self, key: str) -> Path:
        """Say where the blob of a key lies."""
        return self.directory / key[:2] / key

"""A version: one stored upload inside a collection, whole and unchanging (contract 6.1, 8.1)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Version:
    """One stored upload."""

    id: str
    """UUID, lower case."""
    file_id: int
    """The number that FILE shows."""
    collection_id: str
    number: int
    """1, 2, 3, ... within the collection; never used twice."""
    filename: str
    """Unique on the server: 10 random hex digits, then the collection's file name with `-v<N>`."""
    blob_key: str
    size: int
    """Bytes."""
    sha256: str
    """64 lower-case hex digits."""
    tags: tuple[str, ...]
    created_at: datetime

    @property
    def download_name(self) -> str:
        """The file name without its random prefix (contract 8.7)."""
        return self.filename[_PREFIX_DIGITS:]


_PREFIX_DIGITS = 10


def version_filename(filename: str, number: int) -> str:
    """Name a version (contract 8.1): `db.tar.gz`, 1 → `0123456789db.tar-v1.gz` with random leading digits."""
    stem, dot, extension = filename.rpartition(".")
    prefix = secrets.token_hex(_PREFIX_DIGITS // 2)
    if not stem or not extension:
        return f"{prefix}{filename}-v{number}"
    return f"{prefix}{stem}-v{number}{dot}{extension}"

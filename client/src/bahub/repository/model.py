"""What the server tells about collections and versions (the HTTP contract, 6.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_RANDOM_PREFIX = 10
"""Hex digits in front of a stored file's name."""


@dataclass(frozen=True, slots=True)
class Collection:
    """Where versions go."""

    id: str
    filename: str

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Collection:
        """Read one.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        return cls(id=str(document["id"]), filename=str(document["filename"]))


@dataclass(frozen=True, slots=True)
class Version:
    """One stored upload."""

    number: int
    """Counted by the collection; never used twice."""
    id: str
    checksum: str
    """SHA-256 of the stored bytes, lower-case hex."""
    size: int
    """Bytes."""
    created_at: str
    """ISO 8601, UTC."""
    filename: str
    """As stored: ten random digits, then the collection's file name with the number."""

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Version:
        """Read one.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        return cls(
            number=int(document["version"]),
            id=str(document["id"]),
            checksum=str(document["checksum"]["value"]).lower(),
            size=int(document["file"]["filesize_bytes"]),
            created_at=str(document["creation_date"]),
            filename=str(document["file"]["filename"]),
        )

    @property
    def plain_filename(self) -> str:
        """The file name as a download calls it."""
        return self.filename[_RANDOM_PREFIX:]


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A version that the server has confirmed."""

    number: int
    id: str
    filename: str
    """The collection's."""
    checksum: str
    """SHA-256 of the bytes sent, equal to the server's."""
    size: int
    """Bytes sent."""

"""A collection: one thing backed up again and again, with its limits (contract section 6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Strategy(StrEnum):
    """What happens when a collection is full (contract 6.4), in the contract's order."""

    DELETE_OLDEST = "delete_oldest_when_adding_new"
    ALERT = "alert_when_too_many_versions"


@dataclass(frozen=True, slots=True)
class Limits:
    """The three dimensions in which a collection is limited; 0 means unlimited in each (contract 6.2)."""

    max_backups_count: int
    max_one_version_size: int
    """Bytes."""
    max_collection_size: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection with its maintained counts. In every limit 0 means unlimited."""

    id: str
    """UUID, lower case."""
    filename: str
    """What downloaded versions are called, before `-v<N>` is put in."""
    description: str
    strategy: Strategy
    max_backups_count: int
    max_one_version_size: int
    """Bytes."""
    max_collection_size: int
    """Bytes."""
    created_at: datetime
    last_number: int
    """The highest version number ever taken; never goes back."""
    versions_count: int
    used_space: int
    """Bytes of all stored versions."""

    @property
    def limits(self) -> Limits:
        """The limits as one value, for comparing."""
        return Limits(self.max_backups_count, self.max_one_version_size, self.max_collection_size)

"""Collections and stored versions as plain values, for the rules that need no database."""

from __future__ import annotations

from datetime import UTC, datetime

from backup_repository.collections.model import Collection, Strategy
from backup_repository.versions.plan import StoredVersion

OLDEST = Strategy.DELETE_OLDEST
ALERT = Strategy.ALERT


def make_collection(
    count: int = 0,
    one: int = 0,
    whole: int = 0,
    *,
    strategy: Strategy = OLDEST,
    filename: str = "db.tar.gz",
    versions_count: int = 0,
    used_space: int = 0,
) -> Collection:
    """A collection with at most `count` versions, `one` bytes each, `whole` bytes together; 0 is unlimited."""
    return Collection(
        id="c011ec00-0000-4000-8000-000000000001",
        filename=filename,
        description="",
        strategy=strategy,
        max_backups_count=count,
        max_one_version_size=one,
        max_collection_size=whole,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        last_number=versions_count,
        versions_count=versions_count,
        used_space=used_space,
    )


def make_stored(number: int, size: int) -> StoredVersion:
    """A stored version."""
    return StoredVersion(f"00000000-0000-4000-8000-{number:012d}", number, size)

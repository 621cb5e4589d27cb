"""The SQL of what is watched. Never commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from backup_repository.database.engine import Transaction
from backup_repository.database.tables import collections


@dataclass(frozen=True, slots=True)
class Watched:
    """What somebody who watches a collection wants to know."""

    id: str
    filename: str
    newest_at: datetime | None
    """When its newest version was stored; None: it is empty."""
    used_space: int
    """Bytes."""
    versions: int


async def longest_without_success(tx: Transaction, limit: int) -> tuple[Watched, ...]:
    """Return the collections that have waited longest for a version, since the last one or since they were created."""
    columns = collections.c
    query = (
        select(columns.id, columns.filename, columns.newest_at, columns.used_space, columns.versions_count)
        .order_by(func.coalesce(columns.newest_at, columns.created_at), columns.id)
        .limit(limit)
    )
    return tuple(
        Watched(row.id, row.filename, row.newest_at, row.used_space, row.versions_count)
        for row in await tx.execute(query)
    )

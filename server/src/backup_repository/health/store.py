"""The SQL of what is watched, across collections: how fresh they are, what came in by day. Only reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from sqlalchemy import and_, func, select

from backup_repository.collections.model import Collection
from backup_repository.collections.store import from_row
from backup_repository.database.engine import Transaction
from backup_repository.database.tables import audit, collections, grants, versions


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


async def with_last_moments(
    tx: Transaction, *, member: str | None, after: str, limit: int, last: int
) -> list[tuple[Collection, list[datetime]]]:
    """Return collections in the order of their ids, each with the moments of its last versions, in one round trip.

    Args:
        tx: a transaction.
        member: only collections this account is a member of; None: all.
        after: the id after which to begin.
        limit: how many collections.
        last: look at versions with so many of the highest numbers, some of which may be deleted.
    """
    wanted = select(collections).where(collections.c.id > after).order_by(collections.c.id).limit(limit)
    if member is not None:
        wanted = wanted.join(grants, grants.c.collection_id == collections.c.id).where(grants.c.user_id == member)
    some = wanted.subquery()
    ours = and_(versions.c.collection_id == some.c.id, versions.c.number > some.c.last_number - last)
    query = select(some, versions.c.created_at.label("stored_at")).outerjoin(versions, ours).order_by(some.c.id)
    found: list[tuple[Collection, list[datetime]]] = []
    for row in await tx.execute(query):
        if not found or found[-1][0].id != row.id:
            found.append((from_row(row), []))
        if row.stored_at is not None:
            found[-1][1].append(row.stored_at)
    return found


async def uploads_between(tx: Transaction, bounds: Sequence[datetime]) -> list[int]:
    """Count the uploads between each two following moments, also of versions that are gone, in one round trip."""
    counts = [
        select(func.count())
        .where(audit.c.event == "version.uploaded", audit.c.at >= begin, audit.c.at < end)
        .scalar_subquery()
        for begin, end in pairwise(bounds)
    ]
    return [int(count) for count in (await tx.execute(select(*counts))).one()]


async def stored_between(tx: Transaction, bounds: Sequence[datetime]) -> list[int]:
    """Add up the bytes of the stored versions that came between each two following moments, in one round trip."""
    sums = [
        select(func.coalesce(func.sum(versions.c.size), 0))
        .where(versions.c.created_at >= begin, versions.c.created_at < end)
        .scalar_subquery()
        for begin, end in pairwise(bounds)
    ]
    return [int(total) for total in (await tx.execute(select(*sums))).one()]


async def names(tx: Transaction, ids: Sequence[str]) -> dict[str, str]:
    """Return the file names of collections by their ids."""
    query = select(collections.c.id, collections.c.filename).where(collections.c.id.in_(ids))
    return {row.id: row.filename for row in await tx.execute(query)}

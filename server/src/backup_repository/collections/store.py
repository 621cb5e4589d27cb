"""The SQL of collections. Never commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from backup_repository.collections.model import Collection, Strategy
from backup_repository.database.engine import Transaction
from backup_repository.database.folding import contains, searchable
from backup_repository.database.tables import collections, grants, versions


class CollectionTaken(Exception):
    """The id belongs to another collection."""


@dataclass(frozen=True, slots=True)
class Search:
    """What a listing looks for (contract 6.7)."""

    text: str = ""
    """Case-insensitive substring of id, description and file name."""
    created_from: datetime | None = None
    """First moment included."""
    created_to: datetime | None = None
    """Last moment included."""
    member: str | None = None
    """Only collections this account is a member of; None: all."""


async def add(tx: Transaction, collection: Collection) -> None:
    """Record a new collection.

    Raises:
        CollectionTaken: the id is taken; the transaction is then spoiled.
    """
    values = _details(collection) | {
        "id": collection.id,
        "created_at": collection.created_at,
        "last_number": collection.last_number,
        "versions_count": collection.versions_count,
        "used_space": collection.used_space,
    }
    try:
        await tx.execute(insert(collections).values(values))
    except IntegrityError as error:
        raise CollectionTaken from error


async def save_details(tx: Transaction, collection: Collection) -> None:
    """Replace what people edit: file name, description, strategy and limits."""
    await tx.execute(update(collections).where(collections.c.id == collection.id).values(_details(collection)))


async def save_counts(tx: Transaction, collection: Collection) -> None:
    """Replace what uploads and deletions change: the counter and the maintained counts."""
    await tx.execute(
        update(collections)
        .where(collections.c.id == collection.id)
        .values(
            last_number=collection.last_number,
            versions_count=collection.versions_count,
            used_space=collection.used_space,
        )
    )


async def remove(tx: Transaction, collection_id: str) -> None:
    """Forget an empty collection; its access entries go with it."""
    await tx.execute(delete(collections).where(collections.c.id == collection_id))


async def by_id(tx: Transaction, collection_id: str, *, lock: bool = False) -> Collection | None:
    """Find a collection; with lock nobody else changes it until the transaction ends."""
    query = select(collections).where(collections.c.id == collection_id)
    row = (await tx.execute(query.with_for_update() if lock else query)).one_or_none()
    return None if row is None else _collection(row)


async def largest_version(tx: Transaction, collection_id: str) -> int:
    """Return the bytes of the collection's largest version; 0 when it is empty."""
    query = select(func.coalesce(func.max(versions.c.size), 0)).where(versions.c.collection_id == collection_id)
    return int((await tx.execute(query)).scalar_one())


async def search(tx: Transaction, wanted: Search, *, offset: int, limit: int) -> tuple[tuple[Collection, ...], int]:
    """Return one page of the matching collections, newest first, and how many match in all."""
    conditions = _conditions(wanted)
    total = (await tx.execute(select(func.count()).select_from(collections).where(*conditions))).scalar_one()
    newest_first = (collections.c.created_at.desc(), collections.c.id.desc())
    query = select(collections).where(*conditions).order_by(*newest_first).offset(offset).limit(limit)
    return tuple(_collection(row) for row in await tx.execute(query)), total


@dataclass(frozen=True, slots=True)
class Totals:
    """Numbers of the whole server."""

    collections: int
    versions: int
    declared_space: int
    """Bytes; unlimited collections count 0."""
    used_space: int
    """Bytes."""


async def totals(tx: Transaction) -> Totals:
    """Add up every collection."""
    # In two halves, because a few limits near 2^63 would overflow SQLite's sum
    million = 1_000_000
    row = (
        await tx.execute(
            select(
                func.count(),
                func.coalesce(func.sum(collections.c.versions_count), 0),
                func.coalesce(func.sum(collections.c.max_collection_size // million), 0),
                func.coalesce(func.sum(collections.c.max_collection_size % million), 0),
                func.coalesce(func.sum(collections.c.used_space), 0),
            )
        )
    ).one()
    return Totals(
        collections=row[0],
        versions=int(row[1]),
        declared_space=int(row[2]) * million + int(row[3]),
        used_space=int(row[4]),
    )


def _conditions(wanted: Search) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.text:
        conditions.append(contains(collections.c.searched, wanted.text))
    if wanted.created_from is not None:
        conditions.append(collections.c.created_at >= wanted.created_from)
    if wanted.created_to is not None:
        conditions.append(collections.c.created_at <= wanted.created_to)
    if wanted.member is not None:
        memberships = select(grants.c.collection_id).where(grants.c.user_id == wanted.member)
        conditions.append(collections.c.id.in_(memberships))
    return conditions


def _details(collection: Collection) -> dict[str, object]:
    return {
        "filename": collection.filename,
        "description": collection.description,
        "strategy": collection.strategy.value,
        "max_backups_count": collection.max_backups_count,
        "max_one_version_size": collection.max_one_version_size,
        "max_collection_size": collection.max_collection_size,
        "searched": searchable(collection.id, collection.description, collection.filename),
    }


def _collection(row: Row[tuple[object, ...]]) -> Collection:
    return Collection(
        id=row.id,
        filename=row.filename,
        description=row.description,
        strategy=Strategy(row.strategy),
        max_backups_count=row.max_backups_count,
        max_one_version_size=row.max_one_version_size,
        max_collection_size=row.max_collection_size,
        created_at=row.created_at,
        last_number=row.last_number,
        versions_count=row.versions_count,
        used_space=row.used_space,
    )

"""The SQL of collections. Never commits."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from backup_repository.collections.due import LOOKED_AT, due_at
from backup_repository.collections.model import Collection, Strategy
from backup_repository.database.direct import Reader
from backup_repository.database.engine import Transaction
from backup_repository.database.folding import contains, searchable
from backup_repository.database.pages import page
from backup_repository.database.prepared import Prepared
from backup_repository.database.tables import collections, grants, versions
from backup_repository.database.tables import totals as totals_table

_MILLION = 1_000_000
_PARTS = 64
"""Collections of different parts do not wait for each other when their sums change."""
_ADD_UP = text("""
    INSERT INTO totals (part, collections, versions, used_space, declared_millions, declared_rest)
    VALUES (:part, :collections, :versions, :used_space, :declared_millions, :declared_rest)
    ON CONFLICT (part) DO UPDATE SET
        collections = totals.collections + excluded.collections,
        versions = totals.versions + excluded.versions,
        used_space = totals.used_space + excluded.used_space,
        declared_millions = totals.declared_millions + excluded.declared_millions,
        declared_rest = totals.declared_rest + excluded.declared_rest
""")

_LAST_MOMENTS = (
    select(versions.c.created_at)
    .where(versions.c.collection_id == bindparam("wanted"))
    .order_by(versions.c.number.desc())
    .limit(LOOKED_AT)
)
"""When the last versions of a collection were stored, the newest first."""
_ONE = select(collections).where(collections.c.id == bindparam("wanted"))
_BY_ID, _BY_ID_LOCKED = Prepared(_ONE), Prepared(_ONE.with_for_update())


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
    await _add_up(tx, None, collection)


async def save_details(tx: Transaction, before: Collection, after: Collection) -> None:
    """Replace what people edit: file name, description, strategy and limits. The caller holds the lock."""
    await tx.execute(update(collections).where(collections.c.id == after.id).values(_details(after)))
    await _add_up(tx, before, after)


async def save_counts(tx: Transaction, before: Collection, after: Collection) -> None:
    """Replace what uploads and deletions change, after the versions themselves. The caller holds the lock."""
    moments = (await tx.execute(_LAST_MOMENTS, {"wanted": after.id})).scalars().all()
    await tx.execute(
        update(collections)
        .where(collections.c.id == after.id)
        .values(
            last_number=after.last_number,
            versions_count=after.versions_count,
            used_space=after.used_space,
            newest_at=moments[0] if moments else None,
            due_at=due_at(moments),
        )
    )
    await _add_up(tx, before, after)


async def remove(tx: Transaction, collection: Collection) -> None:
    """Forget an empty collection; its access entries go with it. The caller holds the lock."""
    await tx.execute(delete(collections).where(collections.c.id == collection.id))
    await _add_up(tx, collection, None)


async def by_id(tx: Reader, collection_id: str, *, lock: bool = False) -> Collection | None:
    """Find a collection; with lock nobody else changes it until the transaction ends."""
    found = await tx.fetch(_BY_ID_LOCKED if lock else _BY_ID, wanted=collection_id)
    return from_row(found[0]) if found else None


async def largest_version(tx: Transaction, collection_id: str) -> int:
    """Return the bytes of the collection's largest version; 0 when it is empty."""
    query = select(func.coalesce(func.max(versions.c.size), 0)).where(versions.c.collection_id == collection_id)
    return int((await tx.execute(query)).scalar_one())


async def search(tx: Transaction, wanted: Search, *, offset: int, limit: int) -> tuple[tuple[Collection, ...], int]:
    """Return one page of the matching collections, newest first, and how many match in all."""
    conditions = _conditions(wanted)
    total = await _count(tx, wanted)
    order, span = (collections.c.created_at, collections.c.id), {"total": total, "offset": offset, "limit": limit}
    query = page(collections, collections.c.id, conditions, order, descending=True, **span)
    return tuple(from_row(row) for row in await tx.execute(query)), total


async def _count(tx: Transaction, wanted: Search) -> int:
    """Count the matching collections; without a condition on themselves none of them is looked at."""
    if wanted == Search():
        return (await totals(tx)).collections
    if wanted == Search(member=wanted.member):
        query = select(func.count()).select_from(grants).where(grants.c.user_id == wanted.member)
    else:
        query = select(func.count()).select_from(collections).where(*_conditions(wanted))
    return (await tx.execute(query)).scalar_one()


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
    """Return the sums over all collections, which are maintained in the transactions that change them."""
    columns = totals_table.c
    sums = [columns.collections, columns.versions, columns.used_space, columns.declared_millions, columns.declared_rest]
    row = (await tx.execute(select(*(func.coalesce(func.sum(column), 0) for column in sums)))).one()
    collections_count, versions_count, used_space, millions, rest = map(int, row)
    return Totals(
        collections=collections_count,
        versions=versions_count,
        declared_space=millions * _MILLION + rest,
        used_space=used_space,
    )


async def _add_up(tx: Transaction, before: Collection | None, after: Collection | None) -> None:
    """Bring the sums from one state of a collection to the next; None: it does not exist.

    A transaction waits for one part at the most, late, and whatever it waits for afterwards needs no part itself: so it
    is waited for shortly, and never in a circle.
    """
    old, new = _share(before), _share(after)
    change = {name: new[name] - old[name] for name in new}
    collection = after or before
    if collection is not None and any(change.values()):
        await tx.execute(_ADD_UP, {"part": zlib.crc32(collection.id.encode()) % _PARTS, **change})


def _share(collection: Collection | None) -> dict[str, int]:
    """Say what a collection contributes to the sums."""
    declared, rest = divmod(collection.max_collection_size, _MILLION) if collection else (0, 0)
    return {
        "collections": 1 if collection else 0,
        "versions": collection.versions_count if collection else 0,
        "used_space": collection.used_space if collection else 0,
        "declared_millions": declared,
        "declared_rest": rest,
    }


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


def from_row(row: Any) -> Collection:
    """Make a collection of a row with the columns of the table."""
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


async def every(tx: Transaction, wanted: Search) -> AsyncIterator[tuple[Collection, datetime | None]]:
    """Give the matching collections, newest first, row by row, each with the moment of its newest version, if any."""
    newest_first = (collections.c.created_at.desc(), collections.c.id.desc())
    query = select(collections).where(*_conditions(wanted)).order_by(*newest_first)
    async for row in tx.stream(query):
        yield from_row(row), row.newest_at

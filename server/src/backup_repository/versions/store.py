"""The SQL of versions and blobs. Never commits. Reads and writes of one collection's versions need an `Opened`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Row,
    Select,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.exc import IntegrityError

from backup_repository.access.door import Opened
from backup_repository.collections.store import totals
from backup_repository.database.direct import Reader
from backup_repository.database.engine import Transaction
from backup_repository.database.folding import contains_ascii
from backup_repository.database.pages import page
from backup_repository.database.prepared import Prepared
from backup_repository.database.tables import blobs, collections, grants, version_tags, versions
from backup_repository.versions.model import Version
from backup_repository.versions.plan import StoredVersion

_NEWEST_FIRST = (versions.c.created_at.desc(), versions.c.file_id.desc())
_BATCH = 1000
"""Ids in one statement; engines bound the number of parameters."""


_RARE = 1000
"""Up to so many versions that match a search are remembered by their ids."""


class BlobKnown(Exception):
    """The blob is registered already, or claimed by the sweep: whoever comes second must leave it."""


async def oldest(tx: Transaction, opened: Opened, count: int) -> tuple[StoredVersion, ...]:
    """Return what rotation needs to know of the versions with the lowest numbers, ascending."""
    if count == 0:
        return ()
    query = (
        select(versions.c.id, versions.c.number, versions.c.size)
        .where(versions.c.collection_id == opened.collection.id)
        .order_by(versions.c.number)
        .limit(count)
    )
    return tuple(StoredVersion(row.id, row.number, row.size) for row in await tx.execute(query))


async def number_of(tx: Transaction, opened: Opened, sha256: str) -> int | None:
    """Return the number of the collection's version with these bytes; None: there is none."""
    same = (versions.c.collection_id == opened.collection.id, versions.c.sha256 == sha256)
    return (await tx.execute(select(versions.c.number).where(*same))).scalar_one_or_none()


async def add(tx: Transaction, opened: Opened, version: Version) -> Version:
    """Register a version and its blob; returns it with its `file_id`.

    Raises:
        BlobKnown: the sweep was faster; the transaction is then spoiled.
    """
    await _add_blob(tx, version.blob_key, None)
    row = await tx.execute(
        insert(versions)
        .values(
            id=version.id,
            collection_id=opened.collection.id,
            number=version.number,
            filename=version.filename,
            blob_key=version.blob_key,
            size=version.size,
            sha256=version.sha256,
            created_at=version.created_at,
        )
        .returning(versions.c.file_id)
    )
    file_id: int = row.scalar_one()
    if version.tags:
        unique_tags = dict.fromkeys(version.tags)
        await tx.execute(
            insert(version_tags),
            [{"file_id": file_id, "tag": tag, "position": position} for position, tag in enumerate(unique_tags)],
        )
    return replace(version, file_id=file_id)


async def retire(tx: Transaction, opened: Opened, version_ids: Sequence[str], now: datetime) -> None:
    """Forget versions of the collection and leave their blobs to the sweep."""
    for start in range(0, len(version_ids), _BATCH):
        batch = version_ids[start : start + _BATCH]
        ours = (versions.c.collection_id == opened.collection.id, versions.c.id.in_(batch))
        keys = list((await tx.execute(select(versions.c.blob_key).where(*ours))).scalars())
        await tx.execute(delete(versions).where(*ours))
        await tx.execute(update(blobs).where(blobs.c.key.in_(keys)).values(retired_at=now))


_WANTED: BindParameter[str] = bindparam("wanted")
_OURS = select(versions).where(versions.c.collection_id == _WANTED)
_NUMBERS = _OURS.with_only_columns(versions.c.number).order_by(versions.c.number)
_FIRST = _NUMBERS.offset(bindparam("offset")).limit(1).scalar_subquery()
"""Versions before a page are passed over in the index of numbers."""


def _counted(some: Select[*tuple[Any, ...]]) -> Prepared:
    """Add how many versions the collection has, which is told even where some are none."""
    part = some.subquery()
    both = collections.outerjoin(part, part.c.collection_id == collections.c.id)
    query = select(collections.c.versions_count, part).select_from(both).where(collections.c.id == _WANTED)
    return Prepared(query.order_by(part.c.number))


_ALL = _counted(_OURS)
_PAGE = _counted(_OURS.where(versions.c.number >= _FIRST).order_by(versions.c.number).limit(bindparam("limit")))


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a collection's versions, ascending by number, without their tags."""

    versions: tuple[Version, ...]
    total: int
    """How many there are at that moment."""


async def listed(tx: Reader, opened: Opened, *, offset: int = 0, limit: int | None = None) -> Page:
    """Return the collection's versions, or one page of them; a collection that was deleted meanwhile has none."""
    wanted = opened.collection.id
    if limit is None:
        found = await tx.fetch(_ALL, wanted=wanted)
    else:
        found = await tx.fetch(_PAGE, wanted=wanted, offset=offset, limit=limit)
    listed = tuple(_version(row, ()) for row in found if row.file_id is not None)
    return Page(listed, found[0].versions_count if found else 0)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Some of a collection's versions, without their tags, each part ascending by number."""

    newest: tuple[Version, ...]
    page: tuple[Version, ...]
    oldest: tuple[Version, ...]


async def excerpt(tx: Transaction, opened: Opened, *, newest: int, skip: int, limit: int, oldest: int) -> Excerpt:
    """Return the newest versions, a page that begins behind the newest so many, and the oldest, in one round trip."""
    ours, number = versions.c.collection_id == opened.collection.id, versions.c.number
    # versions before the page are passed over in the index of numbers
    first = select(number).where(ours).order_by(number.desc()).offset(skip).limit(1).scalar_subquery()
    parts = (
        select(versions.c.file_id).where(ours).order_by(number.desc()).limit(newest),
        select(versions.c.file_id).where(ours, number <= first).order_by(number.desc()).limit(limit),
        select(versions.c.file_id).where(ours).order_by(number).limit(oldest),
    )
    labelled = [select(part.subquery().c.file_id, literal(place).label("part")) for place, part in enumerate(parts)]
    wanted = union_all(*labelled).subquery()
    query = select(versions, wanted.c.part).join(wanted, wanted.c.file_id == versions.c.file_id).order_by(number)
    found = list(await tx.execute(query))
    return Excerpt(*(tuple(_version(row, ()) for row in found if row.part == place) for place in range(len(parts))))


async def highest(tx: Transaction, opened: Opened) -> Version | None:
    """Return the version with the highest number."""
    return await _one(tx, opened, versions.c.number == _edge(opened, func.max(versions.c.number)))


async def lowest(tx: Transaction, opened: Opened) -> Version | None:
    """Return the version with the lowest number."""
    return await _one(tx, opened, versions.c.number == _edge(opened, func.min(versions.c.number)))


async def by_number(tx: Transaction, opened: Opened, number: int) -> Version | None:
    """Find a version of the collection by its number."""
    return await _one(tx, opened, versions.c.number == number)


async def by_id(tx: Transaction, opened: Opened, version_id: str) -> Version | None:
    """Find a version of the collection by its id."""
    return await _one(tx, opened, versions.c.id == version_id)


async def exists_elsewhere(tx: Transaction, opened: Opened, version_id: str) -> bool:
    """Whether the id is a version of another collection (contract 8.8, code 41013)."""
    query = select(versions.c.id).where(versions.c.id == version_id, versions.c.collection_id != opened.collection.id)
    return (await tx.execute(query)).first() is not None


async def by_filename(tx: Transaction, filename: str) -> Version | None:
    """Find any version of the server by its file name; the caller has checked the right to every file."""
    rows = list(await tx.execute(select(versions).where(versions.c.filename == filename)))
    return (await _versions(tx, rows))[0] if rows else None


async def search(
    tx: Transaction, text: str, tags: Sequence[str], *, offset: int, limit: int
) -> tuple[tuple[Version, ...], int]:
    """Return one page of all versions whose file name contains the text and that carry any of the tags, newest first.

    The caller has checked the right to see every file. A text is looked for in every name, which takes some tenths of
    a second for a million; everything else is found in an index.
    """
    conditions: list[ColumnElement[bool]] = []
    if text:
        conditions.append(contains_ascii(versions.c.filename, text))  # see collections/rules.py
    if tags:
        possible = [tag for tag in tags if "\0" not in tag]
        tagged = select(version_tags.c.file_id).where(version_tags.c.tag.in_(possible))
        conditions.append(versions.c.file_id.in_(tagged))
    if conditions:
        # a look through all names is dear, so what is rare is looked for once; what is not is soon found in any order
        rare = select(versions.c.file_id).where(*conditions).limit(_RARE + 1)
        found = list((await tx.execute(rare)).scalars())
        total = len(found)
        if total <= _RARE:
            conditions = [versions.c.file_id.in_(found)]
        else:
            total = (await tx.execute(select(func.count()).select_from(versions).where(*conditions))).scalar_one()
    else:
        total = (await totals(tx)).versions
    order, span = (versions.c.created_at, versions.c.file_id), {"total": total, "offset": offset, "limit": limit}
    query = page(versions, versions.c.file_id, conditions, order, descending=True, **span)
    return await _versions(tx, list(await tx.execute(query))), total


async def newest(tx: Transaction, *, member: str | None, limit: int) -> tuple[Version, ...]:
    """Return the newest versions of the collections that an account is a member of; None: of all collections."""
    if member is None:
        query = select(versions).order_by(*_NEWEST_FIRST).limit(limit)
        return await _versions(tx, list(await tx.execute(query)))
    # the newest versions are among the last ones of the collections that were uploaded to last
    last = [
        select(versions.c.file_id)
        .where(versions.c.collection_id == collection_id)
        .order_by(versions.c.number.desc())
        .limit(limit)
        .subquery()
        for collection_id in await _liveliest(tx, member, limit)
    ]
    if not last:
        return ()
    possible = union_all(*(select(ids.c.file_id) for ids in last))
    query = select(versions).where(versions.c.file_id.in_(possible)).order_by(*_NEWEST_FIRST).limit(limit)
    return await _versions(tx, list(await tx.execute(query)))


async def retired(tx: Transaction, before: datetime, after_key: str, limit: int) -> tuple[str, ...]:
    """Return keys of blobs that were retired up to the moment, ascending, from the one after the given key on."""
    query = select(blobs.c.key).where(blobs.c.retired_at <= before, blobs.c.key > after_key)
    return tuple((await tx.execute(query.order_by(blobs.c.key).limit(limit))).scalars())


async def known(tx: Transaction, keys: Iterable[str]) -> frozenset[str]:
    """Return which of the keys the database knows, named or retired."""
    return frozenset((await tx.execute(select(blobs.c.key).where(blobs.c.key.in_(list(keys))))).scalars())


async def claim(tx: Transaction, key: str, now: datetime) -> None:
    """Claim an unknown blob for the sweep.

    Raises:
        BlobKnown: a version was registered for it, or another sweep was faster; the transaction is then spoiled.
    """
    await _add_blob(tx, key, now)


async def forget(tx: Transaction, key: str) -> None:
    """Forget a retired blob after the storage has deleted it.

    Another process that is about to forget it is not waited for, as it may be frozen: the next sweep comes by again.
    """
    retired_one = select(blobs.c.key).where(blobs.c.key == key, blobs.c.retired_at.is_not(None))
    free = retired_one.with_for_update(skip_locked=True).scalar_subquery()
    await tx.execute(delete(blobs).where(blobs.c.key == free))


@dataclass(frozen=True, slots=True)
class NamedBlob:
    """A blob that a version names."""

    key: str
    size: int
    """Bytes."""
    sha256: str
    """Lower-case hex."""


async def named(tx: Transaction, after_key: str, limit: int) -> tuple[NamedBlob, ...]:
    """Return blobs that versions name, ascending by key, from the one after the given key on."""
    query = select(versions.c.blob_key, versions.c.size, versions.c.sha256).where(versions.c.blob_key > after_key)
    rows = await tx.execute(query.order_by(versions.c.blob_key).limit(limit))
    return tuple(NamedBlob(row.blob_key, row.size, row.sha256) for row in rows)


async def is_named(tx: Transaction, key: str) -> bool:
    """Whether a version names the blob."""
    return (await tx.execute(select(versions.c.id).where(versions.c.blob_key == key))).first() is not None


async def _add_blob(tx: Transaction, key: str, retired_at: datetime | None) -> None:
    try:
        await tx.execute(insert(blobs).values(key=key, retired_at=retired_at))
    except IntegrityError as error:
        raise BlobKnown from error


async def _liveliest(tx: Transaction, member: str, limit: int) -> tuple[str, ...]:
    """Return the ids of the collections of an account that were uploaded to last."""
    query = (
        select(collections.c.id)
        .join(grants, grants.c.collection_id == collections.c.id)
        .where(grants.c.user_id == member, collections.c.newest_at.is_not(None))
        .order_by(collections.c.newest_at.desc(), collections.c.id)
        .limit(limit)
    )
    return tuple((await tx.execute(query)).scalars())


def _edge(opened: Opened, aggregate: ColumnElement[int]) -> ColumnElement[int]:
    return select(aggregate).where(versions.c.collection_id == opened.collection.id).scalar_subquery()


async def _one(tx: Transaction, opened: Opened, condition: ColumnElement[bool]) -> Version | None:
    query = select(versions).where(versions.c.collection_id == opened.collection.id, condition)
    rows = list(await tx.execute(query))
    return (await _versions(tx, rows))[0] if rows else None


async def _versions(tx: Transaction, rows: Sequence[Row[tuple[object, ...]]]) -> tuple[Version, ...]:
    """Make versions of rows, with the tags of all of them in one query."""
    tags: dict[int, list[str]] = {}
    if rows:
        query = (
            select(version_tags.c.file_id, version_tags.c.tag)
            .where(version_tags.c.file_id.in_([row.file_id for row in rows]))
            .order_by(version_tags.c.file_id, version_tags.c.position)
        )
        for file_id, tag in await tx.execute(query):
            tags.setdefault(file_id, []).append(tag)
    return tuple(_version(row, tags.get(row.file_id, ())) for row in rows)


def _version(row: Any, tags: Sequence[str]) -> Version:
    return Version(
        id=row.id,
        file_id=row.file_id,
        collection_id=row.collection_id,
        number=row.number,
        filename=row.filename,
        blob_key=row.blob_key,
        size=row.size,
        sha256=row.sha256,
        tags=tuple(tags),
        created_at=row.created_at,
    )


@dataclass(frozen=True, slots=True)
class Named:
    """What a version says about its blob."""

    filename: str
    collection_id: str
    number: int
    size: int
    """Bytes."""


async def registered(tx: Transaction, prefix: str) -> dict[str, Named | None]:
    """Return every blob the database knows whose key begins so; None: it is retired and waits for the sweep."""
    query = (
        select(blobs.c.key, blobs.c.retired_at, versions)
        .outerjoin(versions, versions.c.blob_key == blobs.c.key)
        .where(blobs.c.key >= prefix, blobs.c.key <= prefix + "g")  # every hex digit comes before a g
        .where(or_(blobs.c.retired_at.is_not(None), versions.c.id.is_not(None)))
    )
    return {
        row.key: None if row.id is None else Named(row.filename, row.collection_id, row.number, row.size)
        for row in await tx.execute(query)
    }

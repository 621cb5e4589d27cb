"""The SQL of what is watched, across collections: how fresh they are, what came in by day. Only reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TypeVarTuple

from sqlalchemy import (
    ColumnElement,
    Integer,
    ScalarSelect,
    Select,
    and_,
    case,
    func,
    literal_column,
    or_,
    select,
)

from backup_repository.collections.model import Collection
from backup_repository.collections.store import from_row
from backup_repository.database.engine import Transaction
from backup_repository.database.tables import (
    audit,
    collections,
    grants,
    tokens,
    totals,
    users,
    version_tags,
    versions,
)
from backup_repository.health.freshness import State, conditions

_Columns = TypeVarTuple("_Columns")
_SUMMED = ("collections", "versions", "used_space", "declared_millions", "declared_rest")
_MILLION = 1_000_000


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


async def states(tx: Transaction, now: datetime, *, member: str | None) -> dict[State, int]:
    """Count by states the collections that an account is a member of, in one round trip; None: all of them."""
    place = _place(now)
    query = _of(member, select(place, func.count()).select_from(collections)).group_by(place)
    counted = {row[0]: row[1] for row in await tx.execute(query)}
    return {state: counted.get(number, 0) for number, state in enumerate(State)}


async def worst(
    tx: Transaction, now: datetime, *, member: str | None, limit: int, last: int
) -> list[tuple[Collection, list[datetime]]]:
    """Return the collections that need somebody, each with the moments of its last versions, in one round trip.

    They come in the order of their states, those that have waited longest first.

    Args:
        tx: a transaction.
        now: the present moment.
        member: only collections this account is a member of; None: all.
        limit: how many collections.
        last: how many of its last versions.
    """
    place, waiting = _place(now), func.coalesce(collections.c.newest_at, collections.c.created_at)
    wanted = _of(member, select(collections, place.label("place"), waiting.label("waiting")))
    fresh = list(State).index(State.FRESH)
    some = wanted.where(place < fresh).order_by(place, waiting, collections.c.id).limit(limit).subquery()
    # one by one, from the end of the index: joined with all of them, PostgreSQL would read every version there is
    moments = [
        select(versions.c.created_at)
        .where(versions.c.collection_id == some.c.id)
        .order_by(versions.c.number.desc())
        .limit(1)
        .offset(back)
        .correlate(some)
        .scalar_subquery()
        .label(f"moment_{back}")
        for back in range(last)
    ]
    query = select(some, *moments).order_by(some.c.place, some.c.waiting, some.c.id)
    return [
        (from_row(row), [moment for moment in row[-last:] if moment is not None]) for row in await tx.execute(query)
    ]


def _place(now: datetime) -> ColumnElement[int]:
    """Say the place of a collection's state among all states, the worst first."""
    order = list(State)
    applies = conditions(collections.c, collections.c.due_at, now).items()
    cases = [(condition, literal_column(str(order.index(state)), Integer)) for state, condition in applies]
    return case(*cases, else_=literal_column(str(order.index(State.FRESH)), Integer))


def _of(member: str | None, query: Select[*_Columns]) -> Select[*_Columns]:
    """Narrow a query of collections to those that an account is a member of; None: all."""
    if member is None:
        return query
    return query.join(grants, grants.c.collection_id == collections.c.id).where(grants.c.user_id == member)


@dataclass(frozen=True, slots=True)
class Newest:
    """One of the newest versions, with the name of its collection."""

    collection_id: str
    filename: str
    """The collection's."""
    number: int
    size: int
    """Bytes."""
    created_at: datetime


async def newest(tx: Transaction, *, member: str | None, limit: int) -> tuple[Newest, ...]:
    """Return the newest versions of the collections that an account is a member of, in one round trip; None: of all.

    For a member they are among the last ones of the collections that were uploaded to last.
    """
    order = (versions.c.created_at.desc(), versions.c.file_id.desc())
    if member is None:
        found = select(versions).order_by(*order).limit(limit).subquery()
        named = select(found, collections.c.filename.label("name")).select_from(found)
        query = named.join(collections, collections.c.id == found.c.collection_id)
        query = query.order_by(found.c.created_at.desc(), found.c.file_id.desc())
    else:
        last = versions.alias()
        lively = _liveliest(member, limit).subquery()
        first = (
            select(last.c.number)
            .where(last.c.collection_id == lively.c.id)
            .order_by(last.c.number.desc())
            .limit(1)
            .offset(limit - 1)
            .correlate(lively)
            .scalar_subquery()
        )
        ours = and_(versions.c.collection_id == lively.c.id, versions.c.number >= func.coalesce(first, 0))
        found_there = select(versions, lively.c.filename.label("name")).select_from(versions).join(lively, ours)
        query = found_there.order_by(*order).limit(limit)
    return tuple(
        Newest(row.collection_id, row.name, row.number, row.size, row.created_at) for row in await tx.execute(query)
    )


def _liveliest(member: str, limit: int) -> Select[tuple[str, str]]:
    """Select the collections of an account that were uploaded to last."""
    return (
        select(collections.c.id, collections.c.filename)
        .join(grants, grants.c.collection_id == collections.c.id)
        .where(grants.c.user_id == member, collections.c.newest_at.is_not(None))
        .order_by(collections.c.newest_at.desc(), collections.c.id)
        .limit(limit)
    )


async def numbers(tx: Transaction, now: datetime) -> dict[str, int]:
    """Return the numbers of the whole server by the names of `Numbers`, in one round trip."""
    sums = {name: func.coalesce(func.sum(totals.c[name]), 0) for name in _SUMMED}
    usable = (users.c.active, or_(users.c.expires_at.is_(None), users.c.expires_at > now))
    valid = (tokens.c.active, tokens.c.expires_at > now)
    counts = {
        "active_accounts": select(func.count()).select_from(users).where(*usable).scalar_subquery(),
        "active_tokens": select(func.count()).select_from(tokens).where(*valid).scalar_subquery(),
        "tags": _tags(),
    }
    query = select(*(number.label(name) for name, number in {**sums, **counts}.items())).select_from(totals)
    found = {name: int(value) for name, value in (await tx.execute(query)).mappings().one().items()}
    millions, rest = found.pop("declared_millions"), found.pop("declared_rest")
    return {**found, "declared_space": millions * _MILLION + rest}


def _tags() -> ScalarSelect[int]:
    """Count the distinct tags on stored versions: one look into the index for each, however many versions have it."""
    tag = version_tags.c.tag
    found = select(func.min(tag).label("tag")).cte("found", recursive=True)
    following = select(func.min(tag)).where(tag > found.c.tag).scalar_subquery()
    found = found.union_all(select(following).where(found.c.tag.is_not(None)))
    return select(func.count(found.c.tag)).scalar_subquery()


@dataclass(frozen=True, slots=True)
class Spans:
    """What came in between each two following moments, and what is stored in all."""

    uploads: list[int]
    """Also of versions that are gone."""
    stored: list[int]
    """Bytes that still are there."""
    used_space: int
    """Bytes, whenever they came."""


async def between(tx: Transaction, bounds: Sequence[datetime]) -> Spans:
    """Count the uploads and add up the stored bytes between each two following moments, in one round trip."""
    spans = list(pairwise(bounds))
    counts = [
        select(func.count())
        .where(audit.c.event == "version.uploaded", audit.c.at >= begin, audit.c.at < end)
        .scalar_subquery()
        for begin, end in spans
    ]
    sums = [
        select(func.coalesce(func.sum(versions.c.size), 0))
        .where(versions.c.created_at >= begin, versions.c.created_at < end)
        .scalar_subquery()
        for begin, end in spans
    ]
    used = select(func.coalesce(func.sum(totals.c.used_space), 0)).scalar_subquery()
    row = list(map(int, (await tx.execute(select(*counts, *sums, used))).one()))
    return Spans(row[: len(spans)], row[len(spans) : -1], row[-1])


async def names(tx: Transaction, ids: Sequence[str], *, member: str | None) -> dict[str, str]:
    """Return the file names of those collections that an account is a member of, by their ids; None: of all."""
    query = _of(member, select(collections.c.id, collections.c.filename).where(collections.c.id.in_(ids)))
    return {row.id: row.filename for row in await tx.execute(query)}

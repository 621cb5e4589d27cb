"""The SQL of the audit log: adds and reads, nothing else. Never commits."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, insert, select, text, true

from backup_repository.audit.model import Entry, Event, Search
from backup_repository.database.engine import Transaction, take_turns
from backup_repository.database.pages import page
from backup_repository.database.tables import audit, audit_counts

_ANY = ""
"""Stands for any actor or event among the counts."""
_COUNT = """
    INSERT INTO audit_counts (actor_id, event, entries, until_id)
    SELECT {actor}, {event}, count(*), CAST(:until AS BIGINT) FROM audit
    WHERE id > CAST(:since AS BIGINT) AND id <= CAST(:until AS BIGINT) AND {actor} IS NOT NULL GROUP BY 1, 2
    ON CONFLICT (actor_id, event) DO UPDATE SET
        entries = audit_counts.entries + excluded.entries, until_id = excluded.until_id
"""
_COUNTS = [text(_COUNT.format(actor=actor, event=event)) for actor in ("actor_id", "''") for event in ("event", "''")]


async def add(tx: Transaction, entry: Entry) -> None:
    """Append an entry."""
    await tx.execute(
        insert(audit).values(
            at=entry.at,
            actor_id=entry.actor_id,
            address=entry.address,
            event=entry.event.value,
            target=entry.target,
            outcome=entry.outcome,
            detail=entry.detail,
        )
    )


async def search(tx: Transaction, wanted: Search, *, offset: int, limit: int) -> tuple[tuple[Entry, ...], int]:
    """Return one page of the matching entries, newest first, and how many match in all."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.actor_id is not None:
        conditions.append(audit.c.actor_id == wanted.actor_id)
    if wanted.event is not None:
        conditions.append(audit.c.event == wanted.event.value)
    if wanted.first is not None:
        conditions.append(audit.c.at >= wanted.first)
    if wanted.last is not None:
        conditions.append(audit.c.at <= wanted.last)
    in_time = wanted.first is not None or wanted.last is not None
    counted, until = (0, 0) if in_time else await _counted(tx, wanted)
    matching: Select[int] = select(func.count()).select_from(audit).where(*conditions)
    if until:  # the few later ones are looked at whatever they are: no other index tells which are later
        matching = select(func.count(case((and_(true(), *conditions), 1)))).where(audit.c.id > until)
    total = counted + (await tx.execute(matching)).scalar_one()
    order, span = (audit.c.at, audit.c.id), {"total": total, "offset": offset, "limit": limit}
    query = page(audit, audit.c.id, conditions, order, descending=True, **span)
    return tuple(_entry(row) for row in await tx.execute(query)), total


async def count_up(tx: Transaction, before: datetime) -> None:
    """Count the entries from before a moment once and for all: they are neither changed nor removed.

    The moment lies so far back that whatever was under way then is long done.
    """
    await take_turns(tx, audit_counts.name)
    since, until = await uncounted(tx, before)
    if since < until:
        for statement in _COUNTS:
            await tx.execute(statement, {"since": since, "until": until})


async def uncounted(tx: Transaction, before: datetime) -> tuple[int, int]:
    """Return after which id, and up to which one, `count_up` would count; twice the same when nothing is left."""
    newest = select(audit.c.id).where(audit.c.at < before).order_by(audit.c.at.desc(), audit.c.id.desc()).limit(1)
    until = (await tx.execute(newest)).scalar_one_or_none()
    _, since = await _counted(tx, Search())
    return since, max(since, until or 0)


async def _counted(tx: Transaction, wanted: Search) -> tuple[int, int]:
    """Return how many matching entries were counted, whenever they were made, and up to which id."""
    whole = (audit_counts.c.actor_id == _ANY, audit_counts.c.event == _ANY)
    until = (await tx.execute(select(audit_counts.c.until_id).where(*whole))).scalar_one_or_none()
    same = (audit_counts.c.actor_id == (wanted.actor_id or _ANY), audit_counts.c.event == (wanted.event or _ANY))
    entries = (await tx.execute(select(audit_counts.c.entries).where(*same))).scalar_one_or_none()
    return entries or 0, until or 0


def _entry(row: Row[tuple[object, ...]]) -> Entry:
    return Entry(
        at=row.at,
        actor_id=row.actor_id,
        address=row.address,
        event=Event(row.event),
        target=row.target,
        outcome=row.outcome,
        detail=row.detail,
    )

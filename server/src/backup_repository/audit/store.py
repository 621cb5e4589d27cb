"""The SQL of the audit log: adds and reads, nothing else. Never commits."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Row, func, insert, select

from backup_repository.audit.model import Entry, Event, Search
from backup_repository.database.engine import Transaction
from backup_repository.database.tables import audit


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
    total = (await tx.execute(select(func.count()).select_from(audit).where(*conditions))).scalar_one()
    query = select(audit).where(*conditions).order_by(audit.c.id.desc()).offset(offset).limit(limit)
    return tuple(_entry(row) for row in await tx.execute(query)), total


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

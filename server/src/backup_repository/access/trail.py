"""Leaves an entry in the audit log, in the transaction of what it tells about, or after a refusal in its own."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from backup_repository.access.model import Actor, Permission, Token
from backup_repository.access.names import in_order
from backup_repository.audit import store
from backup_repository.audit.model import CONSOLE, SYSTEM, Entry, Event
from backup_repository.database.engine import Database, Transaction
from backup_repository.errors import PermissionDenied

_RECORDED_REFUSALS = frozenset({40322, 40323, 40324})


async def record(
    tx: Transaction, actor: Actor | None, event: Event, target: str, now: datetime, *, detail: str = ""
) -> None:
    """Record what an actor did; None stands for the console."""
    actor_id, address = (SYSTEM, CONSOLE) if actor is None else (actor.user.id, actor.address)
    await store.add(tx, Entry(now, actor_id, address, event, target, "ok", detail))


async def record_refusal(
    database: Database, error: PermissionDenied, *, user_id: str | None, address: str, now: datetime
) -> None:
    """Record that a known account was refused for its state, its origin or its token; other refusals are not kept."""
    if error.code in _RECORDED_REFUSALS:
        entry = Entry(now, user_id, address, Event.REFUSED, user_id or "", str(error.code), error.message)
        async with database.transaction() as tx:
            await store.add(tx, entry)


async def record_attempt(
    database: Database, event: Event, *, actor_id: str | None, target: str, address: str, outcome: str, now: datetime
) -> None:
    """Record an attempt to give a password that did not succeed."""
    async with database.transaction() as tx:
        await store.add(tx, Entry(now, actor_id, address, event, target, outcome, ""))


def access_detail(user_id: str, permissions: Iterable[Permission]) -> str:
    """Say for people what an account may do in a collection from now on."""
    return f"{user_id}: {', '.join(in_order(permissions)) or 'nothing'}"


def token_detail(token: Token) -> str:
    """Say for people which token it was, and whose."""
    return f"{token.shortcut} of {token.user_id}"

"""The SQL of accounts. Never commits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Text, cast, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from backup_repository.database.engine import Transaction, take_turns
from backup_repository.database.folding import contains, searchable
from backup_repository.database.pages import page
from backup_repository.database.tables import users
from backup_repository.users.model import User

_ADMINISTRATOR = "security.administrator"


class AccountTaken(Exception):
    """The id or the e-mail belongs to another account."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search, and how many accounts matched in all."""

    users: tuple[User, ...]
    total: int


async def add(tx: Transaction, user: User) -> None:
    """Record a new account.

    Raises:
        AccountTaken: the id or the e-mail is taken; the transaction is then spoiled.
    """
    try:
        await tx.execute(insert(users).values(id=user.id, created_at=user.created_at, **_columns(user)))
    except IntegrityError as error:
        raise AccountTaken from error


async def save(tx: Transaction, user: User) -> None:
    """Replace everything recorded of an account but its id and the moment it was made."""
    await tx.execute(update(users).where(users.c.id == user.id).values(**_columns(user)))


async def remove(tx: Transaction, user_id: str) -> None:
    """Forget an account; its access entries and token records go with it."""
    await tx.execute(delete(users).where(users.c.id == user_id))


async def by_id(tx: Transaction, user_id: str, *, lock: bool = False) -> User | None:
    """Find an account by its id; with lock nobody else changes it until the transaction ends."""
    query = select(users).where(users.c.id == user_id)
    return await _one(tx, query.with_for_update() if lock else query)


async def by_email(tx: Transaction, email: str) -> User | None:
    """Find an account by its e-mail, regardless of case."""
    return await _one(tx, select(users).where(users.c.email_folded == email.casefold()))


async def search(tx: Transaction, text: str, *, offset: int, limit: int) -> Page:
    """Find accounts whose id, e-mail, organization, about or any permission name contains the text (contract 5.4)."""
    condition = contains(users.c.searched, text)
    total = (await tx.execute(select(func.count()).select_from(users).where(condition))).scalar_one()
    order, span = (users.c.created_at, users.c.id), {"total": total, "offset": offset, "limit": limit}
    query = page(users, users.c.id, [condition], order, descending=False, **span)
    return Page(tuple(user_from(row) for row in await tx.execute(query)), total)


async def lock_active_administrators(tx: Transaction, now: datetime) -> frozenset[str]:
    """Return the ids of the administrators who can log in now; whoever else asks waits until the transaction ends."""
    # turns, not row locks: two administrators who demote each other would wait for each other for ever
    await take_turns(tx, _ADMINISTRATOR)
    query = select(users.c.id).where(
        cast(users.c.permissions, Text).like(f'%"{_ADMINISTRATOR}"%'),
        users.c.active,
        or_(users.c.expires_at.is_(None), users.c.expires_at > now),
    )
    return frozenset((await tx.execute(query)).scalars())


async def any_exists(tx: Transaction) -> bool:
    """Whether there is any account."""
    return (await tx.execute(select(users.c.id).limit(1))).first() is not None


async def _one(tx: Transaction, query: Select[tuple[object, ...]]) -> User | None:
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else user_from(row)


def _columns(user: User) -> dict[str, object]:
    return {
        "email": user.email,
        "email_folded": user.email.casefold(),
        "password_hash": user.password_hash,
        "permissions": sorted(user.permissions),
        "tags": list(user.tags),
        "max_allowed_file_size": user.max_allowed_file_size,
        "allowed_ip_addresses": list(user.allowed_ip_addresses),
        "allowed_user_agents": list(user.allowed_user_agents),
        "organization": user.organization,
        "about": user.about,
        "expires_at": user.expires_at,
        "active": user.active,
        "searched": searchable(user.id, user.email, user.organization, user.about, *sorted(user.permissions)),
    }


def user_from(row: Any, prefix: str = "") -> User:
    """Make an account of a row; in rows of joined tables the columns' names carry a prefix."""
    return User(
        id=getattr(row, prefix + "id"),
        email=getattr(row, prefix + "email"),
        password_hash=getattr(row, prefix + "password_hash"),
        permissions=frozenset(getattr(row, prefix + "permissions")),
        tags=tuple(getattr(row, prefix + "tags")),
        max_allowed_file_size=getattr(row, prefix + "max_allowed_file_size"),
        allowed_ip_addresses=tuple(getattr(row, prefix + "allowed_ip_addresses")),
        allowed_user_agents=tuple(getattr(row, prefix + "allowed_user_agents")),
        organization=getattr(row, prefix + "organization"),
        about=getattr(row, prefix + "about"),
        expires_at=getattr(row, prefix + "expires_at"),
        active=getattr(row, prefix + "active"),
        created_at=getattr(row, prefix + "created_at"),
    )


async def every(tx: Transaction, text: str, *, expired: datetime | None = None) -> AsyncIterator[User]:
    """Give the accounts that a search finds, in its order, row by row; with a moment those expired by then."""
    query = select(users).where(contains(users.c.searched, text)).order_by(users.c.created_at, users.c.id)
    if expired is not None:
        query = query.where(users.c.expires_at <= expired)
    async for row in tx.stream(query):
        yield user_from(row)

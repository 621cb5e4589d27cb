"""The SQL of tokens and access control lists. Never commits."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    LABEL_STYLE_TABLENAME_PLUS_COL,
    Row,
    Text,
    and_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    not_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from backup_repository.access.model import Grant, Permission, Permissions, Token, TokenKind
from backup_repository.collections.model import Collection
from backup_repository.collections.store import from_row as collection_from
from backup_repository.database.direct import Reader
from backup_repository.database.engine import Transaction
from backup_repository.database.pages import page
from backup_repository.database.prepared import Prepared
from backup_repository.database.tables import collections, grants, tokens, users
from backup_repository.database.tables import login_failures as login_failures_table
from backup_repository.users.model import User
from backup_repository.users.store import user_from

_OWN_TOKEN = and_(tokens.c.user_id == users.c.id, tokens.c.token_hash == bindparam("wanted_token"))
_ACCOUNT_AND_TOKEN = Prepared(
    select(users, tokens)
    .select_from(users.outerjoin(tokens, _OWN_TOKEN))
    .where(users.c.id == bindparam("wanted_user"))
    .set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)
)
_OWN_ENTRY = and_(grants.c.collection_id == collections.c.id, grants.c.user_id == bindparam("wanted_user"))
_COLLECTION_AND_ENTRY = Prepared(
    select(collections, grants.c.permissions)
    .outerjoin(grants, _OWN_ENTRY)
    .where(collections.c.id == bindparam("wanted_collection"))
)
_ENTRY = Prepared(
    select(grants.c.permissions).where(
        grants.c.collection_id == bindparam("wanted_collection"), grants.c.user_id == bindparam("wanted_user")
    )
)


class AccountGone(Exception):
    """The account was deleted meanwhile; the transaction is then spoiled."""


async def add_token(tx: Transaction, token: Token) -> None:
    """Record an issued token.

    Raises:
        AccountGone: its account was deleted meanwhile.
    """
    row = insert(tokens).values(
        id=token.id,
        token_hash=token.token_hash,
        user_id=token.user_id,
        kind=token.kind.value,
        scope=_names(token.scope),
        issued_at=token.issued_at,
        expires_at=token.expires_at,
        description=token.description,
        active=token.active,
    )
    try:
        await tx.execute(row)
    except IntegrityError as error:
        raise AccountGone from error


async def token_by_hash(tx: Transaction, token_hash: str) -> Token | None:
    """Find the record of a token."""
    row = (await tx.execute(select(tokens).where(tokens.c.token_hash == token_hash))).one_or_none()
    return None if row is None else _token(row)


async def login_failures(tx: Transaction, pair: str, after: datetime) -> tuple[int, datetime | None]:
    """Return how many log-ins of the pair failed after the moment, and when the oldest of them did."""
    query = select(func.count(), func.min(login_failures_table.c.failed_at)).where(
        login_failures_table.c.pair == pair, login_failures_table.c.failed_at > after
    )
    row = (await tx.execute(query)).one()
    return row[0], row[1]


async def add_login_failure(tx: Transaction, pair: str, now: datetime) -> int:
    """Count a failed log-in and return its number, by which it can be forgiven."""
    row = insert(login_failures_table).values(pair=pair, failed_at=now).returning(login_failures_table.c.id)
    return int((await tx.execute(row)).scalar_one())


async def forgive_login_failure(tx: Transaction, number: int) -> None:
    """Take one counted failure back."""
    await tx.execute(delete(login_failures_table).where(login_failures_table.c.id == number))


async def clear_login_failures(tx: Transaction, pair: str) -> None:
    """Forget every failure of the pair."""
    await tx.execute(delete(login_failures_table).where(login_failures_table.c.pair == pair))


async def forget_login_failures(tx: Transaction, until: datetime) -> None:
    """Forget failures up to a moment, whosever they are."""
    await tx.execute(delete(login_failures_table).where(login_failures_table.c.failed_at <= until))


async def account_and_token(tx: Reader, user_id: str, token_hash: str) -> tuple[User | None, Token | None]:
    """Find an account, and its token of that hash, in one round trip."""
    found = await tx.fetch(_ACCOUNT_AND_TOKEN, wanted_user=user_id, wanted_token=token_hash)
    if not found:
        return None, None
    row = found[0]
    user = user_from(row, "users_")
    return user, None if row.tokens_id is None else _token(row, "tokens_")


async def switch_off(tx: Transaction, token_hash: str) -> bool:
    """Revoke or use up a token; False when it was off already. Of parallel callers exactly one gets True."""
    changed = await tx.execute(
        update(tokens).where(tokens.c.token_hash == token_hash, tokens.c.active).values(active=False)
    )
    return changed.rowcount == 1


async def tokens_of(
    tx: Transaction, user_id: str, now: datetime, *, offset: int, limit: int
) -> tuple[tuple[Token, ...], int]:
    """Return one page of an account's tokens, still valid ones first, then newest first; and how many there are.

    An account that logs in every hour has thousands of tokens, of which few are valid: those are looked for by
    themselves, so that the others can be read in the order of an index, from its nearer end.
    """
    own = tokens.c.user_id == user_id
    valid = and_(tokens.c.active, tokens.c.expires_at > now)
    counts = select(
        select(func.count()).select_from(tokens).where(own).scalar_subquery(),
        select(func.count()).select_from(tokens).where(own, valid).scalar_subquery(),
    )
    total, valid_ones = (await tx.execute(counts)).one()
    found: list[Row[Any]] = []
    for condition, count, before in ((valid, valid_ones, 0), (not_(valid), total - valid_ones, valid_ones)):
        span = {"total": count, "offset": max(0, offset - before), "limit": limit - len(found)}
        if span["limit"] and span["offset"] < count:
            order = (tokens.c.issued_at, tokens.c.id)
            found += await tx.execute(page(tokens, tokens.c.id, (own, condition), order, descending=True, **span))
    return tuple(_token(row) for row in found), total


async def entry(tx: Reader, collection_id: str, user_id: str) -> Permissions | None:
    """Return the account's entry in the collection; None: no member; an empty entry still makes a member."""
    found = await tx.fetch(_ENTRY, wanted_collection=collection_id, wanted_user=user_id)
    return _permissions(found[0].permissions) if found else None


async def collection_and_entry(
    tx: Reader, collection_id: str, user_id: str
) -> tuple[Collection | None, Permissions | None]:
    """Return a collection and the account's entry in it, as both are at one moment; None as for `by_id` and `entry`."""
    found = await tx.fetch(_COLLECTION_AND_ENTRY, wanted_collection=collection_id, wanted_user=user_id)
    if not found:
        return None, None
    row = found[0]
    return collection_from(row), None if row.permissions is None else _permissions(row.permissions)


async def all_entries(tx: Transaction, user_id: str) -> Permissions:
    """Return the permissions an account has in any access control list, together."""
    # as text, because PostgreSQL cannot compare JSON: a few different lists, however many collections
    query = select(cast(grants.c.permissions, Text)).where(grants.c.user_id == user_id).distinct()
    lists = (await tx.execute(query)).scalars()
    return frozenset(permission for names in lists for permission in _permissions(json.loads(names)))


async def put_grant(tx: Transaction, grant: Grant) -> None:
    """Create or replace one entry. The caller holds the collection's lock, so that entries stay single.

    Raises:
        AccountGone: the account was deleted meanwhile.
    """
    where = (grants.c.collection_id == grant.collection_id, grants.c.user_id == grant.user_id)
    names = _names(grant.permissions)
    if (await tx.execute(update(grants).where(*where).values(permissions=names))).rowcount:
        return
    row = insert(grants).values(collection_id=grant.collection_id, user_id=grant.user_id, permissions=names)
    try:
        await tx.execute(row)
    except IntegrityError as error:
        raise AccountGone from error


async def remove_grant(tx: Transaction, collection_id: str, user_id: str) -> bool:
    """Remove one entry; False when there was none."""
    where = (grants.c.collection_id == collection_id, grants.c.user_id == user_id)
    return (await tx.execute(delete(grants).where(*where))).rowcount == 1


async def count_members(tx: Transaction, collection_id: str) -> int:
    """Count the accounts with an entry in the collection."""
    query = select(func.count()).select_from(grants).where(grants.c.collection_id == collection_id)
    return (await tx.execute(query)).scalar_one()


@dataclass(frozen=True, slots=True)
class Member:
    """An account with an entry in a collection."""

    user_id: str
    email: str
    permissions: Permissions


async def members(tx: Transaction, collection_id: str) -> tuple[Member, ...]:
    """List a collection's members, ordered by e-mail regardless of case."""
    query = (
        select(users.c.id, users.c.email, grants.c.permissions)
        .join(users, users.c.id == grants.c.user_id)
        .where(grants.c.collection_id == collection_id)
        .order_by(users.c.email_folded)
    )
    return tuple(Member(row.id, row.email, _permissions(row.permissions)) for row in await tx.execute(query))


def _names(permissions: Iterable[Permission]) -> list[str]:
    return [permission.value for permission in Permission if permission in permissions]


def _permissions(names: Iterable[str]) -> Permissions:
    return frozenset(Permission(name) for name in names)


def _token(row: Any, prefix: str = "") -> Token:
    """Make a token of a row; in rows of joined tables the columns' names carry a prefix."""
    return Token(
        id=getattr(row, prefix + "id"),
        token_hash=getattr(row, prefix + "token_hash"),
        user_id=getattr(row, prefix + "user_id"),
        kind=TokenKind(getattr(row, prefix + "kind")),
        scope=_permissions(getattr(row, prefix + "scope")),
        issued_at=getattr(row, prefix + "issued_at"),
        expires_at=getattr(row, prefix + "expires_at"),
        description=getattr(row, prefix + "description"),
        active=getattr(row, prefix + "active"),
    )


async def switch_off_all(tx: Transaction, user_id: str, now: datetime) -> tuple[Token, ...]:
    """Revoke every token of an account that is still valid, and return them."""
    valid = (tokens.c.user_id == user_id, tokens.c.active, tokens.c.expires_at > now)
    revoked = await tx.execute(update(tokens).where(*valid).values(active=False).returning(tokens))
    return tuple(_token(row) for row in revoked)

"""Accounts, tokens and sessions as plain values, for the rules that need no database."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from backup_repository.access.model import Actor, Permission, Permissions, Token, TokenKind
from backup_repository.users.model import User

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
"""The present moment of the pure tests."""
ALICE = "a11ce000-0000-4000-8000-000000000001"
BOB = "b0b00000-0000-4000-8000-000000000002"


def permissions(names: Iterable[str]) -> Permissions:
    """Turn names into permissions."""
    return frozenset(Permission(name) for name in names)


def make_user(
    names: Iterable[str] = (),
    *,
    user_id: str = ALICE,
    active: bool = True,
    expires_at: datetime | None = None,
    addresses: tuple[str, ...] = (),
    user_agents: tuple[str, ...] = (),
) -> User:
    """An account that holds these permissions."""
    return User(
        id=user_id,
        email=f"{user_id[:3]}@example.org",
        password_hash="",
        permissions=frozenset(names),
        tags=(),
        max_allowed_file_size=0,
        allowed_ip_addresses=addresses,
        allowed_user_agents=user_agents,
        organization="",
        about="",
        expires_at=expires_at,
        active=active,
        created_at=NOW - timedelta(days=30),
    )


def make_token(
    scope: Iterable[str] | None = None, *, token_id: str = "t-1", user_id: str = ALICE, active: bool = True
) -> Token:
    """A generated token of this scope; without one a login session."""
    return Token(
        id=token_id,
        token_hash="0" * 64,
        user_id=user_id,
        kind=TokenKind.SESSION if scope is None else TokenKind.GENERATED,
        scope=permissions(scope or ()),
        issued_at=NOW - timedelta(minutes=5),
        expires_at=NOW + timedelta(hours=1),
        description="",
        active=active,
    )


def make_actor(
    names: Iterable[str] = (),
    *,
    scope: Iterable[str] | None = None,
    entries: Iterable[str] = (),
    user_id: str = ALICE,
) -> Actor:
    """A login session, or a session through a generated token of this scope."""
    return Actor(make_user(names, user_id=user_id), make_token(scope, user_id=user_id), permissions(entries))

"""Generated tokens: make, list, revoke (contract 3.5 to 3.7)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from backup_repository.access import signing, store
from backup_repository.access.decide import (
    Action,
    may_list_tokens,
    may_request,
    may_revoke,
    owned,
    require,
    scope_for,
)
from backup_repository.access.keys import KeyPair
from backup_repository.access.model import Actor, Permission, Permissions, Token, TokenKind
from backup_repository.access.names import parse_permissions
from backup_repository.access.trail import record, token_detail
from backup_repository.audit.model import Event
from backup_repository.clock import Clock
from backup_repository.database.engine import Database
from backup_repository.errors import FieldError, NotFound, PermissionDenied, Unauthenticated
from backup_repository.ids import parse_uuid
from backup_repository.users import store as users_store

MIN_LIFETIME, MAX_LIFETIME = 60, 315_360_000
"""Seconds; a generated token lives for a minute to ten years."""

MAX_DESCRIPTION = 1024
"""Characters of a token's description."""

CURRENT_SESSION = "current-session"
"""The alias under which a token revokes itself."""


_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class TokenPage:
    """One page of an account's tokens."""

    tokens: tuple[Token, ...]
    total: int


def check_lifetime(seconds: int) -> FieldError | None:
    """Check the lifetime of a token to be generated."""
    if MIN_LIFETIME <= seconds <= MAX_LIFETIME:
        return None
    return FieldError(f"The lifetime must be between {MIN_LIFETIME} and {MAX_LIFETIME} seconds", 41014)


def check_description(description: str) -> FieldError | None:
    """Check the description of a token to be generated."""
    if len(description) <= MAX_DESCRIPTION:
        return None
    return FieldError(f"Text is too long, at most {MAX_DESCRIPTION} characters are allowed", 40003)


class Tokens:
    """The jobs on generated tokens and login sessions."""

    def __init__(self, database: Database, keys: KeyPair, clock: Clock) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock

    async def generate(self, actor: Actor, names: Sequence[str], *, lifetime: int, description: str) -> str:
        """Return the text of a new, recorded token of the actor's account, narrowed to the named permissions.

        Args:
            actor: who asks; has passed `Action.GENERATE_TOKEN`.
            names: requested permission names; none: everything the current session has.
            lifetime: seconds; has passed `check_lifetime`.
            description: kept as given; has passed `check_description`.

        Raises:
            PermissionDenied: a requested grant is not owned by the session (40316), or the session was revoked
                meanwhile (40324).
            RuleBroken: a name is not one of the 37 (40010).
        """
        require(actor, Action.GENERATE_TOKEN)
        requested = parse_permissions(names, Permission)
        async with self._database.transaction() as tx:
            whole = replace(actor, entries=await store.all_entries(tx, actor.user.id))
            if not may_request(whole, requested):
                raise PermissionDenied("A token cannot be given permissions that its maker does not hold", 40316)
            text, token = signing.sign(
                self._keys,
                actor.user,
                TokenKind.GENERATED,
                scope_for(whole, requested),
                lifetime=lifetime,
                description=description,
                now=self._clock(),
            )
            try:
                await store.add_token(tx, token)
            except store.AccountGone as error:
                raise Unauthenticated(signing.INVALID) from error
            # from the insertion on who revokes all tokens has to wait for us, and then revokes this one too
            present = await store.token_by_hash(tx, actor.token.token_hash)
            if present is None or not present.active:
                raise PermissionDenied("The token was revoked meanwhile", 40324)
            await record(tx, actor, Event.TOKEN_GENERATED, token.id, token.issued_at, detail=token.shortcut)
        return text

    async def owned(self, actor: Actor) -> Permissions:
        """Return everything the session holds, globally or in any collection."""
        async with self._database.reading() as tx:
            return owned(replace(actor, entries=await store.all_entries(tx, actor.user.id)))

    def require_listing(self, actor: Actor, user_id: str) -> None:
        """Refuse who may not list the tokens of the account.

        Raises:
            PermissionDenied: 40317.
        """
        if not may_list_tokens(actor, user_id.lower()):
            raise PermissionDenied("No permission to list the tokens of this user", 40317)

    async def page(self, actor: Actor, user_id: str, *, offset: int, limit: int) -> TokenPage:
        """Return one page of an account's tokens, still valid ones first (contract 3.6).

        Raises:
            PermissionDenied: the actor may not list them (40317).
            NotFound: there is no such account.
        """
        self.require_listing(actor, user_id)
        try:
            wanted = parse_uuid(user_id)
        except ValueError as error:
            raise NotFound from error
        async with self._database.reading() as tx:
            if await users_store.by_id(tx, wanted) is None:
                raise NotFound
            return TokenPage(*await store.tokens_of(tx, wanted, self._clock(), offset=offset, limit=limit))

    async def revoke(self, actor: Actor, token_hash: str) -> None:
        """Revoke a token by its hash or the alias `current-session`; one that was revoked before is fine.

        Raises:
            NotFound: there is no such token.
            PermissionDenied: the actor may not revoke it (40318).
        """
        wanted = actor.token.token_hash if token_hash == CURRENT_SESSION else token_hash.lower()
        if _HASH.fullmatch(wanted) is None:
            raise NotFound
        async with self._database.transaction() as tx:
            token = await store.token_by_hash(tx, wanted)
            owner = await users_store.by_id(tx, token.user_id) if token else None
            if token is None or owner is None:
                raise NotFound
            if not may_revoke(actor, token, owner_is_administrator=Permission.ADMINISTRATOR in owner.permissions):
                raise PermissionDenied("No permission to revoke this token", 40318)
            if await store.switch_off(tx, wanted):
                await record(tx, actor, Event.TOKEN_REVOKED, token.id, self._clock(), detail=token_detail(token))

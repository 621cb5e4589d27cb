"""Accounts, for those who may: create, look up, search, delete (contract 5.3 to 5.5, 5.7)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from backup_repository.access.decide import Action, is_administrator, may_delete_user, recorded, require
from backup_repository.access.model import Actor, Permission
from backup_repository.access.names import parse_permissions
from backup_repository.access.passwords import Passwords
from backup_repository.access.trail import record
from backup_repository.audit.model import Event
from backup_repository.clock import Clock
from backup_repository.database.engine import Database, Transaction, take_turns
from backup_repository.errors import FieldError, InvalidFields, NotFound, PermissionDenied
from backup_repository.ids import parse_uuid
from backup_repository.users import store
from backup_repository.users.model import User


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What is decided about a new account; every field has passed its own rules."""

    email: str
    password: str
    permissions: Sequence[str]
    tags: Sequence[str] = ()
    max_allowed_file_size: int = 0
    """Bytes; 0: unlimited."""
    allowed_ip_addresses: Sequence[str] = ()
    allowed_user_agents: Sequence[str] = ()
    organization: str = ""
    about: str = ""
    expires_at: datetime | None = None
    active: bool = True
    id: str | None = None
    """A chosen UUID, lower case; None: a random one."""


class Accounts:
    """The jobs on accounts."""

    def __init__(self, database: Database, passwords: Passwords, clock: Clock) -> None:
        self._database = database
        self._passwords = passwords
        self._clock = clock

    async def create(self, actor: Actor, new: NewAccount) -> User:
        """Create an account.

        Raises:
            PermissionDenied: the actor may not create users (40300), choose ids (40301), or make an administrator
                without being one (40315).
            RuleBroken: an unknown permission (40010).
            InvalidFields: id or e-mail is taken (`id`, 40001).
        """
        require(actor, Action.CREATE_USER)
        if new.id is not None:
            require(actor, Action.CHOOSE_USER_ID)
        permissions = parse_permissions(new.permissions, Permission)
        if Permission.ADMINISTRATOR in permissions and not is_administrator(actor):
            raise PermissionDenied("Only an administrator can make an administrator", 40315)
        return await self._create(actor, new)

    async def create_as_system(self, new: NewAccount) -> User:
        """Create an account from the console.

        Raises:
            RuleBroken: an unknown permission (40010).
            InvalidFields: id or e-mail is taken (`id`, 40001).
        """
        return await self._create(None, new)

    async def create_first(self, new: NewAccount) -> User:
        """Create the first account of all; of several attempts at once exactly one succeeds.

        Raises:
            NotFound: there is an account already.
        """
        return await self._create(None, new, first=True)

    async def _create(self, actor: Actor | None, new: NewAccount, *, first: bool = False) -> User:
        permissions = parse_permissions(new.permissions, Permission)
        user = User(
            id=new.id or str(uuid4()),
            email=new.email,
            password_hash=await self._passwords.hash(new.password),
            permissions=frozenset(permission.value for permission in recorded(permissions)),
            tags=tuple(new.tags),
            max_allowed_file_size=new.max_allowed_file_size,
            allowed_ip_addresses=tuple(new.allowed_ip_addresses),
            allowed_user_agents=tuple(new.allowed_user_agents),
            organization=new.organization,
            about=new.about,
            expires_at=new.expires_at,
            active=new.active,
            created_at=self._clock(),
        )
        async with self._database.transaction() as tx:
            if first:
                await take_turns(tx, "the first account")
                if await store.any_exists(tx):
                    raise NotFound
            await self._add(tx, user)
            await record(tx, actor, Event.USER_CREATED, user.id, user.created_at)
        return user

    async def look_up(self, actor: Actor, user_id: str) -> User:
        """Return the profile of an account (contract 5.5).

        Raises:
            PermissionDenied: the actor may not look up users (40313).
            NotFound: there is no such account.
        """
        require(actor, Action.LOOK_UP_USER)
        try:
            wanted = parse_uuid(user_id)
        except ValueError as error:
            raise NotFound from error
        async with self._database.reading() as tx:
            user = await store.by_id(tx, wanted)
        if user is None:
            raise NotFound
        return user

    async def search(self, actor: Actor, text: str, *, offset: int, limit: int) -> store.Page:
        """Return one page of the accounts that contain the text (contract 5.4).

        Raises:
            PermissionDenied: the actor may not search for users (40314).
        """
        require(actor, Action.SEARCH_USERS)
        async with self._database.reading() as tx:
            return await store.search(tx, text, offset=offset, limit=limit)

    async def delete(self, actor: Actor, user_id: str) -> User:
        """Delete an account with its access entries and tokens; returns it as it was, switched off (contract 5.7).

        Raises:
            PermissionDenied: the actor may not delete it, or it is the last active administrator (40303).
            NotFound: there is no such account.
        """
        require(actor, Action.DELETE_USER)
        try:
            wanted = parse_uuid(user_id)
        except ValueError as error:
            raise NotFound from error
        now = self._clock()
        async with self._database.transaction() as tx:
            user = await store.by_id(tx, wanted, lock=True)
            if user is None:
                raise NotFound
            if not may_delete_user(actor, user):
                raise PermissionDenied("Only an administrator can delete an administrator", 40303)
            administrator = Permission.ADMINISTRATOR.value in user.permissions
            if administrator and await store.lock_active_administrators(tx, now) == {user.id}:
                raise PermissionDenied("The last active administrator cannot be deleted", 40303)
            await store.remove(tx, user.id)
            await record(tx, actor, Event.USER_DELETED, user.id, now, detail=user.email)
        return replace(user, active=False)

    async def find(self, *, user_id: str | None = None, email: str | None = None) -> User | None:
        """Find an account for the console by id, else by e-mail."""
        async with self._database.reading() as tx:
            found = await store.by_id(tx, user_id.lower()) if user_id else None
            return found or (await store.by_email(tx, email) if email else None)

    async def every(self, text: str, *, expired: bool) -> AsyncGenerator[User, None]:
        """Give the console the accounts that contain the text, or only the expired ones of them, one by one."""
        async with self._database.reading() as tx:
            async for user in store.every(tx, text, expired=self._clock() if expired else None):
                yield user

    async def delete_expired(self) -> AsyncGenerator[User, None]:
        """Delete the accounts whose expiry has passed, with their access entries and tokens; give each once it is gone.

        An administrator who has expired cannot log in, so the last active one is never among them. Each account is
        looked at again under its lock: one whose expiry was moved meanwhile stays.
        """
        for user_id in [user.id async for user in self.every("", expired=True)]:
            now = self._clock()
            async with self._database.transaction() as tx:
                user = await store.by_id(tx, user_id, lock=True)
                if user is None or not user.expired(now):
                    continue
                await store.remove(tx, user.id)
                await record(tx, None, Event.USER_DELETED, user.id, now, detail=user.email)
            yield user

    async def _add(self, tx: Transaction, user: User) -> None:
        try:
            await store.add(tx, user)
        except store.AccountTaken as error:
            taken = {"id": FieldError("User already exists", 40001)}
            raise InvalidFields(taken) from error

"""Changes an account (contract 5.6): an administrator the whole record, anybody else a little of the own one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime

from backup_repository.access import store as access_store
from backup_repository.access.decide import expand, is_administrator, recorded
from backup_repository.access.model import Actor, Permission, Permissions
from backup_repository.access.names import parse_permissions
from backup_repository.access.passwords import Passwords
from backup_repository.access.throttle import Throttle
from backup_repository.access.trail import record, record_attempt, token_detail
from backup_repository.audit.model import Event
from backup_repository.clock import Clock
from backup_repository.database.engine import Database, Transaction
from backup_repository.errors import DomainError, NotFound, PermissionDenied, TooManyAttempts
from backup_repository.ids import parse_uuid
from backup_repository.users import store
from backup_repository.users.model import User


@dataclass(frozen=True, slots=True)
class NewPassword:
    """What was sent to change a password; empty texts were not sent."""

    password: str
    repetition: str
    current: str

    @property
    def wanted(self) -> bool:
        """Whether a new password was sent at all."""
        return bool(self.password or self.repetition)


@dataclass(frozen=True, slots=True)
class Edit:
    """What was sent about an account; every field has passed its own rules. None: left out."""

    permissions: Sequence[str]
    organization: str
    about: str
    tags: tuple[str, ...] | None
    max_allowed_file_size: int | None
    allowed_ip_addresses: tuple[str, ...] | None
    allowed_user_agents: tuple[str, ...] | None
    expires_at: datetime | None
    expires_given: bool
    active: bool | None
    password: NewPassword


class Profiles:
    """The job that changes accounts."""

    def __init__(self, database: Database, passwords: Passwords, throttle: Throttle, clock: Clock) -> None:
        self._database = database
        self._passwords = passwords
        self._throttle = throttle
        self._clock = clock

    async def find_editable(self, actor: Actor, user_id: str, *, new_password: bool) -> User:
        """Return the account that the actor may try to change.

        Raises:
            PermissionDenied: not an administrator and not the own account (40319 for a password, else 40320).
            NotFound: there is no such account.
        """
        if not is_administrator(actor) and user_id.lower() != actor.user.id:
            raise _wrong_password() if new_password else _may_not()
        try:
            wanted = parse_uuid(user_id)
        except ValueError as error:
            raise NotFound from error
        async with self._database.reading() as tx:
            user = await store.by_id(tx, wanted)
        if user is None:
            raise NotFound
        return user

    async def edit(self, actor: Actor, user_id: str, edit: Edit) -> User:
        """Change an account and return it.

        Raises:
            NotFound: there is no such account (any more).
            RuleBroken: an unknown permission (40010).
            TooManyAttempts: too many wrong passwords were sent for this account from this address.
            PermissionDenied: the password may not be changed so (40319); properties may not be changed so, or the last
                active administrator would be lost (40320).
        """
        found = await self.find_editable(actor, user_id, new_password=edit.password.wanted)
        permissions = parse_permissions(edit.permissions, Permission)
        whole = is_administrator(actor)
        password_hash = await self._new_hash(actor, found, edit.password, needs_current=not whole)
        async with self._database.transaction() as tx:
            before = await store.by_id(tx, found.id, lock=True)
            if before is None:
                raise NotFound
            after = _replaced(before, edit, permissions) if whole else _touched(before, edit, permissions)
            if password_hash is not None:
                if not whole and before.password_hash != found.password_hash:
                    raise _wrong_password()  # what was the current password is so no longer
                after = replace(after, password_hash=password_hash)
            await self._keep_an_administrator(tx, before, after)
            await store.save(tx, after)
            await self._record(tx, actor, before, after)
        return after

    async def reset_password(self, user_id: str, password: str, *, keep_sessions: bool) -> tuple[User, int]:
        """Set the password of an account from the console; revoke its valid tokens, sessions among them, or keep them.

        Args:
            user_id: of the account.
            password: has passed its rules.
            keep_sessions: leave issued tokens valid.

        Returns:
            The account, and how many tokens were revoked.

        Raises:
            NotFound: there is no such account.
        """
        password_hash = await self._passwords.hash(password)
        now = self._clock()
        async with self._database.transaction() as tx:
            user = await store.by_id(tx, user_id, lock=True)
            if user is None:
                raise NotFound
            user = replace(user, password_hash=password_hash)
            await store.save(tx, user)
            await record(tx, None, Event.PASSWORD_CHANGED, user.id, now)
            revoked = () if keep_sessions else await access_store.switch_off_all(tx, user.id, now)
            for token in revoked:
                await record(tx, None, Event.TOKEN_REVOKED, token.id, now, detail=token_detail(token))
        return user, len(revoked)

    async def _record(self, tx: Transaction, actor: Actor, before: User, after: User) -> None:
        now = self._clock()
        changed = [field.name for field in fields(User) if getattr(before, field.name) != getattr(after, field.name)]
        if "password_hash" in changed:
            changed.remove("password_hash")
            await record(tx, actor, Event.PASSWORD_CHANGED, after.id, now)
        if changed:
            await record(tx, actor, Event.USER_EDITED, after.id, now, detail=", ".join(changed))

    async def _new_hash(self, actor: Actor, user: User, new: NewPassword, *, needs_current: bool) -> str | None:
        if not new.wanted:
            return None
        if new.password != new.repetition:
            raise _wrong_password()
        if needs_current:
            async with self._throttle.turn(user.email, actor.address):
                try:
                    attempt = await self._throttle.begin(user.email, actor.address)
                except TooManyAttempts as error:
                    await self._record_attempt(actor, Event.LOGIN_THROTTLED, error)
                    raise
                if not await self._passwords.matches(user.password_hash, new.current):
                    wrong = _wrong_password()
                    await self._record_attempt(actor, Event.LOGIN_FAILED, wrong)
                    raise wrong
                await self._throttle.forgive(attempt)
        return await self._passwords.hash(new.password)

    async def _record_attempt(self, actor: Actor, event: Event, error: DomainError) -> None:
        """Record a wrong current password like a failed log-in, as which it counts (contract 3.3)."""
        user = actor.user.id
        await record_attempt(
            self._database,
            event,
            actor_id=user,
            target=user,
            address=actor.address,
            outcome=str(error.code),
            now=self._clock(),
        )

    async def _keep_an_administrator(self, tx: Transaction, before: User, after: User) -> None:
        now = self._clock()
        if not is_active_administrator(before, now) or is_active_administrator(after, now):
            return
        if await store.lock_active_administrators(tx, now) <= {before.id}:
            raise PermissionDenied("The last active administrator must stay one", 40320)


def is_active_administrator(user: User, now: datetime) -> bool:
    """Whether the account can log in now and has full control."""
    return user.active and not user.expired(now) and Permission.ADMINISTRATOR.value in user.permissions


def _replaced(before: User, edit: Edit, permissions: Permissions) -> User:
    """An administrator replaces everything: what was left out returns to its default."""
    return replace(
        before,
        permissions=frozenset(permission.value for permission in recorded(permissions)),
        organization=edit.organization,
        about=edit.about,
        tags=edit.tags or (),
        max_allowed_file_size=edit.max_allowed_file_size or 0,
        allowed_ip_addresses=edit.allowed_ip_addresses or (),
        allowed_user_agents=edit.allowed_user_agents or (),
        expires_at=edit.expires_at,
        active=before.active if edit.active is None else edit.active,
    )


def _touched(before: User, edit: Edit, permissions: Permissions) -> User:
    """Anybody else changes about and organization; the rest is left out or as it is.

    Raises:
        PermissionDenied: something else would change (40320).
    """
    given = (
        (edit.tags, before.tags),
        (edit.max_allowed_file_size, before.max_allowed_file_size),
        (edit.allowed_ip_addresses, before.allowed_ip_addresses),
        (edit.allowed_user_agents, before.allowed_user_agents),
        (edit.active, before.active),
    )
    changed = any(sent is not None and sent != present for sent, present in given)
    same_permissions = permissions in (before.permissions, expand(before.permissions))
    if changed or not same_permissions or _expiry_changed(before, edit):
        raise _may_not()
    return replace(before, organization=edit.organization, about=edit.about)


def _expiry_changed(before: User, edit: Edit) -> bool:
    """Compare to the second; an expiry that was left out is unchanged."""
    if not edit.expires_given:
        return False
    if edit.expires_at is None or before.expires_at is None:
        return edit.expires_at is not before.expires_at
    return edit.expires_at.replace(microsecond=0) != before.expires_at.replace(microsecond=0)


def _wrong_password() -> PermissionDenied:
    return PermissionDenied("The password cannot be changed: wrong owner, current password or repetition", 40319)


def _may_not() -> PermissionDenied:
    return PermissionDenied("No permission to change this user, or these properties of it", 40320)

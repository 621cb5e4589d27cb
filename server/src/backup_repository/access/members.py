"""Who has access to a collection: list, give, withdraw (contract section 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backup_repository.access import store
from backup_repository.access.decide import Action, may_give
from backup_repository.access.door import Opened, open_collection
from backup_repository.access.model import COLLECTION_PERMISSIONS, Actor, Grant
from backup_repository.access.names import parse_permissions
from backup_repository.access.trail import access_detail, record
from backup_repository.audit.model import Event
from backup_repository.clock import Clock
from backup_repository.collections.model import Collection
from backup_repository.database.engine import Database, Transaction
from backup_repository.errors import NotFound, PermissionDenied
from backup_repository.ids import parse_uuid
from backup_repository.users import store as users_store
from backup_repository.users.model import User


@dataclass(frozen=True, slots=True)
class MembershipChange:
    """What R17 and R18 answer with."""

    user: User
    collection: Collection
    members_count: int
    """After the change."""


class Members:
    """The jobs on access control lists."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def list(self, actor: Actor, collection_id: str) -> tuple[Collection, tuple[store.Member, ...]]:
        """Return a collection and its members, ordered by e-mail.

        Raises:
            NotFound: there is no such collection.
            PermissionDenied: the actor may not see who has access (40307).
        """
        async with self._database.reading() as tx:
            opened = await open_collection(tx, actor, collection_id, Action.LIST_ACCESS)
            return opened.collection, await store.members(tx, opened.collection.id)

    async def grant(
        self, actor: Actor, collection_id: str, user_id: str, names: Sequence[str], *, simulate: bool = False
    ) -> MembershipChange:
        """Create an entry or replace its whole list.

        Raises:
            NotFound: there is no such collection or account.
            PermissionDenied: the actor may not manage access (40308) or gives what it does not hold (40315).
            RuleBroken: a name is none of the eight (40010).
        """
        async with self._database.transaction() as tx:
            opened, user = await self._open(tx, actor, collection_id, user_id)
            permissions = parse_permissions(names, COLLECTION_PERMISSIONS)
            if not may_give(actor, opened.entry, permissions):
                raise PermissionDenied("Permissions that the giver does not hold cannot be given", 40315)
            is_new = await store.entry(tx, opened.collection.id, user.id) is None
            count = await store.count_members(tx, opened.collection.id) + is_new
            if not simulate:
                try:
                    await store.put_grant(tx, Grant(opened.collection.id, user.id, permissions))
                except store.AccountGone as error:
                    raise NotFound from error
                detail = access_detail(user.id, permissions)
                await record(tx, actor, Event.ACCESS_GIVEN, opened.collection.id, self._clock(), detail=detail)
        return MembershipChange(user, opened.collection, count)

    async def withdraw(
        self, actor: Actor, collection_id: str, user_id: str, *, simulate: bool = False
    ) -> MembershipChange:
        """Remove an entry; an account without one is fine.

        Raises:
            NotFound: there is no such collection or account.
            PermissionDenied: the actor may not manage access (40308).
        """
        async with self._database.transaction() as tx:
            opened, user = await self._open(tx, actor, collection_id, user_id)
            is_member = await store.entry(tx, opened.collection.id, user.id) is not None
            count = await store.count_members(tx, opened.collection.id) - is_member
            if not simulate and await store.remove_grant(tx, opened.collection.id, user.id):
                now = self._clock()
                await record(tx, actor, Event.ACCESS_WITHDRAWN, opened.collection.id, now, detail=user.id)
        return MembershipChange(user, opened.collection, count)

    async def _open(self, tx: Transaction, actor: Actor, collection_id: str, user_id: str) -> tuple[Opened, User]:
        opened = await open_collection(tx, actor, collection_id, Action.MANAGE_ACCESS, lock=True)
        try:
            wanted = parse_uuid(user_id)
        except ValueError as error:
            raise NotFound from error
        user = await users_store.by_id(tx, wanted)
        if user is None:
            raise NotFound
        return opened, user

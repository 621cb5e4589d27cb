"""Collections, for those who may: create, open, search, edit, delete (contract section 6)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from backup_repository.access import signing, store
from backup_repository.access.decide import Action, global_permissions, is_administrator, may, require
from backup_repository.access.door import Opened, open_collection
from backup_repository.access.model import COLLECTION_PERMISSIONS, Actor, Grant, Permission
from backup_repository.access.trail import access_detail, record
from backup_repository.audit.model import Event
from backup_repository.clock import Clock
from backup_repository.collections import store as collections_store
from backup_repository.collections.model import Collection, Limits, Strategy
from backup_repository.collections.rules import check_limits, check_stored, parse_collection_id
from backup_repository.database.engine import Database, Transaction
from backup_repository.errors import RuleBroken, Unauthenticated


@dataclass(frozen=True, slots=True)
class Details:
    """What people decide about a collection."""

    filename: str
    description: str
    strategy: Strategy
    limits: Limits


@dataclass(frozen=True, slots=True)
class CollectionPage:
    """One page of a search."""

    collections: tuple[Collection, ...]
    total: int


class Collections:
    """The jobs on collections."""

    def __init__(self, database: Database, clock: Clock, *, maxima: Limits) -> None:
        self._database = database
        self._clock = clock
        self._maxima = maxima

    async def create(
        self, actor: Actor, details: Details, *, chosen_id: str | None = None, simulate: bool = False
    ) -> Collection:
        """Create a collection; its creator becomes a member with all eight permissions (contract 6.5).

        Raises:
            PermissionDenied: the actor may not create (40306), choose the id (40305) or leave a limit open (40306).
            RuleBroken: a limit breaks a rule (40102 to 40106), the id is no UUID (40101) or is taken (40100).
        """
        require(actor, Action.CREATE_COLLECTION)
        if chosen_id is not None:
            require(actor, Action.CHOOSE_COLLECTION_ID)
        return await self._create(actor, details, owners=[actor.user.id], chosen_id=chosen_id, simulate=simulate)

    async def create_as_system(
        self, details: Details, *, owners: Iterable[str], chosen_id: str | None = None
    ) -> Collection:
        """Create a collection from the console; the accounts named by id become members with all eight permissions.

        Raises:
            RuleBroken: as `create`.
        """
        return await self._create(None, details, owners=owners, chosen_id=chosen_id, simulate=False)

    def check(self, details: Details) -> None:
        """Hold the limits of a collection against the instance maxima and each other, as for the console.

        Raises:
            RuleBroken: a limit breaks a rule (40102 to 40106).
        """
        check_limits(details.limits, self._maxima, may_be_unlimited=True, previous=None)

    async def _create(
        self,
        actor: Actor | None,
        details: Details,
        *,
        owners: Iterable[str],
        chosen_id: str | None,
        simulate: bool,
    ) -> Collection:
        may_be_unlimited = actor is None or may(actor, Action.UNLIMITED)
        check_limits(details.limits, self._maxima, may_be_unlimited=may_be_unlimited, previous=None)
        collection = _with_details(
            Collection(
                id=str(uuid4()) if chosen_id is None else parse_collection_id(chosen_id),
                filename="",
                description="",
                strategy=details.strategy,
                max_backups_count=0,
                max_one_version_size=0,
                max_collection_size=0,
                created_at=self._clock(),
                last_number=0,
                versions_count=0,
                used_space=0,
            ),
            details,
        )
        async with self._database.transaction() as tx:
            if await collections_store.by_id(tx, collection.id) is not None:
                raise RuleBroken("The collection id is taken already", 40100)
            if simulate:
                return collection
            await self._add(tx, actor, collection, owners)
        return collection

    async def _add(self, tx: Transaction, actor: Actor | None, collection: Collection, owners: Iterable[str]) -> None:
        try:
            await collections_store.add(tx, collection)
        except collections_store.CollectionTaken as error:
            raise RuleBroken("The collection id is taken already", 40100) from error
        await record(tx, actor, Event.COLLECTION_CREATED, collection.id, collection.created_at)
        for owner in dict.fromkeys(owners):
            try:
                await store.put_grant(tx, Grant(collection.id, owner, frozenset(COLLECTION_PERMISSIONS)))
            except store.AccountGone as error:
                raise Unauthenticated(signing.INVALID) from error
            if actor is None:  # otherwise it is the creator
                detail = access_detail(owner, COLLECTION_PERMISSIONS)
                await record(tx, actor, Event.ACCESS_GIVEN, collection.id, collection.created_at, detail=detail)

    async def open(self, actor: Actor, collection_id: str, action: Action) -> Opened:
        """Open a collection for one action, as it is now.

        Raises:
            NotFound: there is no such collection.
            PermissionDenied: the actor may not do this there.
        """
        async with self._database.glance() as tx:
            return await open_collection(tx, actor, collection_id, action)

    async def find(self, collection_id: str) -> Collection | None:
        """Find a collection for the console, which may see everything."""
        async with self._database.reading() as tx:
            return await collections_store.by_id(tx, collection_id)

    async def every(self, text: str) -> AsyncGenerator[tuple[Collection, datetime | None], None]:
        """Give the console the collections that contain the text, newest first, with their newest versions' times."""
        async with self._database.reading() as tx:
            async for found in collections_store.every(tx, collections_store.Search(text)):
                yield found

    async def search(
        self, actor: Actor, wanted: collections_store.Search, *, offset: int, limit: int
    ) -> CollectionPage:
        """Return one page of the matching collections that the actor may see, newest first (contract 6.7).

        Raises:
            PermissionDenied: the actor may not use the listing (40304).
        """
        require(actor, Action.SEARCH_COLLECTIONS)
        sees_all = is_administrator(actor) or Permission.VIEW_ALL_COLLECTIONS in global_permissions(actor)
        visible = replace(wanted, member=None if sees_all else actor.user.id)
        async with self._database.reading() as tx:
            return CollectionPage(*await collections_store.search(tx, visible, offset=offset, limit=limit))

    async def edit(self, actor: Actor, collection_id: str, details: Details, *, simulate: bool = False) -> Collection:
        """Replace what people decide about a collection (contract 6.6); lowered limits delete nothing by themselves.

        Raises:
            NotFound: there is no such collection.
            PermissionDenied: the actor may not edit it (40307) or open a limit (40306).
            RuleBroken: a limit breaks a rule (40102 to 40106) or is below what is stored (40107).
        """
        async with self._database.transaction() as tx:
            before = (await open_collection(tx, actor, collection_id, Action.EDIT, lock=True)).collection
            unlimited = may(actor, Action.UNLIMITED)
            check_limits(details.limits, self._maxima, may_be_unlimited=unlimited, previous=before.limits)
            check_stored(
                details.limits,
                details.strategy,
                versions_count=before.versions_count,
                used_space=before.used_space,
                largest_version=await collections_store.largest_version(tx, before.id),
            )
            after = _with_details(before, details)
            if not simulate:
                await collections_store.save_details(tx, before, after)
                await record(tx, actor, Event.COLLECTION_EDITED, after.id, self._clock())
        return after

    async def delete(self, actor: Actor, collection_id: str, *, simulate: bool = False) -> Collection:
        """Delete an empty collection with its access list, and return it as it was (contract 6.9).

        Raises:
            NotFound: there is no such collection.
            PermissionDenied: the actor may not delete it (40303).
            RuleBroken: it still has versions (40108).
        """
        async with self._database.transaction() as tx:
            collection = (await open_collection(tx, actor, collection_id, Action.DELETE, lock=True)).collection
            if collection.versions_count:
                raise RuleBroken("The collection still has versions; delete them first", 40108)
            if not simulate:
                await collections_store.remove(tx, collection)
                await record(tx, actor, Event.COLLECTION_DELETED, collection.id, self._clock())
        return collection


def _with_details(collection: Collection, details: Details) -> Collection:
    return replace(
        collection,
        filename=details.filename,
        description=details.description,
        strategy=details.strategy,
        max_backups_count=details.limits.max_backups_count,
        max_one_version_size=details.limits.max_one_version_size,
        max_collection_size=details.limits.max_collection_size,
    )

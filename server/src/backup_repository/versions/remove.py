"""Deletes single versions; their blobs are left to the sweep (contract 8.8)."""

from __future__ import annotations

from dataclasses import replace

from backup_repository.access.decide import Action
from backup_repository.access.door import Opened, open_collection
from backup_repository.access.model import Actor
from backup_repository.access.trail import record
from backup_repository.audit.model import Event
from backup_repository.clock import Clock
from backup_repository.collections import store as collections_store
from backup_repository.database.engine import Database, Transaction
from backup_repository.errors import NotFound, RuleBroken
from backup_repository.ids import parse_uuid
from backup_repository.versions import store
from backup_repository.versions.download import find_version


class Removals:
    """The deletion job."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def delete(self, actor: Actor, collection_id: str, name: str, *, simulate: bool = False) -> None:
        """Delete one version; numbers of the others do not change.

        Raises:
            NotFound: there is no such collection or version.
            PermissionDenied: the actor may not delete versions here (40309).
            RuleBroken: the id is a version of another collection (41013).
        """
        async with self._database.transaction() as tx:
            opened = await open_collection(tx, actor, collection_id, Action.DELETE_VERSION, lock=True)
            version = await find_version(tx, opened, name)
            if version is None and await _is_elsewhere(tx, opened, name):
                raise RuleBroken("The version belongs to another collection", 41013)
            if version is None:
                raise NotFound
            if simulate:
                return
            now = self._clock()
            await store.retire(tx, opened, [version.id], now)
            detail = f"v{version.number} of {opened.collection.id}, {version.filename}"
            await record(tx, actor, Event.VERSION_DELETED, version.id, now, detail=detail)
            collection = opened.collection
            after = replace(
                collection,
                versions_count=collection.versions_count - 1,
                used_space=collection.used_space - version.size,
            )
            await collections_store.save_counts(tx, collection, after)


async def _is_elsewhere(tx: Transaction, opened: Opened, name: str) -> bool:
    try:
        wanted = parse_uuid(name)
    except ValueError:
        return False
    return await store.exists_elsewhere(tx, opened, wanted)

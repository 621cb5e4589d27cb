"""Lists the stored files of the whole server (contract 9.1) and the newest versions somebody may see (10.2)."""

from __future__ import annotations

from dataclasses import dataclass

from backup_repository.access.decide import Action, may, require
from backup_repository.access.model import Actor
from backup_repository.database.engine import Database
from backup_repository.versions import store
from backup_repository.versions.model import Version


@dataclass(frozen=True, slots=True)
class FileSearch:
    """What a listing looks for."""

    text: str = ""
    """Case-insensitive substring of the file name."""
    tags: tuple[str, ...] = ()
    """Any of them; none: all files."""


@dataclass(frozen=True, slots=True)
class FilePage:
    """One page of a listing, and how many files matched in all."""

    versions: tuple[Version, ...]
    total: int


class Files:
    """The jobs that look across collections."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def search(self, actor: Actor, wanted: FileSearch, *, offset: int, limit: int) -> FilePage:
        """Return one page of the stored files, newest first.

        Raises:
            PermissionDenied: the actor may not list files (40304).
        """
        require(actor, Action.LIST_FILES)
        async with self._database.reading() as tx:
            found = await store.search(tx, wanted.text, wanted.tags, offset=offset, limit=limit)
        return FilePage(*found)

    async def recent(self, actor: Actor, limit: int) -> tuple[Version, ...]:
        """Return the newest versions of the collections that the actor may see, newest first."""
        if actor.only_collection is not None:  # a token that is there to upload, and may not list even that one
            return ()
        # without a particular collection, VIEW asks whether the actor may see every one
        member = None if may(actor, Action.VIEW) else actor.user.id
        async with self._database.reading() as tx:
            return await store.newest(tx, member=member, limit=limit)

"""The numbers of the whole server (contract 10.2, 10.3)."""

from __future__ import annotations

from dataclasses import dataclass

from backup_repository.access import store as access_store
from backup_repository.clock import Clock
from backup_repository.collections import store as collections_store
from backup_repository.database.engine import Database
from backup_repository.users import store as users_store
from backup_repository.versions import store as versions_store


@dataclass(frozen=True, slots=True)
class Numbers:
    """Sizes in bytes, everything else counts."""

    declared_space: int
    used_space: int
    active_accounts: int
    active_tokens: int
    versions: int
    collections: int
    tags: int


class Report:
    """Adds up the numbers of one instance."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def numbers(self) -> Numbers:
        """Return the numbers as they are now.

        Raises:
            DatabaseUnavailable: the database is out of reach.
        """
        now = self._clock()
        async with self._database.reading() as tx:
            totals = await collections_store.totals(tx)
            return Numbers(
                declared_space=totals.declared_space,
                used_space=totals.used_space,
                active_accounts=await users_store.count_active(tx, now),
                active_tokens=await access_store.count_active_tokens(tx, now),
                versions=totals.versions,
                collections=totals.collections,
                tags=await versions_store.count_tags(tx),
            )

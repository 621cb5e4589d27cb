"""The numbers of the whole server (contract 10.2, 10.3)."""

from __future__ import annotations

from dataclasses import dataclass

from backup_repository.clock import Clock
from backup_repository.database.engine import Database
from backup_repository.health import store


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
        async with self._database.reading() as tx:
            return Numbers(**await store.numbers(tx, self._clock()))

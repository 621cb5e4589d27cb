"""Reads the audit log (contract 12)."""

from __future__ import annotations

from dataclasses import dataclass

from backup_repository.access.decide import is_administrator
from backup_repository.access.model import Actor
from backup_repository.audit import store
from backup_repository.audit.model import Entry, Search
from backup_repository.database.engine import Database
from backup_repository.errors import PermissionDenied


@dataclass(frozen=True, slots=True)
class AuditPage:
    """One page of the log, newest first, and how many entries matched in all."""

    entries: tuple[Entry, ...]
    total: int


class Audit:
    """The jobs that read the log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def require_reading(self, actor: Actor) -> None:
        """Refuse who may not read the log.

        Raises:
            PermissionDenied: the session is no administrator's (40312).
        """
        if not is_administrator(actor):
            raise PermissionDenied("Only administrators read the audit log", 40312)

    async def page(self, wanted: Search, *, offset: int, limit: int) -> AuditPage:
        """Return one page of the matching entries; the caller has checked `require_reading`, or is the console."""
        async with self._database.reading() as tx:
            return AuditPage(*await store.search(tx, wanted, offset=offset, limit=limit))

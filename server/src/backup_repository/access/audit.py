"""Reads the audit log (contract 12)."""

from __future__ import annotations

from dataclasses import dataclass

from backup_repository.access.decide import is_administrator
from backup_repository.access.model import Actor
from backup_repository.audit import store
from backup_repository.audit.model import Entry, Event, Search
from backup_repository.database.engine import Database
from backup_repository.errors import FieldError, InvalidFields, PermissionDenied
from backup_repository.users.expiry import parse_last_moment, parse_moment


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


def search_of(*, actor: str = "", action: str = "", first: str = "", last: str = "") -> Search:
    """Read what a listing looks for; empty texts are no filters. A bare date includes its whole day.

    Raises:
        InvalidFields: an action that is never recorded (`action`, 50002), a moment that is not understood (`from`,
            `to`, 41014).
    """
    problems: dict[str, FieldError] = {}
    if action and action not in set(Event):
        problems["action"] = FieldError(f"Unknown action, available: {', '.join(Event)}", 50002)
    moments = {}
    for name, text, parse in (("from", first, parse_moment), ("to", last, parse_last_moment)):
        try:
            moments[name] = parse(text) if text else None
        except ValueError:
            problems[name] = FieldError("The date is not understood, expected for example 2031-05-01", 41014)
    if problems:
        raise InvalidFields(problems)
    return Search(
        actor_id=actor.lower().replace("\0", "") or None,
        event=Event(action) if action else None,
        first=moments["from"],
        last=moments["to"],
    )

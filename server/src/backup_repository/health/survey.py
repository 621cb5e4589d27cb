"""Are we safe? How many collections are in which state, which are the worst, and what came in over time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from backup_repository.access.decide import Action, may, require
from backup_repository.access.model import Actor
from backup_repository.clock import Clock
from backup_repository.collections.due import LOOKED_AT
from backup_repository.database.engine import Database
from backup_repository.health import store
from backup_repository.health.freshness import State, Verdict, judge
from backup_repository.health.store import Newest

_FRESH = timedelta(seconds=60)
"""For this long numbers of very many uploads are as good as new ones."""
_MANY_UPLOADS = 10_000
"""With so many in the days that are shown, counting them anew for each reader would take too long."""
_SHOWN = 20
_DAYS = 14


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found across the collections that somebody may see."""

    counts: dict[State, int]
    worst: tuple[Verdict, ...]
    """Those that need somebody, the worst first; the first few."""
    at: datetime

    @property
    def total(self) -> int:
        """How many collections there are."""
        return sum(self.counts.values())

    @property
    def troubled(self) -> int:
        """How many of them need somebody."""
        return self.total - self.counts[State.FRESH]


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the whole server, in UTC."""

    begins: datetime
    uploads: int
    """Also of versions that are gone."""
    stored: int
    """Bytes that were there at its end and still are."""


class Surveys:
    """The questions of one instance."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._days: tuple[datetime, tuple[Day, ...]] | None = None

    async def look(self, actor: Actor) -> Survey:
        """Look at every collection that the actor may see, in at most two statements however many there are."""
        member, now = _member(actor), self._clock()
        async with self._database.reading() as tx:
            found = Survey(await store.states(tx, now, member=member), (), now)
            if found.troubled == 0:
                return found
            worst = await store.worst(tx, now, member=member, limit=_SHOWN, last=LOOKED_AT)
        return replace(found, worst=tuple(judge(collection, moments, now) for collection, moments in worst))

    async def days(self, actor: Actor) -> tuple[Day, ...]:
        """Return the last two weeks of the whole server, the present day last.

        Raises:
            PermissionDenied: the actor may not see the numbers of the whole server (40312).
        """
        require(actor, Action.VIEW_METRICS)
        now = self._clock()
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        bounds = [today - timedelta(days=ago) for ago in range(_DAYS - 1, -2, -1)]
        kept = self._days
        if kept is not None and now - kept[0] < _FRESH and kept[0] >= today:
            return kept[1]
        async with self._database.reading() as tx:
            spans = await store.between(tx, bounds)
        days, later = [], 0
        each = list(zip(bounds[:-1], spans.uploads, spans.stored, strict=True))
        for begins, count, size in reversed(each):
            days.append(Day(begins, count, spans.used_space - later))
            later += size
        found = tuple(reversed(days))
        self._days = (now, found) if sum(spans.uploads) > _MANY_UPLOADS else None
        return found

    async def newest(self, actor: Actor, limit: int) -> tuple[Newest, ...]:
        """Return the newest versions of the collections that the actor may see, newest first."""
        async with self._database.reading() as tx:
            return await store.newest(tx, member=_member(actor), limit=limit)


def _member(actor: Actor) -> str | None:
    """Return the account whose collections the actor may see; None: all collections."""
    # without a particular collection, VIEW asks whether the actor may see every one
    return None if may(actor, Action.VIEW) else actor.user.id

"""Are we safe? How many collections are in which state, which are the worst, and what came in over time."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from backup_repository.access.decide import Action, may, require
from backup_repository.access.model import Actor
from backup_repository.clock import Clock
from backup_repository.database.engine import Database
from backup_repository.health import store
from backup_repository.health.freshness import LOOKED_AT, State, Verdict, judge
from backup_repository.health.store import Newest

_log = logging.getLogger(__name__)

_BATCH = 100
"""Collections in one look at the database: a few milliseconds in which nobody else is served."""
_SMALL = 1000
"""Up to so many collections are looked at anew each time; the look at more is kept for a while."""
_FRESH = timedelta(seconds=60)
"""For this long a look at many is as good as a new one."""
_USABLE = timedelta(minutes=10)
"""For this long it is shown while a new one is under way."""
_PATIENCE = 1.0
"""Seconds that a page waits for a new one."""
_MANY_UPLOADS = 10_000
"""With so many in the days that are shown, counting them anew for each reader would take too long."""
_KEPT_RESULTS = 100
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
        self._kept: dict[str | None, Survey] = {}
        self._looking: dict[str | None, asyncio.Task[Survey]] = {}
        self._days: tuple[datetime, tuple[Day, ...]] | None = None

    async def look(self, actor: Actor) -> Survey | None:
        """Look at every collection that the actor may see, a bounded batch at a time.

        A look at very many takes seconds: it is used again for a while, and goes on when nobody waits for it any more.

        Returns:
            What was found; None while a first look at very many is under way.
        """
        member = _member(actor)
        kept = self._kept.get(member)
        age = self._clock() - kept.at if kept is not None else _USABLE
        if kept is not None and age < _FRESH:
            return kept
        task = self._looking.get(member)
        if task is None:
            task = self._looking[member] = asyncio.create_task(self._look(member))
            task.add_done_callback(lambda done: self._end(member, done))
        if kept is not None and age < _USABLE:
            return kept
        done, _ = await asyncio.wait([task], timeout=_PATIENCE)
        return task.result() if done else None

    def _end(self, member: str | None, done: asyncio.Task[Survey]) -> None:
        del self._looking[member]
        if not done.cancelled() and done.exception() is not None:  # who waits for it is told
            _log.warning("a look at the collections failed", exc_info=done.exception())

    async def _look(self, member: str | None) -> Survey:
        now = self._clock()
        counts: Counter[State] = Counter()
        worst: list[Verdict] = []
        after = ""
        while True:
            async with self._database.reading() as tx:
                batch = await store.with_last_moments(tx, member=member, after=after, limit=_BATCH, last=LOOKED_AT)
            verdicts = [judge(collection, moments, now) for collection, moments in batch]
            counts.update(verdict.state for verdict in verdicts)
            worst = _worst(worst + [verdict for verdict in verdicts if verdict.state is not State.FRESH])
            if len(batch) < _BATCH:
                break
            after = batch[-1][0].id
        survey = Survey({state: counts[state] for state in State}, tuple(worst), now)
        self._keep(member, survey)
        return survey

    def _keep(self, member: str | None, survey: Survey) -> None:
        self._kept.pop(member, None)
        if survey.total > _SMALL:
            self._kept[member] = survey
        while len(self._kept) > _KEPT_RESULTS:
            del self._kept[next(iter(self._kept))]

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


def _worst(verdicts: list[Verdict]) -> list[Verdict]:
    """Keep the first few, in the order of their states, those that have waited longest first."""
    order = {state: place for place, state in enumerate(State)}

    def key(verdict: Verdict) -> tuple[int, datetime, str]:
        return order[verdict.state], verdict.newest_at or verdict.collection.created_at, verdict.collection.id

    return sorted(verdicts, key=key)[:_SHOWN]

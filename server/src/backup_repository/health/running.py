"""What is being uploaded right now, for those who may know of the collections.

Uploads are seen in the memory that the processes of one server share: watching costs an upload nothing that could fail
or wait. What other instances receive is seen there; the page says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from backup_repository.access.decide import Action, may
from backup_repository.access.model import Actor
from backup_repository.clock import Clock
from backup_repository.database.engine import Database
from backup_repository.health import store
from backup_repository.metrics.counters import Counters
from backup_repository.metrics.running import Running
from backup_repository.versions.landing import Landing, LandingDirectory

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Upload:
    """One running upload."""

    collection_id: str
    filename: str
    begun_at: datetime
    received: int
    """Bytes so far; of a landed body, those that were checked."""
    announced: int | None
    """Bytes that will come at the most; None: the sender did not say."""
    landed: bool
    """Whether a proxy had it whole before the application saw it, so that it is being checked."""
    rate: int | None
    """Bytes per second since its begin; None: it has just begun."""

    @property
    def percent(self) -> int | None:
        """How far it is; None: nobody knows."""
        return min(100, 100 * self.received // self.announced) if self.announced else None


@dataclass(frozen=True, slots=True)
class Uploading:
    """The running uploads that somebody may see."""

    uploads: tuple[Upload, ...]
    """The first few, those that have run longest first."""
    total: int
    through_proxy: bool
    """Whether a proxy may land bodies here, which are seen only when they are whole."""
    landing: Landing | None
    """What lies with the proxy; None: nothing can, or the asker may not see the numbers of the whole server."""


class RunningUploads:
    """Looks at the running uploads of one server."""

    def __init__(self, database: Database, counters: Counters, landing: LandingDirectory, clock: Clock) -> None:
        self._database = database
        self._counters = counters
        self._landing = landing
        self._clock = clock

    async def look(self, actor: Actor) -> Uploading:
        """Return the running uploads into collections that the actor may see; one look at the database, or none."""
        running = self._counters.running()
        names = await self._names(actor, running)
        now = self._clock()
        seen = [_upload(one, names[one.collection_id], now) for one in running if one.collection_id in names]
        seen.sort(key=lambda upload: (upload.begun_at, upload.collection_id))
        return Uploading(
            uploads=tuple(seen[:_SHOWN]),
            total=len(seen),
            through_proxy=self._landing.is_open,
            landing=await self._landing.present() if may(actor, Action.VIEW_METRICS) else None,
        )

    async def _names(self, actor: Actor, running: list[Running]) -> dict[str, str]:
        ids = {one.collection_id for one in running}
        if not ids:
            return {}
        member = None if may(actor, Action.VIEW) else actor.user.id
        async with self._database.reading() as tx:
            return await store.names(tx, sorted(ids), member=member)


def _upload(one: Running, filename: str, now: datetime) -> Upload:
    seconds = (now - one.begun_at).total_seconds()
    return Upload(
        collection_id=one.collection_id,
        filename=filename,
        begun_at=one.begun_at,
        received=one.received,
        announced=one.announced,
        landed=one.landed,
        rate=round(one.received / seconds) if seconds >= 1 else None,
    )

"""Work that comes again and again without anybody asking for it, done by one process of an installation (contract 12).

Every server process takes part; the one that holds the lease does all the jobs, the others wait for it to end or die.
So neither several workers nor several machines do them more often, and whoever takes over begins with all of them.
What lies on the disk of one machine alone is not among them: every process sees to that itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from backup_repository.database.leases import LeaseLost, Leases, StillHeld
from backup_repository.errors import DomainError

_log = logging.getLogger(__name__)

UPKEEP = "upkeep"
"""The lease of the process that does the jobs."""
_AGAIN_SECONDS = 5
"""After this long a process that could not take part tries again."""


@dataclass(frozen=True, slots=True)
class Job:
    """Something to be done now and then."""

    name: str
    """As the log calls it."""
    every: float
    """Seconds from its end to its next beginning."""
    run: Callable[[], Awaitable[object]]
    """Does it once; may be cancelled anywhere."""


class Upkeep:
    """The part that one process takes in the upkeep."""

    def __init__(self, leases: Leases, jobs: Sequence[Job]) -> None:
        self._leases = leases
        self._jobs = jobs
        self._told = ""

    async def run(self) -> None:
        """Take part until cancelled, whatever fails."""
        while True:
            try:
                await self._leases.hold(UPKEEP, self._do_jobs)
            except (LeaseLost, DomainError) as error:
                if str(error) != self._told:  # once for each outage is enough
                    _log.warning("the upkeep waits and will be resumed: %s", error)
                self._told = str(error)
            except Exception:  # noqa: BLE001 - the upkeep must go on whatever happened
                _log.exception("the upkeep failed and will be resumed")
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _do_jobs(self, _still_held: StillHeld) -> None:
        self._told = ""
        async with asyncio.TaskGroup() as group:
            for job in self._jobs:
                group.create_task(repeat(job))


async def repeat(job: Job) -> None:
    """Do a job at once and then again and again until cancelled, whatever fails."""
    while True:
        try:
            await job.run()
        except (LeaseLost, DomainError) as error:
            _log.warning("the %s stopped early and will be repeated: %s", job.name, error)
        except Exception:  # noqa: BLE001 - the next time must come whatever happened
            _log.exception("the %s failed and will be repeated", job.name)
        await asyncio.sleep(job.every)

"""What is due now, and when something will be (contract B 3.8). Pure: the present and the memory are handed in.

* A definition seen for the first time, or with another cron line or zone than before, waits for its next time.
* Times that were missed, while nothing ran or while the run before still went, count once together.
* Who is due longest comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bahub.config.model import Backup
from bahub.schedule.memory import Memory
from bahub.schedule.times import next_time

_CLOCK_WENT_BACK = timedelta(hours=1)
"""A mark so far in the future was made by a clock that was wrong; waiting for it could take years."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One definition with a schedule."""

    name: str
    due: datetime
    """When it should run, or should have run. Aware."""
    is_new: bool
    """Whether it has to be remembered first."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The definitions with a schedule, the first due first."""

    planned: tuple[Planned, ...]

    @property
    def new(self) -> tuple[str, ...]:
        """Return who has to be remembered first."""
        return tuple(one.name for one in self.planned if one.is_new)

    def due(self, now: datetime) -> tuple[str, ...]:
        """Return who has to run now."""
        return tuple(one.name for one in self.planned if one.due <= now)

    def next(self, now: datetime) -> datetime | None:
        """Return when the next one after now is due; None: nobody has a schedule."""
        return next((one.due for one in self.planned if one.due > now), None)


def plan(definitions: Iterable[Backup], memory: Mapping[str, Memory], now: datetime) -> Plan:
    """Plan every definition that has a schedule.

    Args:
        definitions: all of them; those without a schedule only run by hand.
        memory: what is known, by name.
        now: aware.
    """
    planned = [
        _planned(backup, backup.schedule, memory.get(backup.name), now) for backup in definitions if backup.schedule
    ]
    return Plan(tuple(sorted(planned, key=lambda one: (one.due, one.name))))


def first_seen(backup: Backup, known: Memory | None, now: datetime) -> Memory:
    """Return what to remember of a new definition, or one with a new schedule: times up to now are done with."""
    line = backup.schedule or ""
    if known is None:
        return Memory(line=line, zone=backup.timezone, mark=now)
    return replace(known, line=line, zone=backup.timezone, mark=now)


def _planned(backup: Backup, line: str, known: Memory | None, now: datetime) -> Planned:
    is_new = known is None or (known.line, known.zone) != (line, backup.timezone)
    mark = now if known is None or is_new or known.mark > now + _CLOCK_WENT_BACK else known.mark
    return Planned(backup.name, next_time(line, backup.timezone, mark), is_new)

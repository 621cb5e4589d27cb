"""What `schedule list` shows: when each definition runs next, and how its last planned run ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from bahub.config.model import Backup, Config
from bahub.schedule.locks import is_locked
from bahub.schedule.memory import Memories, Memory
from bahub.schedule.plan import plan


@dataclass(frozen=True, slots=True)
class Row:
    """One definition; times are local to its time zone."""

    definition: str
    schedule: str | None
    """None: only by hand."""
    timezone: str | None
    """None: the machine's."""
    next_run: datetime | None
    overdue: bool
    """Whether it should have run already: the scheduler does not run, or is at it."""
    last_run: datetime | None
    """When its last planned run began."""
    last_end: datetime | None
    last_result: str | None
    """`running`, `done`, `failed (exit code N)`, `cut off`; None: there was no planned run."""


def table(config: Config, now: datetime) -> list[Row]:
    """Return every definition, in the order of the file.

    Args:
        config: the configuration.
        now: aware.

    Raises:
        Failed: the state directory cannot be used.
    """
    memory = Memories(config.state_directory).read(config.backups)
    due = {one.name: one.due for one in plan(config.backups.values(), memory, now).planned}
    return [_row(config, backup, memory.get(name), due.get(name), now) for name, backup in config.backups.items()]


def _row(config: Config, backup: Backup, known: Memory | None, due: datetime | None, now: datetime) -> Row:
    running = is_locked(config.state_directory, backup.name)
    return Row(
        definition=backup.name,
        schedule=backup.schedule,
        timezone=backup.timezone,
        next_run=_local(due, backup),
        overdue=due is not None and due <= now,
        last_run=None if known is None else _local(known.started, backup),
        last_end=None if known is None else _local(known.ended, backup),
        last_result="running" if running else _result(known),
    )


def _local(moment: datetime | None, backup: Backup) -> datetime | None:
    if moment is None:
        return None
    return moment.astimezone(None if backup.timezone is None else ZoneInfo(backup.timezone))


def _result(known: Memory | None) -> str | None:
    if known is None or known.started is None:
        return None
    if known.code is None:
        return "cut off"
    return f"failed (exit code {known.code})" if known.code else "done"

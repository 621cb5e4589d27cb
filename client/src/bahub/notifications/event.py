"""What happened, in the words that people get (contract B 3.9)."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from bahub.masking import masked


@dataclass(frozen=True, slots=True)
class Event:
    """Something that notifiers may hear of. Fields that do not apply stay empty."""

    name: str
    """One of `bahub.config.sections.EVENTS`."""
    definition: str = ""
    collection: str = ""
    """Its id."""
    version: str = ""
    """Number or id of the version."""
    size: int | None = None
    """Bytes of the archive."""
    seconds: float | None = None
    """How long it took."""
    stage: str = ""
    """What failed."""
    reason: str = ""
    """Why it failed; may hold several lines."""

    @property
    def failed(self) -> bool:
        """Whether something went wrong."""
        return self.name.endswith((".failed", ".exception"))

    @property
    def started(self) -> bool:
        """Whether something begins."""
        return self.name.endswith(".started")


_TITLES = {
    "backup.started": "Backup started",
    "backup.uploaded": "Backup uploaded",
    "backup.failed": "Backup failed",
    "restore.started": "Restore started",
    "restore.restored": "Restored",
    "restore.failed": "Restore failed",
    "scheduler.exception": "The scheduler met an unexpected error",
}
_UNITS = ("B", "kB", "MB", "GB", "TB")
_THOUSAND = 1000


def title(event: Event) -> str:
    """Say in one line what happened, where; secrets masked."""
    where = f"{event.definition} on {socket.gethostname()}" if event.definition else f"on {socket.gethostname()}"
    return masked(f"{_TITLES[event.name]}: {where}")


def details(event: Event) -> str:
    """Say the rest, one line each; secrets masked."""
    facts = {
        "Definition": event.definition,
        "Collection": event.collection,
        "Version": event.version,
        "Size": "" if event.size is None else size_text(event.size),
        "Duration": "" if event.seconds is None else duration_text(event.seconds),
        "Host": socket.gethostname(),
        "Failing stage": event.stage,
        "Reason": event.reason,
    }
    return masked("\n".join(f"{name}: {value}" for name, value in facts.items() if value))


def size_text(size: float) -> str:
    """Write a number of bytes as people do: `1.5 GB`."""
    for unit in _UNITS[:-1]:
        if size < _THOUSAND:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= _THOUSAND
    return f"{size:.1f} {_UNITS[-1]}"


def duration_text(seconds: float) -> str:
    """Write a duration as people do: `1 h 2 min 3 s`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (rest, "s")]
    return " ".join(f"{amount} {unit}" for amount, unit in parts if amount) or "0 s"

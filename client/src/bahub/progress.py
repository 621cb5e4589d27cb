"""How far a transfer is; whoever prints it decides how (contract B 3.10)."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic


@dataclass(slots=True)
class Progress:
    """Bytes that went over the wire so far. One thread writes, others may read."""

    total: int | None = None
    """Bytes to come in all, where known (downloads)."""
    done: int = 0
    """Bytes so far."""
    started: float = field(default_factory=monotonic)
    """Seconds on the monotonic clock."""

    def advance(self, amount: int) -> None:
        """Count bytes."""
        self.done += amount

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return monotonic() - self.started

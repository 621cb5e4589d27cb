"""What a part of the benchmark gets and what it gives: its task, its tables, and the numbers it reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.table import Line


@dataclass(frozen=True, slots=True)
class Task:
    """How much a part shall do, and where."""

    root: Path
    """An empty directory of its own, on the disk that everybody stores on."""
    source: Path
    """The body to upload, in memory where there is room."""
    rounds: int
    """Rounds that count."""
    quick: bool
    """As little data as shows that everything works."""

    @property
    def size(self) -> int:
        """Return the length of the body in bytes."""
        return self.source.stat().st_size


@dataclass(frozen=True, slots=True)
class Reached:
    """A number that a target is about."""

    target: str
    """The name of a target of `targets.TARGETS`."""
    value: float
    """In the unit of the target."""
    note: str = ""
    """What it was measured with, where that is not plain."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a part found out."""

    tables: Sequence[Sequence[Line]]
    """Lines of its tables, each with its head first."""
    reached: Sequence[Reached] = ()
    remarks: Sequence[str] = ()
    """Sentences below the tables."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """Why a target could not be measured, by its name."""

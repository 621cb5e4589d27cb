"""What every strategy works on, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Stored(Protocol):
    """A stored version, as far as rotation needs to know it."""

    @property
    def number(self) -> int:
        """1, 2, 3, ... in order of arrival."""

    @property
    def size(self) -> int:
        """Bytes."""


V = TypeVar("V", bound=Stored)
"""The caller's own kind of version; a plan gives back the same objects."""


@dataclass(frozen=True, slots=True)
class Plan(Generic[V]):
    """What becomes of the stored versions when one more arrives. The arriving one is in neither list."""

    accept: bool
    """Whether the new version may be stored at all; if not, nothing is retired."""
    retire: tuple[V, ...]
    """The versions that make room, ascending by number."""
    keep: tuple[V, ...]
    """The versions that stay beside the new one, ascending by number."""
    reasons: tuple[str, ...]
    """Why, for people: one sentence per retired version, or one about the whole."""

    @property
    def freed(self) -> int:
        """Bytes of the retired versions."""
        return sum(version.size for version in self.retire)


class Strategy(Protocol):
    """A pure decision: the stored versions and the maximum count (0: unlimited) give a plan for one more version."""

    def __call__(self, versions: Sequence[V], max_count: int) -> Plan[V]:
        """Decide; the versions may come in any order."""


def by_number(versions: Sequence[V]) -> tuple[V, ...]:
    """Put versions into the order of their arrival."""
    return tuple(sorted(versions, key=lambda version: version.number))


def while_not_full(stored: tuple[V, ...], max_count: int) -> Plan[V] | None:
    """Accept as long as nothing needs to go, alike in every strategy; None when the collection is full."""
    if max_count == 0:
        reason = "the number of versions is not limited"
    elif len(stored) < max_count:
        reason = f"{len(stored)} of at most {max_count} versions are stored: there is room"
    else:
        return None
    return Plan(accept=True, retire=(), keep=stored, reasons=(reason,))

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
    """The versions that stay beside the new one and those that nobody showed, ascending by number."""
    reasons: tuple[str, ...]
    """Why, for people: one sentence per retired version, or one about the whole."""

    @property
    def freed(self) -> int:
        """Bytes of the retired versions."""
        return sum(version.size for version in self.retire)


class Strategy(Protocol):
    """A pure decision: the stored versions and the maximum count (0: unlimited) give a plan for one more version."""

    def __call__(self, versions: Sequence[V], max_count: int, *, unseen: int = 0) -> Plan[V]:
        """Decide.

        Args:
            versions: the stored versions in any order; of very many the oldest are enough, as many as may have to go.
            max_count: how many may stay, the new one counted; 0: any number.
            unseen: how many younger versions are stored besides, which stay.
        """


def by_number(versions: Sequence[V]) -> tuple[V, ...]:
    """Put versions into the order of their arrival."""
    return tuple(sorted(versions, key=lambda version: version.number))


def while_not_full(stored: tuple[V, ...], max_count: int, unseen: int) -> Plan[V] | None:
    """Accept as long as nothing needs to go, alike in every strategy; None when the collection is full."""
    if max_count == 0:
        reason = "the number of versions is not limited"
    elif len(stored) + unseen < max_count:
        reason = f"{len(stored) + unseen} of at most {max_count} versions are stored: there is room"
    else:
        return None
    return Plan(accept=True, retire=(), keep=stored, reasons=(reason,))

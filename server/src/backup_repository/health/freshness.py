"""Is a collection backed up as usual? Pure: the rule that the web console explains to its readers.

A collection is late when it has had no new version for longer than twice its usual interval, and never within an hour.
The usual interval is the median of the gaps between its last versions; fewer than two gaps tell nothing yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from statistics import median

from backup_repository.collections.model import Collection, Strategy

LOOKED_AT = 8
"""So many of the last versions tell what is usual."""
_LEAST_GAPS = 2
_GRACE = timedelta(hours=1)
_FACTOR = 2


class State(StrEnum):
    """How a collection is, the worst first."""

    FAILING = "failing"
    """Every upload is refused until somebody does something."""
    NEVER = "never backed up"
    LATE = "late"
    OVER_LIMIT = "over limit"
    """It stores more than its limits say now."""
    FRESH = "fresh"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is found about one collection."""

    collection: Collection
    state: State
    newest_at: datetime | None
    interval: timedelta | None
    """What is usual between two versions; None: too few to tell."""
    due_at: datetime | None
    """When it becomes, or became, late."""

    @property
    def reason(self) -> str:
        """Say why, in one sentence without moments."""
        collection = self.collection
        if self.state is State.FAILING:
            return (
                f"Full with {collection.versions_count} of {collection.max_backups_count} versions: "
                "every upload is refused until one is deleted"
            )
        if self.state is State.NEVER:
            return "No version has ever been stored" if collection.last_number == 0 else "No version is stored any more"
        if self.state is State.OVER_LIMIT:
            return "More is stored than the limits allow now; the next upload makes room, or is refused"
        if self.interval is None:
            return "Too few versions to know the usual interval"
        return f"A new version usually comes every {spoken(self.interval)}"


def judge(collection: Collection, moments: Sequence[datetime], now: datetime) -> Verdict:
    """Decide how a collection is.

    Args:
        collection: with its maintained counts.
        moments: when its last versions were stored, in any order; `LOOKED_AT` of them are enough.
        now: the present moment.
    """
    newest = max(moments, default=None)
    interval = usual_interval(moments)
    due = None if newest is None or interval is None else newest + max(_FACTOR * interval, _GRACE)
    return Verdict(collection, _state(collection, due, now), newest, interval, due)


def usual_interval(moments: Sequence[datetime]) -> timedelta | None:
    """Return the median gap between moments; None when there are too few gaps."""
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(sorted(moments))]
    return timedelta(seconds=median(gaps)) if len(gaps) >= _LEAST_GAPS else None


def spoken(span: timedelta) -> str:
    """Say how long a span is, in the largest unit of which it has two, or one exactly."""
    seconds = max(1, round(span.total_seconds()))
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        count = round(seconds / length)
        if seconds >= 2 * length or (count == 1 and abs(seconds - length) < length / 10):
            return unit if count == 1 else f"{count} {unit}s"
    return "second" if seconds == 1 else f"{seconds} seconds"


def _state(collection: Collection, due: datetime | None, now: datetime) -> State:
    count, most = collection.versions_count, collection.max_backups_count
    if collection.strategy is Strategy.ALERT and 0 < most <= count:
        return State.FAILING
    if count == 0:
        return State.NEVER
    if due is not None and now > due:
        return State.LATE
    if (0 < most < count) or 0 < collection.max_collection_size < collection.used_space:
        return State.OVER_LIMIT
    return State.FRESH

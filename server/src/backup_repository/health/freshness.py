"""Is a collection backed up as usual, and if not, why? Pure.

Each state has one condition, which holds for values as for columns of a table: a page about one collection and a query
over all of them cannot disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from backup_repository.collections import due
from backup_repository.collections.model import Collection, Strategy

_NEVER_DUE = datetime.max.replace(tzinfo=UTC)


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
    due_at = due.due_at(moments)
    applies = conditions(collection, due_at or _NEVER_DUE, now)
    state = next((state for state, condition in applies.items() if condition), State.FRESH)
    return Verdict(collection, state, max(moments, default=None), due.usual_interval(moments), due_at)


def conditions(collection: Any, due_at: Any, now: datetime) -> dict[State, Any]:
    """Say when a collection is in each state, the worst first; the first that applies counts, and none means fresh.

    Args:
        collection: a `Collection`, or the columns of the table.
        due_at: when it becomes late, or the column that says so.
        now: the present moment.

    Returns:
        The truth of each, or an expression of it.
    """
    count, most, room = collection.versions_count, collection.max_backups_count, collection.max_collection_size
    return {
        State.FAILING: (collection.strategy == Strategy.ALERT) & (most > 0) & (most <= count),
        State.NEVER: count == 0,
        State.LATE: due_at < now,
        State.OVER_LIMIT: ((most > 0) & (most < count)) | ((room > 0) & (room < collection.used_space)),
    }


def spoken(span: timedelta) -> str:
    """Say how long a span is, in the largest unit of which it has two, or one exactly."""
    seconds = max(1, round(span.total_seconds()))
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        count = round(seconds / length)
        if seconds >= 2 * length or (count == 1 and abs(seconds - length) < length / 10):
            return unit if count == 1 else f"{count} {unit}s"
    return "second" if seconds == 1 else f"{seconds} seconds"

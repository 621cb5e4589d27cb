"""When is a collection's next version due? Pure: the rule that the web console explains to its readers.

A collection is late when it has had no new version for longer than twice its usual interval, and never within an hour.
The usual interval is the median of the gaps between its last versions; fewer than two gaps tell nothing yet.

What comes out is kept with the collection: who changes the rule writes a migration that computes it anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

LOOKED_AT = 8
"""So many of the last versions tell what is usual."""
_LEAST_GAPS = 2
_GRACE = timedelta(hours=1)
_FACTOR = 2


def usual_interval(moments: Sequence[datetime]) -> timedelta | None:
    """Return the median gap between moments, given in any order; None when there are too few gaps."""
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(sorted(moments))]
    return timedelta(seconds=median(gaps)) if len(gaps) >= _LEAST_GAPS else None


def due_at(moments: Sequence[datetime]) -> datetime | None:
    """Return when a collection becomes late unless another version comes; None: too few to tell.

    Args:
        moments: when its last versions were stored, in any order; `LOOKED_AT` of them are enough.
    """
    interval = usual_interval(moments)
    return None if interval is None else max(moments) + max(_FACTOR * interval, _GRACE)

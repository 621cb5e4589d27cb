"""Numbers over time as shapes for SVG: no script, no style attribute; the pages show the same as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

WIDTH, HEIGHT = 560, 120
_GAP = 4
_LEAST = 2
_EDGE = 8


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar."""

    x: float
    y: float
    width: float
    height: float
    title: str


def bars(values: Sequence[int], titles: Sequence[str]) -> tuple[Bar, ...]:
    """Draw values beside each other; the largest fills the height, one that is not zero is always seen."""
    if not values:
        return ()
    width = WIDTH / len(values)
    most = max(values) or 1
    heights = [0 if value == 0 else max(_LEAST, round(value / most * HEIGHT, 1)) for value in values]
    return tuple(
        Bar(round(place * width + _GAP / 2, 1), round(HEIGHT - height, 1), round(width - _GAP, 1), height, title)
        for place, (height, title) in enumerate(zip(heights, titles, strict=True))
    )


def along(moments: Sequence[datetime], values: Sequence[int], titles: Sequence[str], now: datetime) -> tuple[Bar, ...]:
    """Draw values as thin bars where their moments lie between the first one and now."""
    if not moments:
        return ()
    begin = min(moments)
    span = max(1.0, (now - begin).total_seconds())
    room = WIDTH - 2 * _EDGE
    most = max(values) or 1
    return tuple(
        Bar(
            round(_EDGE + room * (moment - begin).total_seconds() / span - _GAP / 2, 1),
            round(HEIGHT - (height := max(_LEAST * 3, value / most * (HEIGHT - _EDGE))), 1),
            _GAP,
            round(height, 1),
            title,
        )
        for moment, value, title in zip(moments, values, titles, strict=True)
    )

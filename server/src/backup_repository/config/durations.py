"""Durations: "2 hours", "+1 hour", "90m", "1d 12h", "7200" → seconds (contract B 1.2)."""

from __future__ import annotations

import re

MAX_DURATION = 1000 * 365 * 86400
"""The longest duration in seconds that is accepted, so that now plus a duration stays a date."""

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_NAMES = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 7 * 86400, "month": 30 * 86400}
_NAMES["year"] = 365 * 86400
_UNITS = _SECONDS | _NAMES | {f"{name}s": seconds for name, seconds in _NAMES.items()}
_PAIR = re.compile(r"([0-9]+)\s*([a-z]+)\s*", re.ASCII)
_MAX_LENGTH = 100


def parse_duration(text: str) -> int:
    """Read a duration and return whole seconds.

    Whole seconds (`7200`), or one or more `<number> <unit>` pairs, which are added up; a leading `+` changes nothing.
    A month is 30 days and a year 365. Units are written in lower case, so that nobody's month becomes a minute.

    Raises:
        ValueError: the text is no duration or is longer than a thousand years.
    """
    amount = text.strip().removeprefix("+").strip()
    if not amount or len(amount) > _MAX_LENGTH:
        raise ValueError("is not a duration")
    seconds = int(amount) if amount.isascii() and amount.isdigit() else _sum_of_pairs(amount)
    if seconds > MAX_DURATION:
        raise ValueError("is longer than a thousand years")
    return seconds


def _sum_of_pairs(text: str) -> int:
    seconds = 0
    position = 0
    while position < len(text):
        pair = _PAIR.match(text, position)
        unit = None if pair is None else _UNITS.get(pair[2])
        if pair is None or unit is None:
            raise ValueError("is not a duration")
        seconds += int(pair[1]) * unit
        position = pair.end()
    return seconds

"""Moments written by people: `never`, `2031-05-01 01:06`, `+2 weeks` (contract 5.8). Pure; the present is passed in."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta, timezone

_NEVER = frozenset({"", "never", "auto", "automatic"})
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]+))?)?"
    r"(?:Z|(?P<sign>[+-])(?P<offset_hours>[0-9]{2}):?(?P<offset_minutes>[0-9]{2}))?)?"
)
_STEP = re.compile(r"(?P<amount>[+-][0-9]{1,18}) ?(?P<unit>second|minute|hour|day|week|month|year)s?")
_FIXED_UNITS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_CALENDAR_UNITS = {"month": 1, "year": 12}
"""Units whose length depends on the calendar, in months."""
_MINUTES_PER_HOUR = 60


def parse_expiry(text: str | None, now: datetime) -> datetime | None:
    """Read when an account expires; None is never. Steps such as `+1 month` count from now.

    Raises:
        ValueError: the text is not understood, or the moment lies outside the years 1 to 9999.
    """
    if text is None or text in _NEVER:
        return None
    step = _STEP.fullmatch(text)
    if step is None:
        return parse_moment(text)
    try:
        return _stepped(now, int(step["amount"]), step["unit"])
    except OverflowError as overflow:
        raise ValueError("outside the years 1 to 9999") from overflow


def parse_moment(text: str) -> datetime:
    """Read an ISO 8601 date or date-time; without offset it is UTC, a bare date is its midnight. Returns UTC.

    Seconds may be missing; digits of a fraction beyond the sixth are cut (contract 13).

    Raises:
        ValueError: the text is not understood, or the moment lies outside the years 1 to 9999.
    """
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ValueError("neither a date nor a date-time")
    year, month, day = (int(part) for part in match["date"].split("-"))
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    microsecond = int((match["fraction"] or "")[:6].ljust(6, "0"))
    moment = datetime(year, month, day, hour, minute, second, microsecond, _offset(match))
    try:
        return moment.astimezone(UTC)
    except OverflowError as overflow:
        raise ValueError("outside the years 1 to 9999") from overflow


def parse_last_moment(text: str) -> datetime:
    """Read the inclusive end of a period: as `parse_moment`, but a bare date is its last microsecond (contract 6.7).

    Raises:
        ValueError: as `parse_moment`.
    """
    moment = parse_moment(text)
    return moment.replace(hour=23, minute=59, second=59, microsecond=999_999) if is_bare_date(text) else moment


def is_bare_date(text: str) -> bool:
    """Whether the text has the form of a date without a time."""
    return _DATE.fullmatch(text) is not None


def _offset(match: re.Match[str]) -> timezone:
    """Return the offset of a matched moment from UTC.

    Raises:
        ValueError: it is a day or more, or has more than 59 minutes.
    """
    if match["sign"] is None:
        return UTC
    minutes = int(match["offset_minutes"])
    if minutes >= _MINUTES_PER_HOUR:
        raise ValueError("an offset has at most 59 minutes")
    offset = timedelta(hours=int(match["offset_hours"]), minutes=minutes)
    return timezone(-offset if match["sign"] == "-" else offset)


def _stepped(now: datetime, amount: int, unit: str) -> datetime:
    """Go so many units forward or back; in calendar steps the day is clipped to the end of the month.

    Raises:
        OverflowError, ValueError: the moment lies outside the years 1 to 9999.
    """
    if unit in _FIXED_UNITS:
        return now + amount * _FIXED_UNITS[unit]
    year, month = divmod(now.year * 12 + now.month - 1 + amount * _CALENDAR_UNITS[unit], 12)
    last_day = monthrange(year, month + 1)[1]
    return now.replace(year=year, month=month + 1, day=min(now.day, last_day))

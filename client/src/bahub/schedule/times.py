"""When a cron line is due (contract B 3.8). Pure: the present is handed in.

Cron lines speak of local time. A local time that a change of the clock skips counts as the first existing minute after
it; one that is repeated counts once, the first time. `None` for a zone means the machine's.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from cronsim import CronSim

from bahub.config.cron import five_fields

_MINUTE = timedelta(minutes=1)


def next_time(line: str, zone: str | None, after: datetime) -> datetime:
    """Return the first time that a line is due after a moment.

    Args:
        line: five cron fields, or an alias as `@daily`.
        zone: IANA name; None: the machine's.
        after: aware.

    Returns:
        An aware time in UTC, at a whole minute of local time.

    Raises:
        ValueError: the line is none.
    """
    place = None if zone is None else ZoneInfo(zone)
    return next(moment for moment in _moments(five_fields(line), place, after) if moment > after)


def _moments(fields: str, place: tzinfo | None, after: datetime) -> Iterator[datetime]:
    """Give the times of a line in order, the first ones possibly before `after`.

    Nothing due after a moment was written before its local time: a skipped time counts as one after it, a repeated one
    as the first.
    """
    for written in CronSim(fields, _local(after, place)):
        yield _moment(written, place)


def _moment(written: datetime, place: tzinfo | None) -> datetime:
    """Return the moment of a local time; of a skipped one, the first existing minute after it."""
    while _local(moment := _at(written, place), place) != written:
        written += _MINUTE
    return moment


def _at(written: datetime, place: tzinfo | None) -> datetime:
    """Return the moment of a local time, of a repeated one the first."""
    return datetime.fromtimestamp(written.replace(tzinfo=place, fold=0).timestamp(), UTC)


def _local(moment: datetime, place: tzinfo | None) -> datetime:
    """Return the local time of a moment, as somebody would write it."""
    return datetime.fromtimestamp(moment.timestamp(), place).replace(tzinfo=None, fold=0)

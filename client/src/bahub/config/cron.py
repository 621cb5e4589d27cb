"""Cron lines: what may be written (contract B 3.8). When they are due says `schedule/times.py`."""

from __future__ import annotations

import re
from datetime import datetime

from cronsim import CronSim, CronSimError

ALIASES = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *"}
"""Names for whole lines."""

_FIELD = re.compile(r"(?:[0-9]+|[A-Za-z]{3}|[*,/-])+")
_FIELDS = 5


def five_fields(line: str) -> str:
    """Return a cron line without alias.

    Raises:
        ValueError: it is none; the text says what is wrong.
    """
    line = " ".join(line.split())
    if line.startswith("@"):
        if line.lower() not in ALIASES:
            raise ValueError(f"is not one of {', '.join(ALIASES)}")
        return ALIASES[line.lower()]
    fields = line.split()
    if len(fields) != _FIELDS:
        raise ValueError(
            f"must have five fields (minute, hour, day, month, weekday), or be one of {', '.join(ALIASES)}"
        )
    for field in fields:
        if not _FIELD.fullmatch(field):
            raise ValueError(f"`{field}` is no cron field: accepted are *, numbers, names, lists, ranges and steps")
    try:
        next(CronSim(line, datetime(2024, 1, 1)))  # noqa: DTZ001 - only whether there is any time at all
    except (CronSimError, ValueError) as error:
        raise ValueError(str(error).replace("Bad ", "has a wrong field: ")) from None
    except StopIteration:
        raise ValueError("never happens") from None
    return line

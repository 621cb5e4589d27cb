"""When cron lines are due."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from bahub.schedule.times import next_time

WARSAW = "Europe/Warsaw"


def times(line: str, zone: str | None, after: str, count: int) -> list[str]:
    """Return the next times of a line, in UTC."""
    moment = datetime.fromisoformat(after).replace(tzinfo=UTC)
    found = []
    for _ in range(count):
        moment = next_time(line, zone, moment)
        found.append(moment.strftime("%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("line", "after", "expected"),
    [
        ("30 2 * * *", "2026-01-01T02:29:59", ["01-01 02:30", "01-02 02:30"]),
        ("30 2 * * *", "2026-01-01T02:30:00", ["01-02 02:30"]),
        ("30 2 * * *", "2026-01-01T02:29:59.999999", ["01-01 02:30"]),
        ("*/20 1-2,23 * * *", "2026-01-01T01:30:00", ["01-01 01:40", "01-01 02:00", "01-01 02:20", "01-01 02:40", "01-01 23:00"]),
        ("0 0 * jan,MAR mon-tue", "2026-01-20T00:00:00", ["01-26 00:00", "01-27 00:00", "03-02 00:00"]),
        ("0 0 * * 7", "2026-01-01T00:00:00", ["01-04 00:00", "01-11 00:00"]),
        ("0 0 13 * fri", "2026-01-01T00:00:00", ["01-02 00:00", "01-09 00:00", "01-13 00:00", "01-16 00:00"]),
        ("0 0 */2 * fri", "2026-01-01T00:00:00", ["01-09 00:00", "01-23 00:00"]),
        ("0 0 29 2 *", "2026-01-01T00:00:00", ["02-29 00:00"]),
        ("@hourly", "2026-01-01T00:30:00", ["01-01 01:00", "01-01 02:00"]),
        ("@daily", "2026-01-01T00:30:00", ["01-02 00:00"]),
        ("@weekly", "2026-01-01T00:30:00", ["01-04 00:00"]),
        ("@monthly", "2026-01-01T00:30:00", ["02-01 00:00"]),
    ],
)  # fmt: skip
def test_a_line_is_due_when_cron_says(line: str, after: str, expected: list[str]) -> None:
    assert times(line, "UTC", after, len(expected)) == expected


def test_a_line_speaks_of_local_time() -> None:
    assert times("0 12 * * *", "Asia/Kathmandu", "2026-01-01T00:00:00", 1) == ["01-01 06:15"]


@pytest.mark.parametrize(
    ("line", "zone", "after", "expected"),
    [
        # 2026-03-29 in Warsaw: 01:59 is followed by 03:00, which is 01:00 UTC
        ("30 2 * * *", WARSAW, "2026-03-28T12:00:00", ["03-29 01:00", "03-30 00:30"]),
        ("59 2 * * *", WARSAW, "2026-03-28T12:00:00", ["03-29 01:00"]),
        ("*/30 2 * * *", WARSAW, "2026-03-28T12:00:00", ["03-29 01:00", "03-30 00:00"]),
        ("0 * * * *", WARSAW, "2026-03-29T00:00:00", ["03-29 01:00", "03-29 02:00"]),
        ("30 2,3 * * *", WARSAW, "2026-03-28T12:00:00", ["03-29 01:00", "03-29 01:30"]),
        ("30 2 * * *", WARSAW, "2026-03-29T01:00:00", ["03-30 00:30"]),
        # Samoa had no 30 December 2011
        ("0 5 * * *", "Pacific/Apia", "2011-12-29T16:00:00", ["12-30 10:00", "12-30 15:00"]),
    ],
)
def test_a_skipped_local_time_counts_as_the_first_minute_after_it(
    line: str, zone: str, after: str, expected: list[str]
) -> None:
    """Case 54."""
    assert times(line, zone, after, len(expected)) == expected


@pytest.mark.parametrize(
    ("line", "after", "expected"),
    [
        # 2026-10-25 in Warsaw: 02:00 to 02:59 comes twice, from 00:00 UTC and from 01:00 UTC
        ("30 2 * * *", "2026-10-24T12:00:00", ["10-25 00:30", "10-26 01:30"]),
        ("30 2 * * *", "2026-10-25T00:29:00", ["10-25 00:30", "10-26 01:30"]),
        ("30 2 * * *", "2026-10-25T01:10:00", ["10-26 01:30"]),
        ("30 2 * * *", "2026-10-25T01:30:00", ["10-26 01:30"]),
        ("*/30 * * * *", "2026-10-25T00:00:00", ["10-25 00:30", "10-25 02:00", "10-25 02:30"]),
        ("0 3 * * *", "2026-10-25T00:30:00", ["10-25 02:00"]),
    ],
)
def test_a_repeated_local_time_counts_once(line: str, after: str, expected: list[str]) -> None:
    """Case 54."""
    assert times(line, WARSAW, after, len(expected)) == expected


@pytest.fixture
def machine_in_warsaw() -> Iterator[None]:
    former = os.environ.get("TZ")
    os.environ["TZ"] = WARSAW
    time.tzset()
    yield
    if former is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = former
    time.tzset()


@pytest.mark.usefixtures("machine_in_warsaw")
@pytest.mark.parametrize(
    "after", ["2026-01-01T00:00:00", "2026-03-28T12:00:00", "2026-10-24T12:00:00", "2026-10-25T01:10:00"]
)
def test_without_a_zone_the_machines_counts(after: str) -> None:
    for line in ("30 2 * * *", "*/30 * * * *"):
        assert times(line, None, after, 5) == times(line, WARSAW, after, 5)

"""When a collection becomes late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from backup_repository.collections.due import due_at, usual_interval

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def hours_ago(*hours: float) -> list[datetime]:
    return [NOW - timedelta(hours=one) for one in hours]


def test_one_long_gap_does_not_change_what_is_usual() -> None:
    assert usual_interval(hours_ago(1, 2, 3, 500, 501)) == timedelta(hours=1)


def test_between_two_gaps_in_the_middle_lies_what_is_usual() -> None:
    assert usual_interval(hours_ago(0, 1, 4)) == timedelta(hours=2)


@pytest.mark.parametrize("moments", [[], hours_ago(1), hours_ago(1, 25)])
def test_fewer_than_two_gaps_tell_nothing(moments: list[datetime]) -> None:
    assert usual_interval(moments) is None
    assert due_at(moments) is None


def test_the_next_version_is_due_two_intervals_after_the_newest() -> None:
    assert due_at(hours_ago(24, 0, 48)) == NOW + timedelta(hours=48)


def test_no_version_is_due_within_an_hour() -> None:
    assert due_at(hours_ago(0, 0.1, 0.2)) == NOW + timedelta(hours=1)

"""When a collection is late, and what else can be wrong with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from world.stored import ALERT, make_collection

from backup_repository.collections.model import Collection
from backup_repository.health.freshness import State, judge, spoken

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def hours_ago(*hours: float) -> list[datetime]:
    return [NOW - timedelta(hours=one) for one in hours]


def test_nightly_backups_are_late_after_two_days() -> None:
    nightly = [NOW - timedelta(days=day) for day in range(5)]
    collection = make_collection(versions_count=5)
    for moment, state in (
        (NOW + timedelta(days=2), State.FRESH),
        (NOW + timedelta(days=2, seconds=1), State.LATE),
    ):
        assert judge(collection, nightly, moment).state is state


def test_fewer_than_two_gaps_tell_nothing() -> None:
    assert judge(make_collection(versions_count=2), hours_ago(9000, 9001), NOW).state is State.FRESH


def test_nothing_is_late_within_an_hour() -> None:
    moments = [NOW - timedelta(minutes=50, seconds=second) for second in range(3)]
    assert judge(make_collection(versions_count=3), moments, NOW).state is State.FRESH
    assert judge(make_collection(versions_count=3), moments, NOW + timedelta(minutes=11)).state is State.LATE


def test_an_empty_collection_was_never_backed_up_or_is_empty_again() -> None:
    empty = make_collection()
    assert judge(empty, [], NOW).state is State.NEVER
    assert judge(empty, [], NOW).reason == "No version has ever been stored"
    assert judge(replace(empty, last_number=3), [], NOW).reason == "No version is stored any more"


def test_a_full_collection_that_blocks_is_failing_even_when_it_is_late() -> None:
    full = make_collection(2, strategy=ALERT, versions_count=2)
    assert judge(full, hours_ago(900, 901, 902), NOW).state is State.FAILING
    assert judge(make_collection(2, versions_count=2), hours_ago(1, 2), NOW).state is State.FRESH


@pytest.mark.parametrize(
    ("collection", "state"),
    [
        (make_collection(2, versions_count=3), State.OVER_LIMIT),
        (make_collection(0, 0, 10, versions_count=3, used_space=11), State.OVER_LIMIT),
        (make_collection(3, 0, 10, versions_count=3, used_space=10), State.FRESH),
        (make_collection(versions_count=3, used_space=11), State.FRESH),
    ],
)
def test_what_stores_more_than_its_limits_say_is_over_limit(collection: Collection, state: State) -> None:
    assert judge(collection, hours_ago(1), NOW).state is state


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "second"),
        (90, "90 seconds"),
        (150, "2 minutes"),
        (3600, "hour"),
        (5400, "90 minutes"),
        (86_400, "day"),
        (90_000, "day"),
        (2 * 86_400, "2 days"),
        (7 * 86_400, "7 days"),
    ],
)
def test_spans_are_spoken_in_units_people_use(seconds: int, words: str) -> None:
    assert spoken(timedelta(seconds=seconds)) == words

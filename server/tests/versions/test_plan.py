"""May an upload become a version, and what goes for it (contract 8.4)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world.stored import ALERT, OLDEST, make_collection, make_stored

from backup_repository.collections.model import Collection, Strategy
from backup_repository.errors import RuleBroken
from backup_repository.versions.plan import StoredVersion, already_full, check_size, judge, may_leave, upload_limit


def holding(collection: Collection, stored: list[StoredVersion]) -> Collection:
    """The collection with the counts it has while it stores these."""
    return replace(collection, versions_count=len(stored), used_space=sum(version.size for version in stored))


def outcome(
    collection: Collection,
    stored: list[StoredVersion],
    size: int,
    *,
    duplicate: int | None = None,
    user_max: int = 0,
) -> list[int] | int | None:
    """The numbers that retire, or the code of the refusal; only the oldest versions are shown."""
    present = holding(collection, stored)
    oldest = stored[: may_leave(present)]
    try:
        retired = judge(present, oldest, size=size, duplicate=duplicate, user_max=user_max)
    except RuleBroken as refusal:
        return refusal.code
    return [version.number for version in retired]


@pytest.mark.parametrize(
    ("one", "user_max", "limit"), [(0, 0, None), (10, 0, 10), (0, 20, 20), (10, 20, 10), (20, 10, 10), (10, 10, 10)]
)
def test_the_upload_limit_is_the_smaller_of_collection_and_account(one: int, user_max: int, limit: int | None) -> None:
    assert upload_limit(make_collection(one=one), user_max) == limit


@pytest.mark.parametrize(("one", "user_max"), [(100, 0), (0, 100), (100, 500), (500, 100)])
def test_exactly_the_limit_is_accepted_and_one_byte_more_is_not(one: int, user_max: int) -> None:
    """Case 84."""
    collection = make_collection(one=one)
    assert outcome(collection, [], 100, user_max=user_max) == []
    assert outcome(collection, [], 101, user_max=user_max) == 40109
    check_size(collection, user_max, 100)
    with pytest.raises(RuleBroken, match=r"100B"):
        check_size(collection, user_max, 101)


def test_without_limits_any_size_is_accepted() -> None:
    """Cases 55, 56, 84: 0 means unlimited."""
    check_size(make_collection(), 0, 10**15)
    assert outcome(make_collection(), [make_stored(number, 10**12) for number in range(1, 50)], 10**15) == []


def test_a_manual_collection_refuses_the_third_of_two_and_accepts_it_after_a_deletion() -> None:
    """Case 88."""
    manual = make_collection(2, strategy=ALERT)
    first, second = make_stored(1, 10), make_stored(2, 10)
    assert outcome(manual, [first], 10) == []
    with pytest.raises(RuleBroken, match=r"^Maximum count of files reached: 2 of at most 2 ") as refusal:
        judge(holding(manual, [first, second]), [first], size=10, duplicate=None, user_max=0)
    assert refusal.value.code == 41012
    assert outcome(manual, [second], 10) == []


def test_a_full_collection_retires_its_oldest_version() -> None:
    """Cases 89, 91."""
    stored = [make_stored(number, 10) for number in (2, 3)]
    assert outcome(make_collection(2), stored, 10) == [2]
    assert outcome(make_collection(3), [*stored, make_stored(4, 10)], 10) == [2]
    assert outcome(make_collection(3), stored, 10) == []


def test_a_lowered_count_is_caught_up_with_by_one_upload() -> None:
    """Case 92."""
    assert outcome(make_collection(2), [make_stored(number, 10) for number in range(1, 6)], 10) == [1, 2, 3, 4]


def test_the_same_content_is_refused_even_when_its_version_would_rotate_out() -> None:
    """Case 89: the ones about to rotate out count too."""
    stored = [make_stored(1, 10), make_stored(2, 10)]
    for number in (1, 2):
        with pytest.raises(RuleBroken, match=rf"^Content duplication: .* v{number}$") as refusal:
            judge(holding(make_collection(2), stored), stored[:1], size=10, duplicate=number, user_max=0)
        assert refusal.value.code == 41011


def test_an_upload_fits_when_the_bytes_leaving_make_room_for_it() -> None:
    """Case 93."""
    full = [make_stored(1, 40), make_stored(2, 60)]
    assert outcome(make_collection(2, whole=100), full, 40) == [1]
    assert outcome(make_collection(2, whole=100), full, 41) == 41010


def test_rotation_never_makes_room_for_bytes() -> None:
    """Contract 8.4: rotation makes room for the count only."""
    assert outcome(make_collection(5, whole=100), [make_stored(1, 60), make_stored(2, 40)], 1) == 41010
    assert outcome(make_collection(5, whole=100), [make_stored(1, 60), make_stored(2, 39)], 1) == []
    assert outcome(make_collection(0, whole=100), [make_stored(1, 60)], 41) == 41010


def test_the_first_broken_rule_answers() -> None:
    """Contract 8.4: size, count, content, bytes."""
    stored = [make_stored(1, 50), make_stored(2, 50)]
    everything_wrong = make_collection(2, one=60, whole=100, strategy=ALERT)
    assert outcome(everything_wrong, stored, 61, duplicate=1) == 40109
    assert outcome(everything_wrong, stored, 60, duplicate=1) == 41012
    assert outcome(replace(everything_wrong, strategy=OLDEST), stored, 60, duplicate=1) == 41011
    assert outcome(replace(everything_wrong, strategy=OLDEST), stored, 60) == 41010
    assert outcome(replace(everything_wrong, strategy=OLDEST), stored, 50) == [1]


@pytest.mark.parametrize(
    ("count", "held", "leaving"), [(0, 0, 0), (0, 10**6, 0), (3, 0, 0), (3, 2, 0), (3, 3, 1), (3, 9, 7), (1, 1, 1)]
)
def test_only_what_may_leave_is_looked_at(count: int, held: int, leaving: int) -> None:
    assert may_leave(make_collection(count, versions_count=held)) == leaving


@pytest.mark.parametrize(
    ("strategy", "count", "held", "full"),
    [
        (ALERT, 1, 0, False),
        (ALERT, 1, 1, True),
        (ALERT, 2, 1, False),
        (ALERT, 2, 2, True),
        (ALERT, 2, 3, True),
        (ALERT, 0, 100, False),
        (OLDEST, 2, 2, False),
        (OLDEST, 2, 9, False),
    ],
)
def test_a_full_manual_collection_is_refused_before_the_body_is_read(
    strategy: Strategy, count: int, held: int, full: bool
) -> None:
    collection = make_collection(count, strategy=strategy, versions_count=held)
    if not full:
        already_full(collection)
        return
    with pytest.raises(RuleBroken, match=r"^Maximum count of files reached") as refusal:
        already_full(collection)
    assert refusal.value.code == 41012


@given(
    strategy=st.sampled_from(Strategy),
    limits=st.tuples(st.integers(0, 8), st.integers(0, 60), st.integers(0, 200)),
    uploads=st.lists(st.integers(1, 80), max_size=30),
    user_max=st.sampled_from([0, 50]),
)
def test_after_every_accepted_upload_each_limit_holds(
    strategy: Strategy, limits: tuple[int, int, int], uploads: list[int], user_max: int
) -> None:
    """Contract 8.4: count, bytes and size of one version; a refused upload changes nothing."""
    collection = make_collection(*limits, strategy=strategy)
    stored: list[StoredVersion] = []
    for number, size in enumerate(uploads, start=1):
        before = list(stored)
        present = holding(collection, stored)
        try:
            retired = judge(present, stored[: may_leave(present)], size=size, duplicate=None, user_max=user_max)
        except RuleBroken:
            assert stored == before
            continue
        arriving = StoredVersion(str(number), number, size)
        stored = [*(version for version in stored if version not in retired), arriving]
        assert collection.max_backups_count == 0 or len(stored) <= collection.max_backups_count
        assert collection.max_collection_size == 0 or sum(v.size for v in stored) <= collection.max_collection_size
        assert collection.max_one_version_size == 0 or size <= collection.max_one_version_size
        assert user_max == 0 or size <= user_max
        assert stored == [*before[len(retired) :], arriving]

"""Fields and limits of a collection (contract 6.2, 6.3)."""

from __future__ import annotations

import pytest

from backup_repository.collections.model import Limits, Strategy
from backup_repository.collections.rules import (
    check_backups_count,
    check_description,
    check_filename,
    check_limits,
    check_stored,
    check_strategy,
    parse_collection_id,
)
from backup_repository.errors import FieldError, PermissionDenied, RuleBroken
from backup_repository.sizes import parse_size

MB = 1_000_000
GB = 1_000 * MB
TB = 1_000 * GB
INSTANCE = Limits(10, 25 * GB, 150 * GB)
"""The instance maxima of the conformance cases."""
NO_MAXIMA = Limits(0, 0, 0)
GOOD = Limits(5, 10 * MB, 50 * MB)
UNLIMITED = Limits(0, 0, 0)


def code_of(
    new: Limits, instance: Limits = INSTANCE, *, may_be_unlimited: bool = False, previous: Limits | None = None
) -> tuple[int | None, str] | None:
    """The code and text of the refusal, None when the limits are fine."""
    try:
        check_limits(new, instance, may_be_unlimited=may_be_unlimited, previous=previous)
    except (RuleBroken, PermissionDenied) as refusal:
        return refusal.code, refusal.message
    return None


@pytest.mark.parametrize(
    ("count", "one", "whole", "code", "named"),
    [
        (1, "11MB", "10MB", 40105, ""),
        (1, "50GB", "100GB", 40103, "25.00GB"),
        (1, "1GB", "150TB", 40104, "150.00GB"),
        (99999999, "1MB", "10MB", 40102, "10"),
        (5, "5MB", "5MB", 40106, "25.00MB"),
    ],
)
def test_each_rule_has_its_code_and_names_the_maximum(count: int, one: str, whole: str, code: int, named: str) -> None:
    """Case 60."""
    refusal = code_of(Limits(count, parse_size(one), parse_size(whole)))
    assert refusal is not None
    assert refusal[0] == code
    assert named in refusal[1]


def test_good_limits_pass() -> None:
    assert code_of(GOOD) is None
    assert code_of(Limits(10, 15 * GB, 150 * GB)) is None
    assert code_of(Limits(1, 25 * GB, 25 * GB)) is None


@pytest.mark.parametrize(
    ("edge", "beyond", "code"),
    [
        (Limits(10, MB, GB), Limits(11, MB, GB), 40102),
        (Limits(1, 25 * GB, 150 * GB), Limits(1, 25 * GB + 1, 150 * GB), 40103),
        (Limits(1, GB, 150 * GB), Limits(1, GB, 150 * GB + 1), 40104),
        (Limits(1, 10 * MB, 10 * MB), Limits(1, 10 * MB + 1, 10 * MB), 40105),
        (Limits(5, 5 * MB, 25 * MB), Limits(5, 5 * MB, 25 * MB - 1), 40106),
    ],
)
def test_a_limit_may_be_reached_and_not_passed(edge: Limits, beyond: Limits, code: int) -> None:
    assert code_of(edge) is None
    refusal = code_of(beyond)
    assert refusal is not None
    assert refusal[0] == code


def test_the_first_broken_rule_answers() -> None:
    """Contract 6.3: the order of the rules."""
    broken_step_by_step = [
        (Limits(11, 200 * GB, 0), 40306),
        (Limits(11, 200 * GB, 160 * GB), 40102),
        (Limits(10, 200 * GB, 160 * GB), 40103),
        (Limits(10, 20 * GB, 160 * GB), 40104),
        (Limits(10, 20 * GB, 10 * GB), 40105),
        (Limits(10, 20 * GB, 20 * GB), 40106),
    ]
    for limits, code in broken_step_by_step:
        refusal = code_of(limits)
        assert refusal is not None, limits
        assert refusal[0] == code


@pytest.mark.parametrize("new", [Limits(0, MB, GB), Limits(5, 0, GB), Limits(5, MB, 0), UNLIMITED])
def test_an_unlimited_dimension_needs_the_permission(new: Limits) -> None:
    """Case 55."""
    refusal = code_of(new)
    assert refusal is not None
    assert refusal[0] == 40306
    assert code_of(new, may_be_unlimited=True) is None


@pytest.mark.parametrize("new", [Limits(0, 10 * MB, 50 * MB), Limits(5, 0, 50 * MB), Limits(5, 10 * MB, 0)])
def test_an_edit_may_keep_an_unlimited_dimension_but_not_open_one(new: Limits) -> None:
    """Case 57."""
    opened = code_of(new, previous=GOOD)
    assert opened is not None
    assert opened[0] == 40306
    assert code_of(new, previous=new) is None
    assert code_of(GOOD, previous=new) is None


def test_keeping_one_unlimited_dimension_does_not_open_another() -> None:
    """Case 57."""
    one_open = Limits(5, 0, 50 * MB)
    for two_open in (Limits(0, 0, 50 * MB), Limits(5, 0, 0)):
        refusal = code_of(two_open, previous=one_open)
        assert refusal is not None
        assert refusal[0] == 40306


@pytest.mark.parametrize(
    "new",
    [
        Limits(0, 25 * GB, 30 * GB),
        Limits(10, 0, MB),
        Limits(10, 25 * GB, 0),
        Limits(0, 0, 1),
        Limits(0, 1, 0),
        Limits(1, 0, 0),
        UNLIMITED,
    ],
)
def test_an_unlimited_dimension_takes_part_in_no_check(new: Limits) -> None:
    """Case 56; contract 6.2: neither against the instance maxima nor against other dimensions."""
    assert code_of(new, may_be_unlimited=True) is None


def test_the_other_dimensions_are_still_checked_beside_an_unlimited_one() -> None:
    for new, code in [
        (Limits(0, 26 * GB, 0), 40103),
        (Limits(0, 0, 151 * GB), 40104),
        (Limits(11, 0, 0), 40102),
        (Limits(0, 2 * MB, MB), 40105),
    ]:
        refusal = code_of(new, may_be_unlimited=True)
        assert refusal is not None
        assert refusal[0] == code


def test_the_maxima_bind_whoever_may_leave_limits_open() -> None:
    """Contract 6.3: the maxima bind administrators too."""
    refusal = code_of(Limits(11, MB, GB), may_be_unlimited=True)
    assert refusal is not None
    assert refusal[0] == 40102


def test_a_global_maximum_of_zero_switches_its_rule_off() -> None:
    huge = Limits(1_000_000, 10 * TB, 2**63 - 1)
    assert code_of(Limits(99999999, 1, 150 * GB), Limits(0, 25 * GB, 150 * GB)) is None
    assert code_of(Limits(1, TB, 150 * TB), NO_MAXIMA) is None
    refusal = code_of(huge, NO_MAXIMA)
    assert refusal is not None
    assert refusal[0] == 40106


# Rule 8


def stored_code(new: Limits, strategy: Strategy = Strategy.DELETE_OLDEST) -> int | None:
    """The refusal of limits for a collection with 3 versions, the largest of 4 MB, 9 MB together."""
    try:
        check_stored(new, strategy, versions_count=3, used_space=9 * MB, largest_version=4 * MB)
    except RuleBroken as refusal:
        return refusal.code
    return None


@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.parametrize(
    ("new", "code"),
    [
        (Limits(3, 4 * MB, 9 * MB), None),
        (Limits(3, 4 * MB, 9 * MB - 1), 40107),
        (Limits(3, 4 * MB - 1, 9 * MB), 40107),
        (Limits(3, 0, 0), None),
        (Limits(0, 4 * MB, 0), None),
        (UNLIMITED, None),
    ],
)
def test_limits_below_what_is_stored_are_refused(strategy: Strategy, new: Limits, code: int | None) -> None:
    """Case 67; an unlimited dimension takes part in no check."""
    assert stored_code(new, strategy) == code


def test_a_count_below_what_is_stored_is_fine_where_the_oldest_go() -> None:
    """Case 67; contract 13: with the new strategy."""
    assert stored_code(Limits(2, 4 * MB, 9 * MB), Strategy.DELETE_OLDEST) is None
    assert stored_code(Limits(2, 4 * MB, 9 * MB), Strategy.ALERT) == 40107
    assert stored_code(Limits(3, 4 * MB, 9 * MB), Strategy.ALERT) is None


def test_an_empty_collection_may_be_given_any_limits() -> None:
    check_stored(Limits(1, 1, 1), Strategy.ALERT, versions_count=0, used_space=0, largest_version=0)


# Fields


@pytest.mark.parametrize("name", ["a", "db.tar.gz", "A-Z_0.9+(x)@!,[y]$ z", " ", "..", "x" * 200])
def test_good_file_names_pass(name: str) -> None:
    assert check_filename(name) is None


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (None, 42011),
        ("", 42011),
        ("a/b", 42012),
        ("a\\b", 42012),
        ("ä.gz", 42012),
        ("x" * 201, 42012),
        ("a\n", 42012),
        ("a\tb", 42012),
        ('a"b', 42012),
        ("a;b", 42012),
        ("a\u0663", 42012),
        ("a%2fb", 42012),
    ],
)
def test_bad_file_names_have_their_codes(name: str | None, code: int) -> None:
    """Case 61."""
    error = check_filename(name)
    assert error is not None
    assert error.code == code


def test_descriptions_are_counted_in_characters() -> None:
    assert check_description("") is None
    assert check_description("ł" * 10_000) is None
    error = check_description("ł" * 10_001)
    assert error is not None
    assert error.code == 40003


def test_a_negative_count_is_named() -> None:
    """Case 58."""
    assert check_backups_count(-5) == FieldError("Number cannot be negative, got -5", 42016)
    assert check_backups_count(0) is None
    assert check_backups_count(5) is None


def test_an_unknown_strategy_is_quoted_beside_the_valid_ones_in_order() -> None:
    """Case 58; contract 1.5."""
    for strategy in Strategy:
        assert check_strategy(strategy.value) is None
    for wrong in ("rotate", "", "DELETE_OLDEST"):
        error = check_strategy(wrong)
        assert error is not None
        assert error.code == 42021
        assert f'"{wrong}"' in error.message
        oldest, alert = (error.message.index(strategy.value) for strategy in Strategy)
        assert oldest < alert


def test_a_chosen_id_is_a_uuid_and_kept_in_lower_case() -> None:
    """Case 62."""
    upper = "C011EC00-0000-4000-8000-00000000000F"
    assert parse_collection_id(upper) == upper.lower()
    with pytest.raises(RuleBroken) as refusal:
        parse_collection_id("my-collection")
    assert refusal.value.code == 40101

"""What holds for every collection and every maximum (contract 6.4, 8.4)."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from backup_repository.rotation.choose import STRATEGIES, choose


@dataclass(frozen=True)
class Backup:
    """A stored version."""

    number: int
    size: int


NAMES = st.sampled_from(sorted(STRATEGIES))
STORED = st.lists(
    st.builds(Backup, st.integers(1, 1000), st.integers(0, 2**40)), max_size=30, unique_by=lambda backup: backup.number
)
MAXIMA = st.integers(0, 40)


@given(NAMES, STORED, MAXIMA)
def test_after_an_accepted_upload_at_most_the_maximum_remains(name: str, stored: list[Backup], maximum: int) -> None:
    plan = choose(name)(stored, maximum)
    assert not plan.accept or maximum == 0 or len(plan.keep) + 1 <= maximum


@given(NAMES, STORED, MAXIMA)
def test_only_the_lowest_numbers_go_and_no_more_than_needed(name: str, stored: list[Backup], maximum: int) -> None:
    plan = choose(name)(stored, maximum)
    assert [*plan.retire, *plan.keep] == sorted(stored, key=lambda backup: backup.number)
    assert not plan.retire or len(plan.keep) + 1 == maximum


@given(NAMES, STORED, MAXIMA)
def test_a_refusal_retires_nothing(name: str, stored: list[Backup], maximum: int) -> None:
    plan = choose(name)(stored, maximum)
    assert plan.accept or (not plan.retire and set(plan.keep) == set(stored))


@given(NAMES, STORED, MAXIMA, st.randoms(use_true_random=False))
def test_the_order_of_the_versions_does_not_matter(
    name: str, stored: list[Backup], maximum: int, random: Random
) -> None:
    shuffled = list(stored)
    random.shuffle(shuffled)
    assert choose(name)(shuffled, maximum) == choose(name)(stored, maximum)


@given(NAMES, STORED, MAXIMA)
def test_every_decision_has_a_reason(name: str, stored: list[Backup], maximum: int) -> None:
    plan = choose(name)(stored, maximum)
    assert len(plan.reasons) == max(1, len(plan.retire))
    for version, reason in zip(plan.retire, plan.reasons, strict=False):
        assert reason.startswith(f"v{version.number} goes: ")


@given(STORED, MAXIMA)
def test_deleting_the_oldest_never_refuses_and_alerting_never_retires(stored: list[Backup], maximum: int) -> None:
    assert choose("delete_oldest_when_adding_new")(stored, maximum).accept
    assert choose("alert_when_too_many_versions")(stored, maximum).retire == ()


@given(NAMES, STORED, MAXIMA, st.integers(0, 30))
def test_the_oldest_versions_are_enough_to_decide(name: str, stored: list[Backup], maximum: int, unseen: int) -> None:
    """Whether an upload is accepted, what goes and why, when younger versions are only counted."""
    stored.sort(key=lambda backup: backup.number)
    whole = choose(name)(stored, maximum)
    shown = stored[: max(len(whole.retire), len(stored) - unseen)]
    part = choose(name)(shown, maximum, unseen=len(stored) - len(shown))
    assert (part.accept, part.retire, part.reasons) == (whole.accept, whole.retire, whole.reasons)
    assert part.keep == whole.keep[: len(shown) - len(whole.retire)]

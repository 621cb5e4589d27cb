"""What is due, by a clock that the test sets."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from realm.definitions import definition

from bahub.config.model import Backup
from bahub.schedule.memory import Memory
from bahub.schedule.plan import first_seen, plan

NIGHTLY = definition("db", schedule="30 2 * * *", timezone="UTC")
NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def known(backup: Backup, mark: datetime) -> dict[str, Memory]:
    return {backup.name: first_seen(backup, None, mark)}


def test_a_new_definition_waits_for_its_next_time() -> None:
    """Case 54."""
    planned = plan([NIGHTLY], {}, NOON)
    assert planned.new == ("db",)
    assert planned.due(NOON) == ()
    assert planned.next(NOON) == datetime(2026, 5, 2, 2, 30, tzinfo=UTC)


def test_a_definition_is_due_from_its_time_on() -> None:
    memory = known(NIGHTLY, NOON)
    time = datetime(2026, 5, 2, 2, 30, tzinfo=UTC)
    assert plan([NIGHTLY], memory, time - timedelta(microseconds=1)).due(time - timedelta(microseconds=1)) == ()
    assert plan([NIGHTLY], memory, time).due(time) == ("db",)


def test_days_of_downtime_give_one_run() -> None:
    """Case 54."""
    memory = known(NIGHTLY, NOON)
    later = NOON + 5 * DAY
    assert plan([NIGHTLY], memory, later).due(later) == ("db",)
    ran = {"db": replace(memory["db"], mark=later)}
    after = plan([NIGHTLY], ran, later)
    assert after.due(later) == ()
    assert after.next(later) == datetime(2026, 5, 7, 2, 30, tzinfo=UTC)


def test_times_that_a_long_run_missed_happen_once() -> None:
    """Case 54."""
    often = definition("db", schedule="*/10 * * * *", timezone="UTC")
    memory = known(often, NOON)
    done = NOON + timedelta(minutes=45)
    assert plan([often], memory, done).due(done) == ("db",)
    ran = {"db": replace(memory["db"], mark=done)}
    assert plan([often], ran, done).next(done) == NOON + timedelta(minutes=50)


def test_a_definition_without_schedule_is_never_due() -> None:
    planned = plan([definition("by-hand")], {}, NOON)
    assert (planned.planned, planned.next(NOON)) == ((), None)


def test_another_line_or_zone_makes_a_definition_new_and_keeps_its_last_result() -> None:
    ran = {"db": replace(known(NIGHTLY, NOON)["db"], started=NOON, ended=NOON, code=5)}
    later = NOON + 3 * DAY
    for changed in (
        definition("db", schedule="0 * * * *", timezone="UTC"),
        definition("db", schedule="30 2 * * *", timezone="Europe/Warsaw"),
    ):
        planned = plan([changed], ran, later)
        assert (planned.new, planned.due(later)) == (("db",), ())
        again = first_seen(changed, ran["db"], later)
        assert (again.code, again.started, again.mark) == (5, NOON, later)
        assert plan([changed], {"db": again}, later).new == ()


def test_who_is_due_longest_comes_first() -> None:
    late = definition("late", schedule="0 3 * * *", timezone="UTC")
    early = definition("early", schedule="0 1 * * *", timezone="UTC")
    memory = known(late, NOON) | known(early, NOON)
    assert plan([late, early], memory, NOON + DAY).due(NOON + DAY) == ("early", "late")


def test_a_mark_that_a_wrong_clock_made_does_not_stop_backups_for_years() -> None:
    memory = known(NIGHTLY, NOON + 3650 * DAY)
    assert plan([NIGHTLY], memory, NOON).next(NOON) == datetime(2026, 5, 2, 2, 30, tzinfo=UTC)


def test_a_clock_that_goes_back_a_little_repeats_nothing() -> None:
    time = datetime(2026, 5, 2, 2, 30, tzinfo=UTC)
    memory = known(NIGHTLY, time + timedelta(milliseconds=3))
    assert plan([NIGHTLY], memory, time - timedelta(minutes=1)).next(time - timedelta(minutes=1)) == time + DAY

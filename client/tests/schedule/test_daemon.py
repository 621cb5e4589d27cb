"""The scheduler as a process: signals, clocks, runs that go on, fail and are stopped."""

from __future__ import annotations

import signal
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from realm.scheduling import START, Scheduler, scheduler
from world.waiting import eventually

from bahub.schedule.locks import locked
from bahub.schedule.memory import Memories

HOUR = timedelta(hours=1)


@pytest.fixture
def place(tmp_path: Path) -> Scheduler:
    """A scheduler that is not started, with two hourly definitions, at noon."""
    made = Scheduler(tmp_path)
    made.write(db="0 * * * *", www="0 * * * *")
    made.set_clock(START)
    return made


def test_a_new_definition_waits_then_runs_at_its_time(place: Scheduler) -> None:
    """Case 54."""
    with scheduler(place) as running:
        assert running.happened() == []
        running.set_clock(START + HOUR)
        running.did("db begins", "db ends", "www begins", "www ends")
        running.set_clock(START + HOUR * 1.5)
        running.set_clock(START + HOUR * 2)
        running.logged("www: is done", times=2)
        assert len(running.happened()) == 8


def test_definitions_run_one_after_another(place: Scheduler) -> None:
    """Case 54."""
    with scheduler(place) as running:
        running.hold()
        running.set_clock(START + HOUR)
        running.did("db begins")
        running.set_clock(START + HOUR * 1.1)
        running.release()
        running.did("db begins", "db ends", "www begins", "www ends")


def test_parallel_lets_more_of_them_run_at_once(place: Scheduler) -> None:
    with scheduler(place, parallel=2) as running:
        running.hold()
        running.set_clock(START + HOUR)
        eventually(lambda: set(running.happened()) == {"db begins", "www begins"})
        running.release()
        eventually(lambda: len(running.happened()) == 4)


def test_times_that_pass_while_a_run_goes_on_happen_once_after_it(place: Scheduler) -> None:
    """Case 54."""
    place.write(db="0 * * * *")
    with scheduler(place) as running:
        running.hold()
        running.set_clock(START + HOUR)
        running.did("db begins")
        running.set_clock(START + HOUR * 6)
        running.release()
        running.did("db begins", "db ends", "db begins", "db ends")
        running.logged("db: is done", times=2)
    assert Memories(place.state).read(["db"])["db"].mark == START + HOUR * 6


def test_a_day_of_downtime_gives_one_run(place: Scheduler) -> None:
    """Case 54."""
    with scheduler(place):
        pass
    place.set_clock(START + HOUR * 24)
    with scheduler(place) as running:
        running.did("db begins", "db ends", "www begins", "www ends")
        running.logged("www: is done")
        running.set_clock(START + HOUR * 24.5)
        assert running.stopped() == 143
    assert len(place.happened()) == 4


def test_a_definition_that_runs_by_hand_is_waited_for(place: Scheduler) -> None:
    """Case 54: manual runs included."""
    place.write(db="0 * * * *")
    with scheduler(place) as running:
        with locked(place.state, "db"):
            running.set_clock(START + HOUR * 3)
            running.logged("db: is due, and waits: it is already running")
            assert running.happened() == []
        running.set_clock(START + HOUR * 3.1)
        running.did("db begins", "db ends")
        running.logged("db: is done")


def test_a_run_that_fails_is_logged_and_the_next_ones_go_on(place: Scheduler) -> None:
    (place.root / "db.code").write_text("5")
    with scheduler(place) as running:
        running.set_clock(START + HOUR)
        running.logged("<3>db: failed with exit code 5")
        running.logged("<6>www: is done")
        assert '<6>db: {"event": "backup.started"}' in running.log()
        assert "<5>db: trouble of db" in running.log()
        running.set_clock(START + HOUR * 2)
        running.logged("<3>db: failed with exit code 5", times=2)
    assert Memories(place.state).read(["db"])["db"].code == 5


@pytest.mark.parametrize(("how", "reason"), [("early", "ended with exit code 3"), ("killed", "killed by signal 9")])
def test_a_run_that_could_not_tell_of_its_failure_is_told_of(place: Scheduler, how: str, reason: str) -> None:
    """Case 57."""
    (place.root / how).touch()
    with scheduler(place) as running:
        running.set_clock(START + HOUR)
        running.logged(f"<3>told that db failed: The run {reason}")
        running.logged("trouble of db")


def test_a_run_that_has_begun_tells_of_its_failure_itself(place: Scheduler) -> None:
    (place.root / "db.code").write_text("5")
    with scheduler(place) as running:
        running.set_clock(START + HOUR)
        running.logged("www: is done")
    assert not any("told that" in line for line in place.log())


def test_sighup_takes_over_the_file(place: Scheduler) -> None:
    with scheduler(place) as running:
        running.write(db="30 * * * *", new="0 * * * *")
        running.send(signal.SIGHUP)
        running.logged("the configuration is taken over")
        running.logged("schedules db, new")
        running.set_clock(START + HOUR)
        running.did("db begins", "db ends", "new begins", "new ends")


def test_sighup_with_a_broken_file_keeps_the_former_schedule_and_says_so(place: Scheduler) -> None:
    """Case 55: runs get the former configuration too."""
    former = place.file.read_text()
    with scheduler(place) as running:
        running.file.write_text("backups: {db: {}}\nbackups: {}\n")
        running.send(signal.SIGHUP)
        running.logged("<3>the configuration is not taken over, the former one stays:")
        running.logged("backups (line 2): is there twice")
        running.set_clock(START + HOUR)
        running.did("db begins", "db ends", "www begins", "www ends")
    assert (place.root / "db.configuration").read_text() == former


@pytest.mark.parametrize(("ending", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_stops_what_runs_and_starts_nothing_new(place: Scheduler, ending: signal.Signals, code: int) -> None:
    with scheduler(place) as running:
        running.hold()
        running.set_clock(START + HOUR)
        running.did("db begins")
        assert running.stopped(ending) == code
    assert place.happened() == ["db begins", "db asked to stop"]


def test_a_run_that_was_stopped_happens_after_the_next_start(place: Scheduler) -> None:
    place.write(db="0 0 * * *")
    with scheduler(place) as running:
        running.hold()
        running.set_clock(START + HOUR * 24)
        running.did("db begins")
        running.stopped()
    place.release()
    with scheduler(place) as running:
        running.did("db begins", "db asked to stop", "db begins", "db ends")
        running.logged("db: is done")


def test_a_run_that_was_cut_off_by_a_crash_is_not_repeated_at_once(place: Scheduler) -> None:
    place.write(db="0 0 * * *")
    with scheduler(place) as running:
        running.hold()
        running.set_clock(START + HOUR * 24)
        running.did("db begins")
        running.send(signal.SIGKILL)
    place.release()
    with scheduler(place) as running:
        running.stopped()
    assert place.happened().count("db begins") == 1


def test_what_does_not_stop_is_killed_within_the_bound(place: Scheduler) -> None:
    (place.root / "stubborn").touch()
    with scheduler(place, grace=0.2) as running:
        running.hold()
        running.set_clock(START + HOUR)
        running.did("db begins")
        assert running.stopped() == 143
        running.logged("db: is killed: it did not stop in time")


def test_a_second_signal_is_in_a_hurry(place: Scheduler) -> None:
    (place.root / "stubborn").touch()
    with scheduler(place, grace=600) as running:
        running.hold()
        running.set_clock(START + HOUR)
        running.did("db begins")
        running.send(signal.SIGTERM)
        running.logged("asks db to stop")
        assert running.stopped() == 143


def test_an_unexpected_error_is_told_and_does_not_end_the_scheduler(place: Scheduler) -> None:
    """Case 57."""
    with scheduler(place) as running:
        (place.root / "broken-clock").touch()
        running.set_clock(START + HOUR)
        running.logged("exception: the clock is broken")
        (place.root / "broken-clock").unlink()
        running.set_clock(START + HOUR)
        running.did("db begins", "db ends", "www begins", "www ends")


def test_there_is_one_scheduler_for_each_configuration(place: Scheduler) -> None:
    with scheduler(place):
        second = subprocess.run(
            place.command(), env=place.whole_environment(), capture_output=True, text=True, check=False
        )
    assert second.returncode == 1
    assert "is already running" in second.stderr

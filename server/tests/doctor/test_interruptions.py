"""What a signal does to a run, and when."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from backup_repository.doctor.interruptions import Interrupted, Interruptions

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, action in before.items():
        signal.signal(number, action)


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_ends_the_run_and_the_next_has_its_usual_effect(number: signal.Signals) -> None:
    actions: list[object] = []

    def run() -> None:
        with Interruptions().watched():
            try:
                os.kill(os.getpid(), number)
            finally:
                actions.extend(signal.getsignal(each) for each in SIGNALS)

    with pytest.raises(Interrupted):
        run()
    assert actions == [signal.SIG_DFL] * len(SIGNALS)


def test_a_signal_waits_for_the_end_of_what_must_be_done() -> None:
    interruptions = Interruptions()
    done = []

    def run() -> None:
        with interruptions.watched(), interruptions.deferred():
            os.kill(os.getpid(), signal.SIGTERM)
            done.append("all of it")

    with pytest.raises(Interrupted):
        run()
    assert done


def test_without_a_signal_nothing_ends() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    interruptions = Interruptions()
    with interruptions.watched(), interruptions.deferred():
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_what_is_ignored_stays_ignored() -> None:
    """A run below `nohup` outlives its terminal."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with Interruptions().watched():
        os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN

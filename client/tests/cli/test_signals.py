"""Whatever fails after a signal to end: the signal is what is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from realm.definitions import definition

from bahub.cli.jobs import reported
from bahub.cli.session import Session
from bahub.errors import Failed, Interrupted


@pytest.fixture
def session() -> Iterator[Session]:
    """One that has taken over the signals, which get back what they had."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    session = Session()
    session.ending.listen()
    yield session
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("failure", [Failed("the connection was lost"), ValueError("a defect")])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_failure_after_a_signal_is_the_signal(session: Session, number: int, failure: Exception) -> None:
    """Neither is it told as a failure, nor does the next definition begin."""

    def work() -> None:
        try:
            os.kill(os.getpid(), number)
        except Interrupted:
            raise failure from None

    with pytest.raises(Interrupted) as caught:
        reported(session, definition("files"), "backup.failed", work)
    assert caught.value.exit_code == 128 + number


@pytest.mark.usefixtures("session")
def test_a_second_signal_does_not_interrupt_the_clean_up() -> None:
    with pytest.raises(Interrupted) as caught:
        os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)
    assert caught.value.exit_code == 143


def test_a_failure_without_a_signal_stays_what_it_is(session: Session) -> None:
    error = Failed("the connection was lost")
    assert session.ending.reason(error) is error


def test_a_program_that_fails_after_a_signal_ends_with_its_code() -> None:
    """Where nothing is reported for a definition, too."""
    program = """
import os, signal
from bahub.cli import main
from bahub.errors import Failed, Interrupted

class App:
    def __call__(self, args, obj):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except Interrupted:
            raise Failed("the connection was lost")

main.build_app = lambda called: App()
main.main()
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (143, "error: interrupted by SIGTERM\n")

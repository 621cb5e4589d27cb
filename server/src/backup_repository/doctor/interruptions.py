"""Signals that end a run: at once where nothing is at stake, and after the tidying up where something is."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Somebody wants the run to end."""


class Interruptions:
    """Turns the first signal into an exception; a second one ends the process as if nobody listened."""

    def __init__(self) -> None:
        self._watched: tuple[signal.Signals, ...] = ()
        self._wanted = False
        self._holding = False

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Listen for signals, but not for those that whoever started the process wants ignored, like `nohup`.

        Raises:
            Interrupted: one came.
        """
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        self._watched = tuple(number for number, action in before.items() if action is not signal.SIG_IGN)
        try:
            for number in self._watched:
                signal.signal(number, self._heard)
            yield
        finally:
            for number in self._watched:
                signal.signal(number, before[number])

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Let a block run to its end.

        Raises:
            Interrupted: a signal came meanwhile, or before.
        """
        self._holding = True
        try:
            yield
        finally:
            self._holding = False
        if self._wanted:
            raise Interrupted

    def _heard(self, _number: int, _frame: FrameType | None) -> None:
        for number in self._watched:
            signal.signal(number, signal.SIG_DFL)
        self._wanted = True
        if not self._holding:
            raise Interrupted

"""Signals that end the program.

The first one is an exception, `Interrupted`, where the program waits; clean-up is not interrupted by more. Whatever
fails after it, fails because of it, or does not matter any more: the signal is what is told, and nothing is begun.
"""

from __future__ import annotations

import signal
from types import FrameType

from bahub.errors import Interrupted

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ending:
    """The end of this process by a signal, once it has come."""

    def __init__(self) -> None:
        self._number = 0

    def listen(self) -> None:
        """Take over the signals, but those that are ignored, as under nohup."""
        for number in _ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._begin)

    def reason(self, error: Exception) -> Exception | Interrupted:
        """Return what an error that was met means: the signal that came before it, else the error itself."""
        return Interrupted(self._number) if self._number else error

    def _begin(self, number: int, _frame: FrameType | None) -> None:
        if not self._number:
            self._number = number
            raise Interrupted(number)

"""The last lines that a program wrote, however much it writes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

from bahub.masking import masked

KEPT = 20
"""Lines."""
_LONGEST = 2000
"""Bytes of a line."""


class LastLines:
    """Takes bytes as they come and keeps the last lines, with secrets masked."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=KEPT)
        self._rest = b""
        self._lock = threading.Lock()

    def feed(self, data: bytes) -> Sequence[str]:
        """Take what was written, and return the lines it completed."""
        with self._lock:
            *whole, rest = (self._rest + data).replace(b"\r", b"\n").split(b"\n")
            self._rest = rest[:_LONGEST]
            lines = [text for line in whole if (text := _text(line))]
            self._lines.extend(lines)
            return lines

    def lines(self) -> tuple[str, ...]:
        """Return the last lines, an unfinished one included."""
        with self._lock:
            rest = _text(self._rest)
            return (*self._lines, rest)[-KEPT:] if rest else tuple(self._lines)


def _text(line: bytes) -> str:
    return masked(line[:_LONGEST].decode(errors="replace").rstrip())

"""What a planned run prints, as the scheduler reads it: objects on stdout, one a line, and sentences on stderr."""

from __future__ import annotations

import json
from collections import deque
from signal import SIGINT, SIGTERM
from typing import Any

from bahub.errors import Interrupted

_LAST = 5
"""Lines of stderr that a message quotes."""
_ENDED_IN_ORDER = frozenset(Interrupted(number).exit_code for number in (SIGINT, SIGTERM))
_SIGNALLED = 128
"""Exit codes above this one mean a signal."""


class Printed:
    """What one run has printed so far."""

    def __init__(self) -> None:
        self._has_begun = False
        self._last: deque[str] = deque(maxlen=_LAST)

    def take(self, line: str, *, is_error: bool) -> dict[str, Any]:
        """Take a line; return the object it holds, empty when it holds none."""
        if is_error:
            self._last.append(line)
            return {}
        try:
            said = json.loads(line)
        except ValueError:
            return {}
        if not isinstance(said, dict):
            return {}
        self._has_begun = self._has_begun or said.get("event") == "backup.started"
        return said

    def untold(self, code: int) -> str | None:
        """Say why a run failed that told nobody: it never began, or was killed. None: it succeeded, or has told."""
        if code == 0 or (self._has_begun and (code <= _SIGNALLED or code in _ENDED_IN_ORDER)):
            return None
        how = f"killed by signal {code - _SIGNALLED}" if code > _SIGNALLED else f"ended with exit code {code}"
        return "\n".join((f"The run {how}", *self._last))

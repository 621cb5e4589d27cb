"""Waits for what another process does, without guessing how long it takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_PATIENCE = 120.0
"""Seconds after which it will not happen any more."""


def eventually(look: Callable[[], T]) -> T:
    """Look again and again until there is something to see, and return it.

    Raises:
        TimeoutError: it never came.
    """
    deadline = time.monotonic() + _PATIENCE
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"still {seen!r}")
        time.sleep(0.01)
    return seen

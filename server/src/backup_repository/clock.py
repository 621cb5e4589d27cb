"""Now, as something handed in: rules that depend on time take a moment, jobs take a clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""Gives the present moment, in UTC, with microseconds."""


def now() -> datetime:
    """Return the present moment in UTC; the clock of every real instance."""
    return datetime.now(UTC)

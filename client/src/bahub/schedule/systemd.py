"""What a service manager wants to hear, and how its journal likes lines: nothing happens where there is none."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Mapping

ERROR, WARNING, NOTICE, INFO = 3, 4, 5, 6
"""Priorities of the journal."""


def journal_line(priority: int, text: str, environment: Mapping[str, str]) -> str:
    """Return a line of the log: for the journal with its priority, elsewhere with the time."""
    if environment.get("JOURNAL_STREAM"):
        return "\n".join(f"<{priority}>{line}" for line in text.splitlines())
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {text}"


def tell_service_manager(environment: Mapping[str, str], *facts: str) -> None:
    """Tell facts as `READY=1` to the service manager, if it asked for them."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # how an address without a file is written
        address = f"\0{address[1:]}"
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager,
    ):
        manager.sendto("\n".join(facts).encode(), address)


def reloading() -> tuple[str, ...]:
    """Return the facts that say that a reload begins; `READY=1` ends it."""
    return "RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}"


def watchdog_seconds(environment: Mapping[str, str]) -> float | None:
    """Return how often the service manager wants to hear `WATCHDOG=1` at least; None: not at all."""
    with contextlib.suppress(ValueError):
        if environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid()):
            return int(environment.get("WATCHDOG_USEC", "")) / 1_000_000
    return None

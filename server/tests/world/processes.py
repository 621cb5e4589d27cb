"""The processes of a server with workers."""

from __future__ import annotations

import contextlib

import psutil


def processes_below(process_id: int) -> list[psutil.Process]:
    """Return the processes that one has started; none when it is gone."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(process_id).children(recursive=True)
    return []


def workers_of(supervisor: int) -> list[psutil.Process]:
    """Return the serving processes below a supervisor: not the one that tracks resources, none that has ended."""
    return [child for child in processes_below(supervisor) if "spawn_main" in _command(child)]


def _command(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.NoSuchProcess):  # or a zombie
        return " ".join(process.cmdline())
    return ""

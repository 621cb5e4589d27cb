"""What a set-up costs: processor time and memory of its processes and all their children."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_RESET_PEAK = "5"


@dataclass(frozen=True, slots=True)
class Memory:
    """The largest amounts of resident memory, in bytes."""

    largest: int
    """Of the largest process."""
    total: int
    """Of all processes; pages that they share count for each of them."""


def cpu_seconds(roots: Iterable[int], *, alone: bool = False) -> float:
    """Add up the processor time of these processes and their children, also of children that have ended.

    Args:
        roots: their ids.
        alone: leave out children that still run.
    """
    return sum(_ticks(pid) for pid in (roots if alone else members(roots))) * _TICK


def forget_peaks(roots: Iterable[int]) -> None:
    """Begin to look for the largest amount of memory anew."""
    for pid in members(roots):
        Path(f"/proc/{pid}/clear_refs").write_text(_RESET_PEAK)


def peak_memory(roots: Iterable[int], *, alone: bool = False) -> Memory:
    """Return the largest amounts of memory since `forget_peaks`, or ever.

    Args:
        roots: ids of processes.
        alone: leave out their children.
    """
    peaks = [_peak(pid) for pid in (roots if alone else members(roots))]
    return Memory(max(peaks), sum(peaks))


def resident_memory(roots: Iterable[int]) -> int:
    """Add up what these processes and their children hold now, in bytes."""
    return sum(psutil.Process(pid).memory_info().rss for pid in members(roots))


def members(roots: Iterable[int]) -> list[int]:
    """Return the ids of processes, each followed by those of its children."""
    processes = [psutil.Process(pid) for pid in roots]
    return [one.pid for root in processes for one in (root, *root.children(recursive=True))]


def _ticks(pid: int) -> int:
    # The name of the program, in brackets, may contain anything; what follows is numbers.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system, children_user, children_system = (int(value) for value in fields[11:15])
    return user + system + children_user + children_system


def _peak(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "VmHWM":
            return int(value.split()[0]) * 1024
    raise RuntimeError(f"process {pid} shows no VmHWM")

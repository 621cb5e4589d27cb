"""How much memory a server has needed."""

from __future__ import annotations

from pathlib import Path

import psutil


def peak_memory(pid: int) -> int:
    """Add up the largest resident size that each process of a server ever had, in bytes."""
    process = psutil.Process(pid)
    return sum(_high_water(one.pid) for one in (process, *process.children(recursive=True)))


def _high_water(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(kilobytes) * 1024

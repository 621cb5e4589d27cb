"""A control group of Linux: what a few processes may use together, the page cache of their files included.

Needs the right to make control groups: root's, in the second version of cgroups as in the first. The group is made
below the own one (first version) or beside it (second version), so every limit around us stays in force.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.client import Refused

_PERIOD = 100_000
"""Microseconds in which the share of the processor may be used up."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the processes in a control group may use together."""

    memory: int
    """Bytes; no swap beyond them."""
    cores: float
    """Processor time per time."""


@dataclass(frozen=True, slots=True)
class Pressure:
    """What the memory limit has done so far."""

    reached: int
    """How often something had to be thrown out of memory, or written to the disk, before more could be had."""
    killed: int
    """Processes that were ended for want of memory."""


@dataclass(frozen=True, slots=True)
class Group:
    """A control group: one directory, or in the first version one per controller."""

    directories: Sequence[Path]
    homes: Sequence[Path]
    """Where this process belongs."""
    counters: Mapping[str, tuple[str, str]]
    """Where the numbers of `Pressure` are: a file, and the word in front of the number."""

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Be in the group for a while, so that the processes started meanwhile are, and stay."""
        _enter(self.directories)
        try:
            yield
        finally:
            _enter(self.homes)

    def pressure(self) -> Pressure:
        """Count what has happened."""
        return Pressure(**{name: self._count(*place) for name, place in self.counters.items()})

    def _count(self, file: str, word: str) -> int:
        (path,) = (directory / file for directory in self.directories if (directory / file).exists())
        lines = [line.split() for line in path.read_text().splitlines()]
        return next(int(line[-1]) for line in lines if line[:-1] == word.split())


@contextmanager
def limited(limits: Limits) -> Iterator[Group]:
    """Make a control group and remove it; all of its processes must have ended by then.

    Raises:
        Refused: that is not possible here.
    """
    try:
        mounted = _mounted()
        second = "memory" not in mounted
        group = _second(mounted["cgroup2"], limits) if second else _first(mounted, limits)
    except (OSError, KeyError) as error:
        raise Refused(f"no control group can be made: {error!r}; it takes root's rights") from error
    try:
        yield group
    finally:
        for directory in group.directories:
            directory.rmdir()


def _first(mounted: Mapping[str, Path], limits: Limits) -> Group:
    homes = [mounted[name] / _own(name) for name in ("memory", "cpu")]
    memory, cpu = made = [Path(tempfile.mkdtemp(prefix="bench-", dir=home)) for home in homes]
    (memory / "memory.limit_in_bytes").write_text(str(limits.memory))
    (memory / "memory.swappiness").write_text("0")
    (cpu / "cpu.cfs_period_us").write_text(str(_PERIOD))
    (cpu / "cpu.cfs_quota_us").write_text(str(round(limits.cores * _PERIOD)))
    return Group(made, homes, {"reached": ("memory.failcnt", ""), "killed": ("memory.oom_control", "oom_kill")})


def _second(mount: Path, limits: Limits) -> Group:
    home = mount / _own("")
    # a group with processes in it cannot have others below it, so ours is beside the own one
    around = mount if home == mount else home.parent
    (around / "cgroup.subtree_control").write_text("+memory +cpu")
    made = Path(tempfile.mkdtemp(prefix="bench-", dir=around))
    (made / "memory.max").write_text(str(limits.memory))
    if (made / "memory.swap.max").exists():
        (made / "memory.swap.max").write_text("0")
    (made / "cpu.max").write_text(f"{round(limits.cores * _PERIOD)} {_PERIOD}")
    return Group([made], [home], {"reached": ("memory.events", "max"), "killed": ("memory.events", "oom_kill")})


def _mounted() -> dict[str, Path]:
    """Find where the controllers of the first version are, by their names, and the second version as `cgroup2`."""
    found: dict[str, Path] = {}
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, options, *_ = line.split()
        if kind == "cgroup2":
            found[kind] = Path(place)
        elif kind == "cgroup":
            found |= {name: Path(place) for name in options.split(",") if name in {"memory", "cpu"}}
    return found


def _own(controller: str) -> str:
    """Return the path of the own group below the mount; without a controller that of the second version."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return path.lstrip("/")
    raise KeyError(controller)


def _enter(directories: Sequence[Path]) -> None:
    for directory in directories:
        (directory / "cgroup.procs").write_text("0")  # 0 is whoever writes

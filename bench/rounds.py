"""Interleaved rounds: every contender once per round, in changing order, so that the machine's moods meet them all."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.processes import Memory, cpu_seconds, forget_peaks, peak_memory


@dataclass(frozen=True, slots=True)
class Contender:
    """Somebody who does a job, to be compared with others who do the same."""

    name: str
    pids: tuple[int, ...]
    """Its processes; their children count too."""
    prepare: Callable[[], Callable[[], None]]
    """Makes the job ready, untimed, and returns it."""
    tidy: Callable[[], None]
    """Removes, untimed, what the job left."""


@dataclass(frozen=True, slots=True)
class Run:
    """One measured job."""

    seconds: float
    cpu: float
    """Seconds of processor time of the contender."""
    memory: Memory


@dataclass(slots=True)
class Series:
    """All measured jobs of one contender, round by round."""

    contender: Contender
    runs: list[Run] = field(default_factory=list)

    def seconds(self) -> float:
        """Return the median duration."""
        return statistics.median(run.seconds for run in self.runs)

    def cpu(self) -> float:
        """Return the median of the processor time, in seconds."""
        return statistics.median(run.cpu for run in self.runs)

    def memory(self) -> Memory:
        """Return the largest amounts of memory in any round."""
        return Memory(max(run.memory.largest for run in self.runs), max(run.memory.total for run in self.runs))

    def speed_ratios(self, reference: Series) -> list[float]:
        """Return how many times as fast as another this one was, in each round."""
        return [other.seconds / run.seconds for run, other in zip(self.runs, reference.runs, strict=True)]

    def speed_ratio(self, reference: Series) -> float:
        """Return the median of `speed_ratios`."""
        return statistics.median(self.speed_ratios(reference))

    def cpu_ratio(self, reference: Series) -> float:
        """Return the median, over the rounds, of how many times as much processor time as another this one took."""
        return statistics.median(run.cpu / other.cpu for run, other in zip(self.runs, reference.runs, strict=True))


def measure(job: str, contenders: Sequence[Contender], rounds: int) -> list[Series]:
    """Let all contenders do the job in so many rounds, after one round that does not count."""
    series = [Series(contender) for contender in contenders]
    for number in range(rounds + 1):
        turn = number % len(series)
        for one in series[turn:] + series[:turn]:
            run = _once(one.contender)
            if number:
                one.runs.append(run)
            counted = f"round {number} of {rounds}" if number else "warming up"
            print(f"bench: {job}, {counted}: {one.contender.name} {run.seconds:.2f} s", file=sys.stderr, flush=True)
    return series


def _once(contender: Contender) -> Run:
    job = contender.prepare()
    os.sync()  # what somebody before has not waited for must not slow down the next
    forget_peaks(contender.pids)
    cpu = cpu_seconds(contender.pids)
    start = time.perf_counter()
    job()
    seconds = time.perf_counter() - start
    run = Run(seconds, cpu_seconds(contender.pids) - cpu, peak_memory(contender.pids))
    contender.tidy()
    return run

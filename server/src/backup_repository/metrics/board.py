"""Numbers in a block of memory that the processes of one server share.

Each process writes a block of its own and reads all of them. A process that is started in another's place takes its
block over and counts on, so that sums over all never fall. The blocks have no names: they vanish with the supervisor.

Layout, in words of 8 bytes: how many words are used; the process id; then for each number the length of its name in
bytes, the name, filled up to whole words, and the value.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import mmap
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Cell: TypeAlias = tuple[str, ...]
"""What one number is called: its metric and the values of its labels. None of them holds U+0000."""

SIZE = 512 * 1024
"""Bytes of a block; only what is used takes memory. A test adds up the longest and most cells there can be."""
ROOM = 64 * 1024
"""Bytes behind it for what a process is just doing; see `running.py`."""

_log = logging.getLogger(__name__)

_ATTEMPTS, _PAUSE_SECONDS = 50, 0.01
"""A process looks for a block for half a second, before it serves."""
_WORD = 8
_USED, _PROCESS, _FIRST = 0, 1, 2


class Board:
    """The block of this process; one thread writes."""

    def __init__(self, memory: mmap.mmap | None = None) -> None:
        """Begin a block, or go on with one that another process has left.

        Args:
            memory: `SIZE + ROOM` bytes, at first all 0; None: a block that nobody else sees.
        """
        self.memory = mmap.mmap(-1, SIZE + ROOM) if memory is None else memory
        self._counts = memoryview(self.memory)[:SIZE].cast("q")
        self._values = memoryview(self.memory)[:SIZE].cast("d")
        self._places = {cell: place for cell, place in _cells(self._counts) if cell}
        self._counts[_USED] = max(self._counts[_USED], _FIRST)
        self._counts[_PROCESS] = os.getpid()

    def add(self, cell: Cell, amount: float = 1) -> None:
        """Add to a number."""
        self._values[self._place(cell)] += amount

    def put(self, cell: Cell, value: float) -> None:
        """Replace a number."""
        self._values[self._place(cell)] = value

    def clear(self, names: frozenset[str]) -> None:
        """Set the numbers of these metrics to 0."""
        for cell, place in self._places.items():
            if cell[0] in names:
                self._values[place] = 0

    def _place(self, cell: Cell) -> int:
        place = self._places.get(cell)
        if place is None:
            place = self._places[cell] = self._append("\0".join(cell).encode())
        return place

    def _append(self, name: bytes) -> int:
        """Make room for a number; what is used is told last, because others read meanwhile."""
        start = self._counts[_USED]
        place = start + 1 + -(-len(name) // _WORD)
        self._counts[start] = len(name)
        self.memory[(start + 1) * _WORD : (start + 1) * _WORD + len(name)] = name
        self._counts[_USED] = place + 1
        return place


def _cells(words: memoryview) -> Iterator[tuple[Cell, int]]:
    """Give the name of each number in a block, and in which word its value is."""
    octets = words.cast("B")
    start, used = _FIRST, words[_USED]
    while start < used:
        length = words[start]
        place = start + 1 + -(-length // _WORD)
        name = bytes(octets[(start + 1) * _WORD : (start + 1) * _WORD + length])
        yield tuple(name.decode().split("\0")), place
        start = place + 1


@dataclass(frozen=True, slots=True)
class Reading:
    """What one process has counted."""

    process: int
    """Its id."""
    alive: bool
    values: dict[Cell, float]


def read(memory: mmap.mmap, *, alive: bool) -> Reading:
    """Read a block while its owner may go on writing."""
    with memoryview(memory) as octets, octets.cast("q") as words, octets.cast("d") as values:
        return Reading(words[_PROCESS], alive, {cell: values[place] for cell, place in _cells(words)})


class Boards:
    """All blocks of one server, seen from one of its processes."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        """Take a free block.

        Args:
            names: of the blocks, from `Blocks.names`; none: this process serves alone.
        """
        descriptors = list(_opened(names))
        taken = _take_one(descriptors)
        if names and taken is None:
            _log.warning("the numbers of this process will be missing from the metrics of the others")
        self._others = [(other, mmap.mmap(other, SIZE + ROOM)) for other in descriptors if other != taken]
        self.own = Board(None if taken is None else mmap.mmap(taken, SIZE + ROOM))

    def read(self) -> list[Reading]:
        """Read the blocks of all processes, this one's first."""
        return [read(self.own.memory, alive=True), *(self._read(*other) for other in self._others)]

    def living(self) -> list[mmap.mmap]:
        """Return the blocks of the processes that live, this one's first."""
        return [self.own.memory, *(memory for descriptor, memory in self._others if _is_held(descriptor))]

    @staticmethod
    def _read(descriptor: int, memory: mmap.mmap) -> Reading:
        return read(memory, alive=_is_held(descriptor))


def _opened(names: Sequence[str]) -> Iterator[int]:
    for name in names:
        with contextlib.suppress(OSError):  # the supervisor is gone, and this process soon
            yield os.open(name, os.O_RDWR | os.O_CLOEXEC)


def _take_one(descriptors: Sequence[int]) -> int | None:
    """Lock a free block for as long as its descriptor is open, which is never closed."""
    for attempt in range(_ATTEMPTS):
        for descriptor in descriptors:
            if _lock(descriptor, fcntl.LOCK_EX):
                return descriptor
        if descriptors and attempt + 1 < _ATTEMPTS:
            time.sleep(_PAUSE_SECONDS)  # somebody may just be looking whether the owner of a free one lives
    return None


def _is_held(descriptor: int) -> bool:
    """Whether somebody lives who owns this block: who does holds it locked."""
    free = _lock(descriptor, fcntl.LOCK_SH)
    if free:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    return not free


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Blocks:
    """The memory for the processes of one server, made by their supervisor, which keeps it until it ends."""

    def __init__(self, count: int) -> None:
        self._descriptors = [os.memfd_create("counters", os.MFD_CLOEXEC) for _ in range(count)]
        for descriptor in self._descriptors:
            os.ftruncate(descriptor, SIZE + ROOM)

    @property
    def names(self) -> list[str]:
        """Where the processes below find it."""
        return [f"/proc/{os.getpid()}/fd/{descriptor}" for descriptor in self._descriptors]

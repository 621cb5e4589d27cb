"""What the processes of one server are receiving right now, in the memory that they share (see `board.py`).

Each process writes a row for each of its running uploads, into its own block; nobody waits for anybody, no file and no
database is touched, and the rows of a process that dies count no more. A reader never takes the halves of two uploads
for one: a row's stamp is odd while the row changes or is free, and another one afterwards.

A row, in words of 8 bytes: stamp; the collection's id, two words; begin in microseconds since 1970; announced bytes, -1
for unknown; received bytes; 1 when the bytes had landed whole before we saw them. The eighth is spare.
"""

from __future__ import annotations

import contextlib
import heapq
import mmap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from backup_repository.metrics.board import ROOM, SIZE

_WORD, _ROW = 8, 8
_STAMP, _ID, _BEGUN, _ANNOUNCED, _RECEIVED, _LANDED = 0, 1, 3, 4, 5, 6
ROWS = ROOM // (_WORD * _ROW)
"""How many uploads of one process are seen at once; whatever goes beyond works as well, unseen."""
_LARGEST = 2**63 - 1
"""What a word holds; whoever announces more is refused."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Running:
    """One upload that has not ended."""

    collection_id: str
    begun_at: datetime
    announced: int | None
    """Bytes that will come at the most; None: nobody knows."""
    received: int
    """Bytes so far; of a landed body, those that were looked at."""
    landed: bool
    """Whether the bytes had come whole before the application saw them: a proxy landed them."""


class Rows:
    """The rows of this process, written from one event loop; the received bytes from one thread at a time."""

    def __init__(self, memory: mmap.mmap) -> None:
        """Begin in a block, where a process that is gone may have left rows."""
        self._octets = memoryview(memory)[SIZE:]
        self._words = self._octets.cast("q")
        for start in range(0, ROWS * _ROW, _ROW):
            if self._words[start + _STAMP] == 0:
                break
            self._words[start + _STAMP] |= 1
        self._free = list(range(ROWS))

    @contextlib.contextmanager
    def upload(
        self, collection_id: str, *, begun_at: datetime, announced: int | None, landed: bool
    ) -> Iterator[Callable[[int], None]]:
        """Show an upload for as long as the context lasts; call what this gives with the bytes received so far."""
        if not self._free:
            yield _unseen
            return
        start, words = self._free[0] * _ROW, self._words
        stamp = words[start + _STAMP] | 1
        words[start + _STAMP] = stamp
        self._octets[(start + _ID) * _WORD : (start + _BEGUN) * _WORD] = UUID(collection_id).bytes
        words[start + _BEGUN] = (begun_at - _EPOCH) // _MICROSECOND
        words[start + _ANNOUNCED] = -1 if announced is None else min(announced, _LARGEST)
        words[start + _RECEIVED] = 0
        words[start + _LANDED] = landed
        words[start + _STAMP] = stamp + 1
        row = heapq.heappop(self._free)  # not sooner: what failed until here would take the row for ever
        place = start + _RECEIVED

        def received(octets: int) -> None:
            words[place] = octets

        try:
            yield received
        finally:
            words[start + _STAMP] = stamp + 2
            heapq.heappush(self._free, row)


def _unseen(_octets: int) -> None:
    """Show nothing: there is no row left."""


def read(memory: mmap.mmap) -> list[Running]:
    """Read the rows of one process, which may go on writing."""
    found = []
    with memoryview(memory) as whole, whole[SIZE:] as octets, octets.cast("q") as words:
        for start in range(0, ROWS * _ROW, _ROW):
            stamp = words[start + _STAMP]
            if stamp == 0:  # the first free row is taken first: behind one that was never taken there is none
                break
            row = words[start : start + _ROW].tolist()
            name = bytes(octets[(start + _ID) * _WORD : (start + _BEGUN) * _WORD])
            if stamp % 2 == 0 and words[start + _STAMP] == stamp:
                found.append(_running(UUID(bytes=name), row))
    return found


def _running(collection: UUID, row: list[int]) -> Running:
    return Running(
        collection_id=str(collection),
        begun_at=_EPOCH + row[_BEGUN] * _MICROSECOND,
        announced=None if row[_ANNOUNCED] < 0 else row[_ANNOUNCED],
        received=row[_RECEIVED],
        landed=row[_LANDED] == 1,
    )

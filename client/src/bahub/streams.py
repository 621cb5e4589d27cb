"""Bytes on their way between two threads: bounded, and a failure is never taken for an end.

A `Pipe` holds at most `capacity` bytes. Its writer closes it when everything was written; until then a reader waits.
Either side may break it; then the other side's next call raises `Broken`, so that one failing stage ends them all.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Protocol

BLOCK = 1 << 18
"""Bytes that stages hand on at a time: large enough that Python costs nothing, small enough for small machines."""


class Broken(Exception):
    """The other side is gone; whoever broke it knows why."""


class Reader(Protocol):
    """Where bytes come from."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes (any size: one block), empty only at the end.

        Raises:
            Broken: the writer failed; what was read so far is not the whole.
        """


class Writer(Protocol):
    """Where bytes go to."""

    def write(self, data: bytes, /) -> int:
        """Take all of them, waiting for room; return how many.

        Raises:
            Broken: nobody reads any more.
        """

    def flush(self) -> None:
        """Do nothing: what was written is on its way. Libraries ask for it."""


class Pipe:
    """A bounded stream of bytes from one thread to another."""

    def __init__(self, capacity: int = 4 * BLOCK) -> None:
        self._capacity = capacity
        self._blocks: deque[bytes] = deque()
        self._held = 0
        self._offset = 0
        self._ended = False
        self._broken = False
        self._changed = threading.Condition()

    def write(self, data: bytes, /) -> int:
        """Take all the bytes, waiting for room."""
        if not data:
            return 0
        block = bytes(data)
        with self._changed:
            while not self._broken and self._held and self._held + len(block) > self._capacity:
                self._changed.wait()
            if self._broken:
                raise Broken
            self._blocks.append(block)
            self._held += len(block)
            self._changed.notify_all()
        return len(block)

    def flush(self) -> None:
        """Do nothing: what was written is on its way."""

    def ready(self, seconds: float) -> bool:
        """Wait at most so long until `read` would return or raise at once, and say whether it would."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self._blocks) or self._ended or self._broken, seconds)

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, at most `size`; for any size what is there up to a block; empty only at the end."""
        with self._changed:
            while not self._blocks and not self._ended and not self._broken:
                self._changed.wait()
            if self._broken:
                raise Broken
            if not self._blocks:
                return b""
            taken = self._take(size) if self._offset or 0 <= size < len(self._blocks[0]) else self._take_together()
            self._changed.notify_all()
        return taken[0] if len(taken) == 1 else b"".join(taken)

    def _take(self, size: int) -> list[bytes]:
        """Take a part of the first block; the block goes once all of it was taken."""
        block, start = self._blocks[0], self._offset
        self._offset = min(len(block), start + size) if size >= 0 else len(block)
        if self._offset < len(block):
            return [block[start : self._offset]]
        self._blocks.popleft()
        self._held -= len(block)
        self._offset = 0
        return [block[start:]]

    def _take_together(self) -> list[bytes]:
        """Take the first block, and more as long as they are small: what follows is then done once for all of them."""
        taken = [self._blocks.popleft()]
        amount = len(taken[0])
        while self._blocks and amount + len(self._blocks[0]) <= BLOCK:
            taken.append(self._blocks.popleft())
            amount += len(taken[-1])
        self._held -= amount
        return taken

    def end(self) -> None:
        """Say that everything was written."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def fail(self) -> None:
        """Break the stream for both sides; an end that was reached before stays one only for what was read."""
        with self._changed:
            self._broken = True
            self._blocks.clear()
            self._held = self._offset = 0
            self._changed.notify_all()


def looked_into(reader: Reader, size: int) -> tuple[bytes, Reader]:
    """Return up to `size` bytes from the beginning (fewer only if there are no more), and the stream with them."""
    blocks: deque[bytes] = deque()
    held = 0
    while held < size and (block := reader.read()):
        blocks.append(block)
        held += len(block)
    return b"".join(blocks)[:size], _Whole(blocks, reader)


class _Whole:
    """A stream whose first blocks have been read already."""

    def __init__(self, blocks: deque[bytes], rest: Reader) -> None:
        self._blocks = blocks
        self._rest = rest

    def read(self, size: int = -1, /) -> bytes:
        if not self._blocks:
            return self._rest.read(size)
        block = self._blocks.popleft()
        if 0 <= size < len(block):
            self._blocks.appendleft(block[size:])
            return block[:size]
        return block

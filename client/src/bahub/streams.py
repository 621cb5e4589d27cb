"""Bytes on their way between two threads: bounded, and a failure is never taken for an end.

A `Pipe` holds at most `capacity` bytes. Its writer closes it when everything was written; until then a reader waits.
Either side may break it; then the other side's next call raises `Broken`, so that one failing stage ends them all.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Protocol

BLOCK = 1 << 20
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

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, at most `size` and at most one written block; empty only at the end."""
        with self._changed:
            while not self._blocks and not self._ended and not self._broken:
                self._changed.wait()
            if self._broken:
                raise Broken
            if not self._blocks:
                return b""
            block = self._blocks[0]
            if size < 0 or size >= len(block) - self._offset:
                taken = block[self._offset :] if self._offset else block
                self._blocks.popleft()
                self._offset = 0
                self._held -= len(block)
                self._changed.notify_all()
                return taken
            taken = block[self._offset : self._offset + size]
            self._offset += size
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

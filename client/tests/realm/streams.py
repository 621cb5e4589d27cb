"""Streams of tests: content that is given, content that is kept, and ones that break."""

from __future__ import annotations

from bahub.streams import Broken


class Given:
    """A stream that gives content in blocks of a size."""

    def __init__(self, content: bytes, block: int = 1 << 20) -> None:
        self._content = memoryview(content)
        self._block = block

    def read(self, size: int = -1, /) -> bytes:
        size = self._block if size < 0 else min(size, self._block)
        block, self._content = self._content[:size], self._content[size:]
        return bytes(block)


class Kept:
    """A stream that keeps what is written."""

    def __init__(self) -> None:
        self.blocks: list[bytes] = []

    @property
    def content(self) -> bytes:
        return b"".join(self.blocks)

    def write(self, data: bytes, /) -> int:
        self.blocks.append(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing."""


class BreakingReader(Given):
    """A stream that breaks where its content ends."""

    def read(self, size: int = -1, /) -> bytes:
        block = super().read(size)
        if not block:
            raise Broken
        return block


class BreakingWriter(Kept):
    """A stream that breaks once it holds so many bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def write(self, data: bytes, /) -> int:
        if len(self.content) + len(data) > self._limit:
            raise Broken
        return super().write(data)

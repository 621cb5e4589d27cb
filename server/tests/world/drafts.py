"""Drafts that wait, and the look at what is left running behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def no_task_is_left() -> Iterator[None]:
    """Expect no task behind the block, and no exception that nobody looked at.

    Raises:
        RuntimeError: there is one.
    """
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    yield
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others or complaints:
        raise RuntimeError(f"left behind: {others}, {complaints}")


class StuckDraft:
    """A draft whose writes wait until they are let go, and fail if asked to."""

    key = "0" * 32

    def __init__(self, error: Exception | None = None) -> None:
        self.writing = asyncio.Event()
        self.let_go = asyncio.Event()
        self.ended = False
        self.taken = 0
        self._error = error

    async def write(self, block: bytes | bytearray | memoryview) -> None:
        self.taken += len(block)
        self.writing.set()
        await self.let_go.wait()
        self.ended = True
        if self._error is not None:
            raise self._error

    async def finish(self) -> None:
        raise NotImplementedError


class LandedDraft(StuckDraft):
    """An adopted file whose sync is a stuck write."""

    def __init__(self, path: Path, error: Exception | None = None) -> None:
        super().__init__(error)
        self.path = path

    async def sync(self) -> None:
        await self.write(b"")

"""Blocking calls beside the event loop, in a bounded number of threads.

A thread cannot be stopped, so a cancelled task has two ways to leave one behind: `run` goes at once and lets the call
end by itself, `complete` goes only when the call has ended, so that whatever it uses can be closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


async def outlast(future: asyncio.Future[T]) -> T:
    """Wait until a future is done, through any cancellation; that is passed on afterwards."""
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait((future,))
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return future.result()
    if not future.cancelled():
        future.exception()  # nobody else will look at it, and asyncio would report that
    raise cancelled


class Threads:
    """A pool of its own for one purpose, so that calls that hang or crowd do not hold up those of others."""

    def __init__(self, name: str, limit: int) -> None:
        """Take the name that the threads show and how many there are at the most; they start when needed."""
        self._pool = ThreadPoolExecutor(limit, thread_name_prefix=name)

    def begin(self, call: Callable[[*Ts], T], *arguments: *Ts) -> asyncio.Future[T]:
        """Start a call; the caller must see the future through with `outlast`."""
        return asyncio.get_running_loop().run_in_executor(self._pool, call, *arguments)

    async def run(self, call: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """Wait for a call that cleans up after itself; a cancelled task does not wait for its end."""
        return await self.begin(call, *arguments)

    async def complete(self, call: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """Wait for a call to its end, also when the waiting task is cancelled meanwhile."""
        return await outlast(self.begin(call, *arguments))

"""Many clients with slow lines who upload at the same time, from a process of their own."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Sequence
from multiprocessing.synchronize import Event

from bench.client import Refused, Request, trusting

_STEP = 0.125
"""Seconds between two pieces of one upload."""
_ARRIVALS = 1.0
"""Seconds within which all of them begin."""
_FRESH = multiprocessing.get_context("forkserver")
_PATIENCE = 60.0


class SlowUploads:
    """Uploads that wait for a word to begin, so that starting them is not measured."""

    def __init__(self, requests: Sequence[Request], size: int, rate: int, salt: int) -> None:
        """Get ready.

        Args:
            requests: where each one goes.
            size: bytes of each body.
            rate: bytes per second of each one.
            salt: what makes the bodies of this run differ from all others.
        """
        self._ready, self._go = _FRESH.Event(), _FRESH.Event()
        arguments = (requests, size, rate, salt, self._ready, self._go)
        self._process = _FRESH.Process(target=_run, args=arguments, daemon=True)
        self._process.start()
        if not self._ready.wait(_PATIENCE):
            raise Refused("the slow clients do not start")

    def run(self) -> None:
        """Upload everything.

        Raises:
            Refused: an answer is no success.
        """
        self._go.set()
        self._process.join()
        if self._process.exitcode != 0:
            raise Refused("a slow upload was refused")


def _run(  # noqa: PLR0917 - a process gets its arguments in order
    requests: Sequence[Request], size: int, rate: int, salt: int, ready: Event, go: Event
) -> None:
    for request in requests:
        if request.certificate is not None:
            trusting(request.certificate)
    ready.set()
    go.wait()
    asyncio.run(_all(requests, size, rate, salt))


async def _all(requests: Sequence[Request], size: int, rate: int, salt: int) -> None:
    async with asyncio.TaskGroup() as group:
        for number, request in enumerate(requests):
            delay = _ARRIVALS * number / len(requests)
            group.create_task(_upload(request, size, rate, f"{salt} {number} ".encode(), delay))


async def _upload(request: Request, size: int, rate: int, first: bytes, delay: float) -> None:
    await asyncio.sleep(delay)
    tls = None if request.certificate is None else trusting(request.certificate)
    name = request.host or None if tls else None
    reader, writer = await asyncio.open_connection("127.0.0.1", request.port, ssl=tls, server_hostname=name)
    writer.write(request.head(size) + first)
    sent, begun, piece = len(first), time.monotonic(), bytes(round(rate * _STEP))
    while sent < size:
        writer.write(piece[: size - sent])
        sent += min(len(piece), size - sent)
        await writer.drain()
        await asyncio.sleep(max(0.0, begun + sent / rate - time.monotonic()))
    status = await reader.readline()
    writer.close()
    if b" 200 " not in status:
        raise Refused(f"{request.path}: {status.decode(errors='replace')}")

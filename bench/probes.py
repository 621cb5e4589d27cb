"""Somebody who asks a small question again and again while others keep a server busy, from a process of its own."""

from __future__ import annotations

import http.client
import multiprocessing
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event

from bench.client import Refused, Request, fetch

_PAUSE = 0.01
"""Seconds between an answer and the next question."""
_PATIENCE = 60.0
_FRESH = multiprocessing.get_context("forkserver")


class Probe:
    """Asks until `stop`, each time on a fresh connection, as a monitor does."""

    def __init__(self, request: Request) -> None:
        self.unhealthy = 0
        """How many answers were no success, known after `stop`; their times count like those of the others."""
        self._enough = _FRESH.Event()
        self._results, theirs = _FRESH.Pipe(duplex=False)
        self._process = _FRESH.Process(target=_ask, args=(request, self._enough, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def stop(self) -> list[float]:
        """Return the seconds that the answers took.

        Raises:
            Refused: one did not come.
        """
        self._enough.set()
        found = self._results.recv() if self._results.poll(_PATIENCE) else "no answer"
        self._process.join()
        if isinstance(found, str):
            raise Refused(f"health while others upload: {found}")
        taken: list[float]
        taken, self.unhealthy = found
        return taken

    def wait(self) -> None:
        """Wait until the first answer came.

        Raises:
            Refused: none does.
        """
        if not self._results.poll(_PATIENCE) or self._results.recv() is not None:
            raise Refused("health is not answered")


def percentile(taken: Sequence[float], share: float) -> float:
    """Return the smallest value that so large a share of the values does not pass."""
    ordered = sorted(taken)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _ask(request: Request, enough: Event, results: Connection) -> None:
    taken: list[float] = []
    unhealthy = 0
    try:
        fetch(request)
        results.send(None)
        while not enough.is_set():
            begun = time.perf_counter()
            try:
                fetch(request)
            except Refused:
                unhealthy += 1
            taken.append(time.perf_counter() - begun)
            time.sleep(_PAUSE)
    except (OSError, http.client.HTTPException, Refused) as error:
        results.send(repr(error))
    else:
        results.send((taken, unhealthy))

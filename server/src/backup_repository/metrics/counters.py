"""What the processes of a server count while they serve. One call for each thing that happens."""

from __future__ import annotations

import asyncio
import contextlib
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence, Sized
from datetime import datetime
from typing import Protocol

from backup_repository.errors import (
    DatabaseUnavailable,
    DomainError,
    Kind,
    PermissionDenied,
    StorageError,
    TooManyAttempts,
    Unauthenticated,
)
from backup_repository.metrics import names, running
from backup_repository.metrics.board import Boards, Cell, Reading
from backup_repository.metrics.names import Metric, Type

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Methods with series of their own; a client may send any word."""
OTHER = "other"
"""What the label says for any other method."""

_PASSING = frozenset(metric.name for metric in names.COUNTED if metric.type is Type.GAUGE and not metric.newest)
"""Gauges of what a process is doing: they end with it."""
_NEWEST = frozenset(metric.name for metric in names.COUNTED if metric.newest)

_OUTCOMES = {
    Kind.UPLOAD: "broken",
    Kind.UNAVAILABLE: "failed",
    Kind.DATABASE_DOWN: "failed",
    Kind.BROKEN: "failed",
}
"""How an upload ended, by what it was ended with; anything else that is known was refused."""
_UNFORESEEN, _CUT = 500, 503


class Removed(Protocol):
    """What a sweep has removed so far."""

    @property
    def retired(self) -> Sized:
        """Blobs whose versions were deleted or rotated out."""

    @property
    def orphaned(self) -> Sized:
        """Blobs that no version ever named."""


class Counters:
    """The counters of one process, and the sums over all processes of its server."""

    def __init__(self, blocks: Sequence[str] = ()) -> None:
        """Begin to count.

        Args:
            blocks: names of the memory that the processes of the server share; none: there is only this one.
        """
        self._boards = Boards(blocks)
        self._board = self._boards.own
        self._board.clear(_PASSING)
        self.rows = running.Rows(self._board.memory)
        """What this process is receiving."""

    def request(self, *, method: str, route: str, status: int, seconds: float, received: int, sent: int) -> None:
        """Count a request that is over; the route is its pattern, and the status 0 when it got no answer."""
        kind = f"{status // 100}xx" if status else "none"
        self._board.add((names.REQUESTS.name, method if method in METHODS else OTHER, route, kind))
        self._observe(names.REQUEST_SECONDS, seconds, route)
        self._board.add((names.RECEIVED.name,), received)
        self._board.add((names.SENT.name,), sent)

    def failure(self, error: BaseException | None) -> None:
        """Count a failure of the storage or of the database; anything else is none."""
        if isinstance(error, StorageError) and error.kind is not Kind.NO_SUCH_FILE:
            self._board.add((names.STORAGE_ERRORS.name, str(error.code)))
        elif isinstance(error, DatabaseUnavailable):
            self._board.add((names.DATABASE_ERRORS.name,))

    @contextlib.contextmanager
    def upload(self) -> Iterator[Callable[[int], None]]:
        """Count an upload by how it ends; call what this gives with the bytes that were stored."""
        begun, size = time.monotonic(), 0

        def stored(octets: int) -> None:
            nonlocal size
            size = octets

        outcome, code = "stored", ""
        self._board.add((names.UPLOADS_RUNNING.name,), 1)
        try:
            yield stored
        except BaseException as error:
            outcome, code = _ended(error)
            raise
        else:
            self._observe(names.UPLOAD_SECONDS, time.monotonic() - begun)
            self._observe(names.UPLOAD_BYTES, size)
        finally:
            self._board.add((names.UPLOADS_RUNNING.name,), -1)
            self._board.add((names.UPLOADS.name, outcome, code))

    @contextlib.contextmanager
    def log_in(self) -> Iterator[None]:
        """Count a log-in by how it ends."""
        outcome = "error"
        try:
            yield
            outcome = "accepted"
        except TooManyAttempts:
            outcome = "throttled"
            raise
        except Unauthenticated:
            outcome = "failed"
            raise
        except PermissionDenied:
            outcome = "refused"
            raise
        finally:
            self._board.add((names.LOG_INS.name, outcome))

    @contextlib.contextmanager
    def sweep(self, removed: Removed, now: Callable[[], datetime]) -> Iterator[None]:
        """Count a sweep, and what it removes, also when it stops early."""
        try:
            yield
            self._board.put((names.SWEEP_LAST_RUN.name,), now().timestamp())
        except Exception as error:
            self._board.add((names.SWEEP_ERRORS.name,))
            self.failure(error)
            raise
        finally:
            self._board.add((names.SWEEP_REMOVED.name, "retired"), len(removed.retired))
            self._board.add((names.SWEEP_REMOVED.name, "orphaned"), len(removed.orphaned))

    def read(self) -> tuple[dict[Cell, float], list[int]]:
        """Return the sums over all processes, and the ids of those that live. Any thread may call it."""
        readings = self._boards.read()
        sums: dict[Cell, float] = {(metric.name, *labels): 0 for metric in names.COUNTED for labels in metric.known}
        for reading in readings:
            _merge(sums, reading)
        return sums, [reading.process for reading in readings if reading.alive]

    def running(self) -> list[running.Running]:
        """Return the uploads that are running in all processes. Any thread may call it."""
        return [upload for memory in self._boards.living() for upload in running.read(memory)]

    def _observe(self, metric: Metric, value: float, *labels: str) -> None:
        bounds = (*map(str, metric.bounds), "+Inf")
        self._board.add((metric.name, *labels, bounds[bisect_left(metric.bounds, value)]))
        self._board.add((f"{metric.name}_sum", *labels), value)


def _merge(sums: dict[Cell, float], reading: Reading) -> None:
    for cell, value in reading.values.items():
        if cell[0] in _NEWEST:
            sums[cell] = max(sums.get(cell, value), value)
        elif reading.alive or cell[0] not in _PASSING:
            sums[cell] = sums.get(cell, 0) + value


def _ended(error: BaseException) -> tuple[str, str]:
    """Say how an upload ended that was not stored, and with which number."""
    if isinstance(error, DomainError):
        return _OUTCOMES.get(error.kind, "refused"), str(error.code or "")
    if isinstance(error, asyncio.CancelledError):
        return "failed", str(_CUT)
    status = getattr(error, "status", _UNFORESEEN)  # of a refusal that only HTTP knows: 400, 408, 417
    return "failed" if status == _UNFORESEEN else "broken", str(status)

"""Runs the stages of a pipeline, each in a thread, and says why it failed.

* The *first* stage that fails is the cause; that it fails the others too is a consequence nobody is told of.
* On a failure every pipe breaks, and whatever was registered to be cut or killed is; nothing is left running.
* A stage ends its outgoing pipe only after it has succeeded. So whoever sees the end of a pipe knows that every stage
  before has succeeded.
* The thread that waits may be a main thread in which a signal handler raises: that is a failure like any other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Generic, Self, TypeVar

from bahub.errors import BahubError, Tampered
from bahub.streams import Broken, Pipe, Reader, Writer

T = TypeVar("T")
_PATIENCE = 60.0
"""Seconds that stages get to clean up after a failure: a container may have to start again."""


class Result(Generic[T]):
    """What a stage will have returned once all have succeeded."""

    value: T


class Stages:
    """One run of a pipeline; use it as a context, which leaves nothing running."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._cause: BaseException | None = None
        self._pipes: list[Pipe] = []
        self._cuts: list[Callable[[], None]] = []
        self._threads: list[threading.Thread] = []
        self._running = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.fail(error)
        self._join()

    def pipe(self) -> Pipe:
        """Make a stream between two stages, which breaks when any stage fails."""
        pipe = Pipe()
        with self._changed:
            self._pipes.append(pipe)
            broken = self._cause is not None
        if broken:
            pipe.fail()
        return pipe

    def cut_by(self, cut: Callable[[], None]) -> None:
        """Register what ends something that waits elsewhere than at a pipe; at once when it has failed already."""
        with self._changed:
            self._cuts.append(cut)
            broken = self._cause is not None
        if broken:
            cut()

    def run(self, name: str, job: Callable[[], T]) -> Result[T]:
        """Start a stage; the name is for people."""
        result: Result[T] = Result()

        def stage() -> None:
            try:
                result.value = job()
            except Broken as broken:
                self.fail(broken)  # not a cause as long as there is another
            except BaseException as error:  # noqa: BLE001 - it is raised where the stages are waited for
                if isinstance(error, BahubError):
                    error.stage = error.stage or name
                self.fail(error)
            finally:
                with self._changed:
                    self._running -= 1
                    self._changed.notify_all()

        thread = threading.Thread(target=stage, name=name, daemon=True)
        with self._changed:
            self._running += 1
            self._threads.append(thread)
        thread.start()
        return result

    def step(self, name: str, job: Callable[[Reader, Writer], object], reader: Reader) -> Pipe:
        """Start a stage that turns one stream into another, and return the other."""
        writer = self.pipe()

        def work() -> None:
            job(reader, writer)
            if reader.read():  # also waits for the end, which says that the stages before have succeeded
                raise Tampered("bytes follow the end of the archive")
            writer.end()

        self.run(name, work)
        return writer

    def wait(self) -> None:
        """Wait until every stage has ended, well or not.

        Raises:
            BahubError: the first failure, with the name of its stage.
            BaseException: likewise, when it was a defect.
        """
        try:
            with self._changed:
                while self._running and self._cause is None:
                    self._changed.wait()
        except BaseException as error:  # noqa: BLE001 - a signal; raised below
            self.fail(error)
        self._join()
        self.check()

    def check(self) -> None:
        """Raise the first failure, if there is one."""
        if self._cause is not None:
            raise self._cause

    def pause(self, seconds: float) -> None:
        """Wait so long, in a stage.

        Raises:
            Broken: a stage has failed meanwhile.
        """
        with self._changed:
            if self._changed.wait_for(lambda: self._cause is not None, seconds):
                raise Broken

    def fail(self, cause: BaseException) -> None:
        """End everything for this cause, unless it has failed already; may be called from any thread."""
        with self._changed:
            if self._cause is not None:
                return
            self._cause = cause
            pipes, cuts = list(self._pipes), list(self._cuts)
            self._changed.notify_all()
        for pipe in pipes:
            pipe.fail()
        for cut in cuts:
            with suppress(OSError):  # what cannot be cut has ended
                cut()

    def _join(self) -> None:
        for thread in self._threads:
            if thread.ident is not None:  # a signal may have come before its start
                thread.join(_PATIENCE if self._cause is not None else None)

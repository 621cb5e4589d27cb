"""A script that runs through a transport, as a local process in a group of its own.

* Its secrets go to its stdin before anything else; the environment is this process's own.
* stderr is read all the time, and only its last lines are kept.
* `kill` ends the whole group, first politely; nothing is left, not even a zombie.
* Its stdin is closed only after a success so far, or after the group has ended: a target must not take a failure for
  the end of its input.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import IO, Self

from bahub.adapters.base import WARNING
from bahub.errors import ProgramFailed
from bahub.pipeline.lines import LastLines
from bahub.streams import BLOCK, Broken
from bahub.transports.base import Script, Transport
from bahub.transports.script import introduction, wrapped

_LOG = logging.getLogger(__name__)
_TICK = 200
"""Milliseconds between two looks whether to go on."""
_POLITE = 5.0
"""Seconds between the request to end and the order."""


class Program:
    """One run of a script; use it as a context."""

    def __init__(
        self, transport: Transport, script: Script, what: str, warn: Callable[[str], None], *, mute: bool = False
    ) -> None:
        """Start it; entering the context tells it its secrets.

        Args:
            transport: where it runs.
            script: what runs.
            what: its name in messages.
            warn: takes what it says to the user (`bahub.adapters.base.WARNING`).
            mute: what it writes to stdout is of no interest.

        Raises:
            ProgramFailed: it cannot be started.
        """
        self._what = what
        self._warn = warn
        self._secrets = introduction(script)
        self._stderr = LastLines()
        self._killed = threading.Event()
        self._reaping = threading.Lock()
        self._reaped = False
        command = list(transport.command(wrapped(script)))
        _LOG.debug("%s: starting %s", what, command[0])
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the definition says what to run
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL if mute else subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                pipesize=4 * BLOCK,
            )
        except OSError as error:
            raise ProgramFailed(f"{what} cannot be started: {command[0]}: {error.strerror}") from error
        self._listening = threading.Thread(target=self._listen, name=f"stderr of {what}", daemon=True)
        self._listening.start()
        os.set_blocking(self._pipe(self._process.stdin).fileno(), False)

    def __enter__(self) -> Self:
        try:
            with contextlib.suppress(ProgramFailed):  # whoever waits for its end hears why
                self.feed(self._secrets)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End it, if it still goes, with everything it started, and let go of its streams."""
        self._end()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            with contextlib.suppress(OSError):  # what it never read is lost with it
                if pipe is not None:
                    pipe.close()

    @property
    def last_lines(self) -> tuple[str, ...]:
        """What it wrote to stderr last, masked."""
        return self._stderr.lines()

    def output(self) -> Iterator[bytes]:
        """Give what it writes to stdout, block by block, until it closes it.

        Raises:
            Broken: it was killed from here.
        """
        stream = self._pipe(self._process.stdout).fileno()
        poll = select.poll()
        poll.register(stream, select.POLLIN)
        while True:
            while not poll.poll(_TICK):
                if self._killed.is_set():
                    raise Broken
                if self._has_failed():
                    return  # something it started still holds its stdout, but cannot make it whole any more
            if not (block := os.read(stream, BLOCK)):
                return
            yield block

    def feed(self, data: bytes) -> None:
        """Write to its stdin, waiting while it is busy.

        Raises:
            ProgramFailed: it reads no more.
            Broken: it was killed from here.
        """
        stream = self._pipe(self._process.stdin).fileno()
        poll = select.poll()
        poll.register(stream, select.POLLOUT)
        view = memoryview(data)
        while view:
            if self._killed.is_set():
                raise Broken
            if not poll.poll(_TICK):
                continue
            try:
                view = view[os.write(stream, view) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise self._stopped_reading() from None

    def end_input(self) -> None:
        """Close its stdin: everything was written."""
        with contextlib.suppress(BrokenPipeError):
            self._pipe(self._process.stdin).close()

    def finish(self) -> None:
        """Wait for its end.

        Raises:
            ProgramFailed: it did not end with 0; its last lines are the details.
        """
        status = self._reap()
        if self._killed.is_set():
            raise Broken
        if status != 0:
            raise self._failure(_ending(status))

    def kill(self) -> None:
        """Ask the group to end; may be called from any thread. Leaving the context makes sure of it."""
        self._killed.set()
        self._signal(signal.SIGTERM)

    def _end(self) -> None:
        with self._reaping:
            if self._reaped:
                return
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(_POLITE)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
        self._reap()

    def _reap(self) -> int:
        """Wait without reaping first, so that the group can be signalled until the very end."""
        with contextlib.suppress(ChildProcessError):
            ended = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
            if ended is not None and ended.si_status != 0:
                self._signal(signal.SIGTERM)  # what it started and left behind
        with self._reaping:
            self._reaped = True
            status = self._process.wait()
        self._listening.join(_POLITE)
        return status

    def _signal(self, number: int) -> None:
        with self._reaping, contextlib.suppress(ProcessLookupError, PermissionError):
            if not self._reaped:
                os.killpg(self._process.pid, number)

    def _has_failed(self) -> bool:
        """Whether it has ended, and not well; it is not reaped yet."""
        with contextlib.suppress(ChildProcessError):  # reaped already
            found = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            return found is not None and found.si_status != 0
        return self._process.returncode not in {None, 0}

    def _stopped_reading(self) -> ProgramFailed:
        status = self._reap()
        return self._failure("ended before it had read everything" if status == 0 else _ending(status))

    def _failure(self, how: str) -> ProgramFailed:
        error = ProgramFailed(f"{self._what} {how}")
        error.details = self.last_lines
        return error

    def _listen(self) -> None:
        stream = self._pipe(self._process.stderr)
        with contextlib.suppress(OSError, ValueError):  # closed by now
            while data := os.read(stream.fileno(), 1 << 16):
                for line in self._stderr.feed(data):
                    _LOG.debug("%s: %s", self._what, line)
                    if line.startswith(WARNING):
                        self._warn(f"{self._what}: {line.removeprefix(WARNING)}")

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None  # noqa: S101 - all three were asked for
        return pipe


def _ending(status: int) -> str:
    if status >= 0:
        return f"ended with exit status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"


def run_script(
    transport: Transport, script: Script, what: str, warn: Callable[[str], None], *, words: bytes = b""
) -> bytes:
    """Run a short script to its end and return what it wrote to stdout.

    Args:
        transport: where it runs.
        script: what runs.
        what: its name in messages.
        warn: takes what it says to the user.
        words: what it reads on stdin after its secrets.

    Raises:
        ProgramFailed: it did not end with 0.
    """
    with Program(transport, script, what, warn) as program:
        program.feed(words)
        program.end_input()
        output = b"".join(program.output())
        program.finish()
        return output

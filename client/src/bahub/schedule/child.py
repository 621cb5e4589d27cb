"""One planned run, as a process of its own: its memory and its signals are nobody else's (contract B 3.8).

It gets the scheduler's configuration through its stdin, so that a file that was broken meanwhile harms no run until
the scheduler takes it over. Nothing secret stands in its arguments.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence

_LONGEST_LINE = 8192
"""Bytes after which a line is taken as it is."""

Say = Callable[[str, bool], None]
"""Takes a line that a run printed, and whether it was on stderr."""


class Child:
    """A planned run that has begun."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, command: Sequence[str], environment: Mapping[str, str]) -> Child:
        """Start one, in a process group of its own: a Ctrl-C on the terminal is for the scheduler alone.

        Raises:
            OSError: it cannot be started.
        """
        pipe = asyncio.subprocess.PIPE
        return cls(
            await asyncio.create_subprocess_exec(
                *command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, start_new_session=True
            )
        )

    async def finish(self, configuration: str, say: Say) -> int:
        """Hand over the configuration, pass on every line, and return the exit code; 128 + n after signal n."""
        process = self._process
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise RuntimeError("started without pipes")
        await asyncio.gather(
            _hand_over(process.stdin, configuration.encode()),
            _pass_on(process.stdout, lambda line: say(line, False)),  # noqa: FBT003 - as the type says
            _pass_on(process.stderr, lambda line: say(line, True)),  # noqa: FBT003 - likewise
        )
        code = await process.wait()
        return code if code >= 0 else 128 - code

    def ask_to_stop(self) -> None:
        """Ask it to clean up and end."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it and everything it started."""
        if self._process.returncode is None:  # else its number may be somebody else's by now
            os.killpg(self._process.pid, signal.SIGKILL)


async def _hand_over(stdin: asyncio.StreamWriter, content: bytes) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it ended before; its exit code says why
        stdin.write(content)
        await stdin.drain()
    stdin.close()


async def _pass_on(stream: asyncio.StreamReader, say: Callable[[str], None]) -> None:
    rest = b""
    while block := await stream.read(_LONGEST_LINE):
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            say(line.decode(errors="replace").rstrip())
        if len(rest) >= _LONGEST_LINE:
            say(rest.decode(errors="replace"))
            rest = b""
    if rest:
        say(rest.decode(errors="replace").rstrip())

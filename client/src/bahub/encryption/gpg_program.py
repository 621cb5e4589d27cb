"""Runs of the program `gpg`.

Passphrases go through a descriptor of their own. stdin, stdout and stderr are each served by a thread, so that nobody
waits for anybody; what gpg reports on the way (`--status-fd`) comes on stderr between the words for people.
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from bahub.errors import Failed
from bahub.masking import Secret, masked
from bahub.streams import BLOCK, Reader, Writer

_ALWAYS: Final = ("--batch", "--no-tty", "--trust-model", "always", "--no-auto-check-trustdb", "--status-fd", "2")
"""The data base of trust is left alone: whom to encrypt for says the configuration."""
_REPORT: Final = "[GNUPG:] "
_LAST_LINES: Final = 20
_ERROR_NUMBER: Final = 0xFFFF
"""The bits of an error that say what it is; the others say who reports it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended."""

    status: int
    """Exit status; negative: the signal that killed it."""
    reports: Mapping[str, str]
    """What gpg reported: the latest arguments by keyword."""
    last_lines: tuple[str, ...]
    """The last that it said to people, secrets masked."""
    output: bytes = b""
    """What it wrote to stdout, unless it was passed on."""

    def error(self, place: str) -> int | None:
        """Return libgpg-error's number of the error that gpg reported last, if it was in this place."""
        where, _, number = self.reports.get("ERROR", "").partition(" ")
        digits = number.partition("_")[0]
        return int(digits) & _ERROR_NUMBER if where == place and digits.isdecimal() else None

    def failed(self, what: str) -> Failed:
        """Return the error that says that gpg could not do this."""
        end = f"was killed by signal {-self.status}" if self.status < 0 else f"ended with status {self.status}"
        error = Failed(f"gpg could not {what}: it {end}")
        error.details = self.last_lines
        return error


def run(home: Path, arguments: Sequence[str], told: bytes = b"", passphrase: Secret | None = None) -> Outcome:
    """Run gpg with a little on stdin, and keep its stdout.

    Raises:
        Failed: gpg cannot be started.
    """
    collected = _Collected()
    outcome = stream(home, arguments, _Told(told), collected, passphrase)
    return Outcome(outcome.status, outcome.reports, outcome.last_lines, b"".join(collected.blocks))


def stream(
    home: Path, arguments: Sequence[str], source: Reader, target: Writer, passphrase: Secret | None = None
) -> Outcome:
    """Pass one stream through gpg into another.

    When one of them breaks, gpg is killed before it could take that for the end.

    Raises:
        Failed: gpg cannot be started.
    """
    with _passphrase_given(passphrase) as (descriptors, options):
        command = ["gpg", "--homedir", str(home), *_ALWAYS, *options, *arguments]
        try:
            process = subprocess.Popen(  # noqa: S603 - no shell; values follow the options they belong to
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,  # so that closing writes nothing more
                pass_fds=descriptors,
                start_new_session=True,  # an interrupt of the terminal is ours to handle
                pipesize=BLOCK,
            )
        except OSError as error:
            raise Failed(f"gpg cannot be started: {error.strerror}") from error
    with process:
        return _served(process, source, target)


def _served(process: subprocess.Popen[bytes], source: Reader, target: Writer) -> Outcome:
    feeder, listener = _Feeder(process, source), _Listener(_there(process.stderr))
    feeder.start()
    listener.start()
    try:
        with io.BufferedReader(_there(process.stdout)) as made:
            while block := made.read(BLOCK):
                target.write(block)
        status = process.wait()
    except BaseException:
        process.kill()
        raise
    finally:
        listener.join()  # ends with the process
    if feeder.error is not None:
        raise feeder.error
    if status == 0:
        feeder.join()
    return Outcome(status, listener.reports, tuple(masked(line) for line in listener.lines))


class _Feeder(threading.Thread):
    """Writes a stream to the process. It may outlive a process that failed, until the stream gives or breaks."""

    def __init__(self, process: subprocess.Popen[bytes], source: Reader) -> None:
        super().__init__(name="gpg stdin", daemon=True)
        self._process = process
        self._source = source
        self.error: BaseException | None = None

    def run(self) -> None:
        stdin = _there(self._process.stdin)
        try:
            while block := self._source.read():
                _write(stdin, block)
            stdin.close()
        except BrokenPipeError:
            pass  # gpg has ended; its status says why
        except BaseException as error:  # noqa: BLE001 - raised by the thread that waits
            self.error = error
            self._process.kill()
        finally:
            with contextlib.suppress(OSError):
                stdin.close()


class _Listener(threading.Thread):
    """Reads stderr to its end."""

    def __init__(self, stderr: io.FileIO) -> None:
        super().__init__(name="gpg stderr", daemon=True)
        self._stderr = stderr
        self.reports: dict[str, str] = {}
        self.lines: deque[str] = deque(maxlen=_LAST_LINES)

    def run(self) -> None:
        with io.BufferedReader(self._stderr) as lines:
            for line in lines:
                self._hear(line.decode("utf-8", "replace").rstrip())

    def _hear(self, line: str) -> None:
        if line.startswith(_REPORT):
            keyword, _, arguments = line.removeprefix(_REPORT).partition(" ")
            self.reports[keyword] = arguments
        elif line:
            self.lines.append(line)


class _Told:
    """A few bytes as a stream."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self, size: int = -1, /) -> bytes:  # noqa: ARG002 - there are few
        content, self._content = self._content, b""
        return content


class _Collected:
    """A stream that keeps what is written."""

    def __init__(self) -> None:
        self.blocks: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        self.blocks.append(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing: it is kept."""


@contextlib.contextmanager
def _passphrase_given(passphrase: Secret | None) -> Iterator[tuple[tuple[int, ...], tuple[str, ...]]]:
    """Put a passphrase where a child can read it once: give the descriptor, and the options that name it.

    Without a passphrase nothing is there to read: a key that has one cannot be used, and nobody is asked.
    """
    reading, writing = os.pipe()
    try:
        with io.FileIO(writing, "w") as pipe:
            pipe.write((passphrase.reveal() if passphrase else "").encode() + b"\n")  # a pipe holds far more
        yield (reading,), ("--pinentry-mode", "loopback", "--passphrase-fd", str(reading))
    finally:
        os.close(reading)


def _write(pipe: io.FileIO, block: bytes) -> None:
    rest = memoryview(block)
    while rest:
        rest = rest[pipe.write(rest) :]


def _there(pipe: IO[bytes] | None) -> io.FileIO:
    if not isinstance(pipe, io.FileIO):
        raise TypeError("a process without unbuffered pipes")
    return pipe

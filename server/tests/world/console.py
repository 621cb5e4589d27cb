"""The operator's console as a person or a script runs it: a process with its words, its answers and its exit code."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from world import wire
from world.instance import Installation

PROGRAM = (sys.executable, "-m", "backup_repository")
"""How the console is started."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Read everything on stdout as one JSON document."""
        return json.loads(self.out)


def bare(root: Path, **settings: str) -> Installation:
    """An installation of which nothing is there yet, with no more settings than these."""
    return Installation(root, {"PATH": os.environ.get("PATH", os.defpath)} | settings)


def run(place: Installation, *command: str | bytes, words: bytes = b"") -> Ran:
    """Run a command, these words on its standard input, which is no terminal."""
    result = subprocess.run(
        [*PROGRAM, *command], cwd=place.root, env=place.environment, input=words, capture_output=True, check=False
    )
    return Ran(result.returncode, result.stdout.decode(), result.stderr.decode())


def run_on_terminal(place: Installation, *command: str, answers: Sequence[str]) -> tuple[Ran, str]:
    """Run a command on a terminal, stdout in a file, and answer each question; return also what the terminal showed."""
    screen, keyboard = os.openpty()
    with (place.root / "printed").open("w+") as printed:
        process = subprocess.Popen(
            [*PROGRAM, *command],
            cwd=place.root,
            env=place.environment,
            stdin=keyboard,
            stdout=printed,
            stderr=keyboard,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - nothing else starts a thread
        )
        os.close(keyboard)
        shown = ""
        waiting = list(answers)
        for piece in _pieces(screen):
            shown += piece
            if waiting and shown.endswith(": "):  # a question; what is typed before it is thrown away
                os.write(screen, f"{waiting.pop(0)}\n".encode())
        os.close(screen)
        code = process.wait()
        printed.seek(0)
        return Ran(code, printed.read(), ""), shown


def _pieces(screen: int) -> Iterator[str]:
    while True:
        try:
            piece = os.read(screen, 4096)
        except OSError:  # nobody has the terminal open any more
            return
        if not piece:
            return
        yield piece.decode()


@contextmanager
def started(
    place: Installation, *command: str, before: Sequence[str] = PROGRAM, descriptors: Sequence[int] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command and stop it, if it still runs, by its process id; what it says goes to the file `said`.

    Args:
        place: gives the directory and the settings.
        command: as for `run`.
        before: what starts the console, and how.
        descriptors: open files that it inherits under the same numbers.
    """
    with said(place).open("wb") as output:
        process = subprocess.Popen(
            [*before, *command],
            cwd=place.root,
            env=place.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=descriptors,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def accepts(address: wire.Address) -> bool:
    """Whether somebody listens there."""
    try:
        address.open().close()
    except (ConnectionRefusedError, FileNotFoundError):
        return False
    return True


def said(place: Installation) -> Path:
    """Return the file with what the last started command said."""
    return place.root / "said"

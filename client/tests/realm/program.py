"""`bahub` as a person or a script runs it: a process with its words, its answers and its exit code."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from world.instance import Server

PROGRAM = (sys.executable, "-m", "bahub")
"""How the program is started."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    def objects(self) -> list[Any]:
        """Read stdout as one JSON object per line."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(slots=True)
class Place:
    """A home directory, where commands run with an environment of their own."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        """The configuration file that commands take."""
        return self.root / "bahub.yaml"

    def whole_environment(self) -> dict[str, str]:
        """Return what commands find in their environment."""
        inherited = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        return {**inherited, "HOME": str(self.root), "CONFIG": str(self.file)} | self.environment

    def run(self, *command: str, words: str = "") -> Ran:
        """Run a command, these words on its standard input, which is no terminal."""
        result = subprocess.run(
            [*PROGRAM, *command],
            cwd=self.root,
            env=self.whole_environment(),
            input=words,
            capture_output=True,
            text=True,
            check=False,
        )
        return Ran(result.returncode, result.stdout, result.stderr)

    def run_on_terminal(self, *command: str, answers: Sequence[str]) -> tuple[int, str]:
        """Run a command on a terminal, answer each question, and return its exit code and what the terminal showed."""
        screen, keyboard = os.openpty()
        process = subprocess.Popen(
            [*PROGRAM, *command],
            cwd=self.root,
            env=self.whole_environment(),
            stdin=keyboard,
            stdout=keyboard,
            stderr=keyboard,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - nothing else starts a thread
        )
        os.close(keyboard)
        shown = ""
        waiting = list(answers)
        for piece in _pieces(screen):
            shown += piece
            if waiting and shown.endswith(": "):  # a question
                os.write(screen, f"{waiting.pop(0)}\n".encode())
        os.close(screen)
        return process.wait(), shown

    @contextmanager
    def started(self, *command: str) -> Iterator[subprocess.Popen[bytes]]:
        """Start a command, its words in the files `out` and `err`, and stop it by its process id if it still runs."""
        with (self.root / "out").open("wb") as out, (self.root / "err").open("wb") as err:
            process = subprocess.Popen(
                [*PROGRAM, *command],
                cwd=self.root,
                env=self.whole_environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()

    def said(self, stream: str = "err") -> str:
        """Return what the started command has written so far."""
        return (self.root / stream).read_text()


def url_of(server: Server) -> str:
    """Return where a server on a TCP port listens."""
    return f"http://{server.direct.host}"


def collection_of(server: Server, filename: str = "db.tar.gz") -> str:
    """Create a collection and return its id."""
    return server.create_collection(filename).split("/")[-2]


def _pieces(screen: int) -> Iterator[str]:
    while True:
        try:
            piece = os.read(screen, 4096)
        except OSError:  # nobody has the terminal open any more
            return
        if not piece:
            return
        yield piece.decode()

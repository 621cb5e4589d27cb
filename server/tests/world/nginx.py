"""NGINX as an operator runs it: the files of deploy/nginx with the operator's values put in, in real processes."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from world.programs import require_program
from world.sources import ROOT
from world.waiting import eventually

ROUTER = ROOT / "deploy" / "nginx" / "router.conf"
APPLICATION = ROOT / "deploy" / "nginx" / "application.conf"
OBJECTS = ROOT / "deploy" / "nginx" / "objects.conf"
HOST = "backups.example.org"
"""The public name that router.conf is written for."""

_PATIENCE = 20.0
"""Seconds after which a process that does not listen counts as broken."""
_TOKEN = re.compile(
    r"""\s+|\#[^\n]*|(?P<end>[;{}])|'(?P<single>[^']*)'|"(?P<double>(?:[^"\\]|\\.)*)"|(?P<word>[^\s;{}]+)"""
)


def put_in(text: str, values: Mapping[str, str]) -> str:
    """Replace the operator's values, all at once and everywhere.

    Raises:
        ValueError: a value is not in the text, so that nothing would have been set.
    """
    missing = [value for value in values if value not in text]
    if missing:
        raise ValueError(f"not in the file: {missing}")
    longest_first = sorted(values, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), lambda found: values[found[0]], text)


@dataclass(slots=True)
class Block:
    """One directive: its words, and what stands in its braces. The file itself is a block without words."""

    words: tuple[str, ...] = ()
    outer: Block | None = None
    inner: list[Block] = field(default_factory=list)

    def find(self, *words: str) -> list[Block]:
        """Give every directive anywhere inside that begins with these words, in order."""
        return [block for block in self._all() if block.words[: len(words)] == words]

    def in_force(self, name: str) -> list[tuple[str, ...]]:
        """Give the values of a directive as this block has them: its own, or else those of the nearest block outside."""
        own = [block.words[1:] for block in self.inner if block.words[0] == name]
        return own if own or self.outer is None else self.outer.in_force(name)

    def _all(self) -> Iterator[Block]:
        for block in self.inner:
            yield block
            yield from block._all()


def parse(text: str) -> Block:
    """Read a configuration file of NGINX."""
    here, words = Block(), list[str]()
    for found in _TOKEN.finditer(text):
        end = found["end"]
        if end is None:
            words.extend(word for word in (found["single"], found["double"], found["word"]) if word is not None)
        elif end == "}" and here.outer is not None:
            here = here.outer
        else:
            block = Block(tuple(words), here)
            here.inner.append(block)
            here, words = (block, []) if end == "{" else (here, [])
    return here


@dataclass(frozen=True, slots=True)
class Nginx:
    """One running NGINX with its own directory."""

    pid: int
    address: tuple[str, int]
    """Where it accepts connections."""
    access_log: Path

    def logged(self, text: str) -> str:
        """Wait for a line of the access log that holds this text and return it; NGINX writes it after the answer.

        Raises:
            TimeoutError: there is none.
        """
        return eventually(lambda: next((line for line in self.access_log.read_text().splitlines() if text in line), ""))

    def open_files(self) -> list[str]:
        """Name the files its workers hold open; what NGINX made for itself has no name any more and ends in `(deleted)`."""
        workers = psutil.Process(self.pid).children()
        descriptors = [fd for worker in workers for fd in Path(f"/proc/{worker.pid}/fd").iterdir()]
        return [str(fd.readlink()) for fd in descriptors if fd.is_symlink()]


def check(configuration: Path, *, as_us: bool = False) -> subprocess.CompletedProcess[str]:
    """Let NGINX test a file; see `running` for `as_us`."""
    return subprocess.run([*_command(configuration, as_us=as_us), "-t"], capture_output=True, text=True, check=False)


@contextmanager
def running(configuration: Path, address: tuple[str, int], access_log: Path, *, as_us: bool = False) -> Iterator[Nginx]:
    """Run NGINX in the foreground, wait until it accepts connections, stop it by its process id.

    Args:
        configuration: the complete file.
        address: where the file makes it listen.
        access_log: where the file makes it log.
        as_us: the workers run as the user who runs the tests, also where that is root.

    Raises:
        RuntimeError: it ended instead of listening; the text holds its last words.
    """
    error_log = configuration.with_suffix(".err")
    with error_log.open("wb") as output:
        command = [*_command(configuration, as_us=as_us, more=("daemon off;",))]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        _wait_until_accepting(process, address, error_log)
        yield Nginx(process.pid, address, access_log)
    finally:
        process.terminate()
        process.wait()


def _command(configuration: Path, *, as_us: bool, more: Sequence[str] = ()) -> list[str]:
    # Only root's NGINX changes its user, and only then is the directive no warning.
    own = ("user root;",) if as_us and os.geteuid() == 0 else ()
    words = " ".join((*own, *more))
    arguments = ["-g", words] if words else []
    return [
        require_program("nginx"),
        "-p",
        str(configuration.parent),
        "-c",
        str(configuration),
        "-e",
        "stderr",
        *arguments,
    ]


def _wait_until_accepting(process: subprocess.Popen[bytes], address: tuple[str, int], error_log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(address, timeout=_PATIENCE).close()
        except ConnectionRefusedError:
            time.sleep(0.01)
        else:
            return
    raise RuntimeError(f"NGINX does not listen on {address}:\n{error_log.read_text()}")

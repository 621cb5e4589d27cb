"""A first `restic backup` of a directory, to rest-server where it is on the machine, else to rclone's server."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.client import Refused
from bench.peers import Peer, rclone, rest_server, rest_server_program
from machine import find_program


@dataclass(frozen=True, slots=True)
class Restic:
    """The program with a server that holds one repository after the other."""

    name: str
    """What it is called in the table."""
    program: str
    tree: Path
    peer: Peer
    environment: Mapping[str, str]
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def command(self) -> Sequence[str]:
        """Make a repository that holds nothing yet, and return the command of a backup into it.

        Raises:
            Refused: restic cannot make it.
        """
        url = f"rest:http://127.0.0.1:{self.peer.port}/r{next(self._numbers)}/"
        command = ["env", *(f"{name}={value}" for name, value in self.environment.items()), self.program, "-r", url]
        made = subprocess.run([*command, "init"], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise Refused(f"restic: {made.stderr}")
        return [*command, "backup", "--quiet", str(self.tree)]


def missing() -> str:
    """Return why restic cannot be measured here; empty: it can."""
    return "" if find_program("restic") is not None else "restic: not on this machine"


@contextmanager
def restic(root: Path, tree: Path) -> Iterator[Restic]:
    """Run a server for it.

    Raises:
        Refused: the server does not start.
    """
    verifying = rest_server_program() is not None
    name = f"first restic backup to {'rest-server' if verifying else 'rclone serve restic'}"
    environment = {
        "RESTIC_PASSWORD": "of-the-benchmark",
        "RESTIC_CACHE_DIR": str(root / "cache"),
        "HOME": os.devnull,
        "PATH": os.environ.get("PATH", os.defpath),
    }
    with rest_server(root, Path(os.devnull)) if verifying else rclone(root) as peer:
        yield Restic(name, find_program("restic") or "restic", tree, peer, environment)

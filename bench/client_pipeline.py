"""The client against the shell: a directory of many files, archived, compressed and encrypted.

`bahub backup make` has the same work to do as `tar | zstd -1 -T2 | age`, and computes a digest besides; without a
server the archive goes to /dev/null, with one it is uploaded, for the shell by curl.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyrage
from bench.client import Refused
from bench.processes import Memory
from bench.rounds import Run
from bench.table import Line
from machine import find_program
from world.instance import Server, server

_MB = 1e6
_HEAD = ("", "speed", "", "ratio", "lowest, highest", "CPU", "", "largest process")
_BAHUB = "import sys; from bahub.cli.main import main; sys.argv[0] = 'bahub'; main()"


@dataclass(frozen=True, slots=True)
class Way:
    """One way of making a backup."""

    name: str
    command: Callable[[], Sequence[str]]
    """Returns a command that makes one; its stdout is thrown away."""


def compare(root: Path, size: int, rounds: int) -> list[list[Line]]:
    """Measure and return the lines of the one table.

    Args:
        root: an empty directory on a disk.
        size: bytes that the directory should hold, about.
        rounds: how often each way is measured.

    Raises:
        Refused: a program is missing, or a backup failed.
    """
    for program in ("tar", "zstd", "age", "curl"):
        if find_program(program) is None:
            raise Refused(f"{program} is not installed")
    tree = root / "tree"
    amount = _plant(tree, size)
    recipient = str(pyrage.x25519.Identity.generate().to_public())
    archive = f"tar -C / -cf - {shlex.quote(str(tree)[1:])} | zstd -q -1 -T2 | age -r {recipient}"
    (root / "server").mkdir()
    with server(root / "server", tcp=True) as served:
        client = _Client(root, tree, recipient, served)
        alone = (
            Way("tar | zstd -1 -T2 | age", lambda: ["sh", "-c", archive]),
            Way("bahub, to stdout", lambda: client.command("--target", "-")),
        )
        sent = (
            Way("tar | zstd -1 -T2 | age | curl", lambda: ["sh", "-c", f"{archive} | {client.curl()}"]),
            Way("bahub, to the server", client.command),
        )
        lines = [_HEAD, *_measured("Archive alone; ratio to the shell", alone, amount, rounds, client.discard)]
        lines += _measured("Archive and upload; ratio to the shell", sent, amount, rounds, client.discard)
    return [lines]


@dataclass(frozen=True, slots=True)
class _Client:
    """The client with a configuration, and what curl needs for the same."""

    root: Path
    tree: Path
    recipient: str
    served: Server

    def command(self, *options: str) -> list[str]:
        """Write a configuration with a collection that holds nothing yet, and return the command."""
        config = self.root / "bahub.yaml"
        config.write_text(json.dumps(self._config()))  # JSON is YAML
        config.chmod(0o600)
        return [sys.executable, "-c", _BAHUB, "--quiet", "--config", str(config), "backup", "make", "tree", *options]

    def curl(self) -> str:
        """Return the end of a pipeline that uploads to a collection that holds nothing yet."""
        url = self._url() + self.served.create_collection()
        header = f"Authorization: {self.served.bearer['Authorization']}"
        return shlex.join(["curl", "-sSf", "-X", "POST", "-T", "-", "-H", header, url])

    def discard(self) -> None:
        """Remove what was uploaded, for room on the disk; the rows stay and are never asked for."""
        for blob in self.served.blobs():
            blob.unlink()

    def _config(self) -> object:
        token = self.served.bearer["Authorization"].removeprefix("Bearer ")
        collection = self.served.create_collection().removesuffix("/versions").rpartition("/")[2]
        meta = {"type": "filesystem", "access": "here", "encryption": "strong", "collection_id": collection,
                "compression": {"method": "zstd", "level": 1}}  # fmt: skip
        return {
            "accesses": {"here": {"url": self._url(), "token": token}},
            "encryption": {"strong": {"method": "age", "recipients": [self.recipient]}},
            "state_directory": str(self.root / "state"),
            "backups": {"tree": {"meta": meta, "spec": {"paths": [str(self.tree)]}}},
        }

    def _url(self) -> str:
        return f"http://{self.served.direct.host}"


def _plant(tree: Path, size: int) -> int:
    """Copy this Python's packages until there are so many bytes, and return how many there are."""
    packages = Path(sys.prefix) / "lib"
    planted = 0
    while planted < size:
        copy = tree / f"copy-{planted}"
        shutil.copytree(packages, copy, symlinks=True)
        planted += sum(file.lstat().st_size for file in copy.rglob("*") if file.is_file() and not file.is_symlink())
    return planted


def _measured(title: str, ways: Sequence[Way], amount: int, rounds: int, tidy: Callable[[], None]) -> list[Line]:
    """Let each way make a backup in every round, in changing order, after a round that does not count."""
    runs: dict[str, list[Run]] = {way.name: [] for way in ways}
    for number in range(rounds + 1):
        turn = number % len(ways)
        for way in (*ways[turn:], *ways[:turn]):
            run = _once(way)
            tidy()
            if number:
                runs[way.name].append(run)
            print(f"bench: {way.name}, round {number} of {rounds}: {run.seconds:.2f} s", file=sys.stderr, flush=True)
    reference = runs[ways[0].name]
    heading = (f"**{title}**", *[""] * (len(_HEAD) - 1))
    return [heading, *(_row(name, mine, reference, amount) for name, mine in runs.items())]


def _once(way: Way) -> Run:
    command = way.command()
    os.sync()
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if process.returncode != 0:
        raise Refused(f"{way.name}: {said.decode(errors='replace')[-2000:]}")
    largest = usage.ru_maxrss * 1024
    return Run(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, Memory(largest, largest))


def _row(name: str, runs: Sequence[Run], reference: Sequence[Run], amount: int) -> Line:
    ratios = [other.seconds / run.seconds for run, other in zip(runs, reference, strict=True)]
    seconds = statistics.median(run.seconds for run in runs)
    cpu = statistics.median(run.cpu for run in runs)
    return (
        name,
        f"{amount / seconds / _MB:.0f}",
        "MB/s",
        f"{statistics.median(ratios):.2f}",
        "" if runs is reference else f"{min(ratios):.2f}, {max(ratios):.2f}",
        f"{cpu / amount * 1e9:.2f}",
        "s/GB",
        f"{max(run.memory.largest for run in runs) / _MB:.0f} MB",
    )

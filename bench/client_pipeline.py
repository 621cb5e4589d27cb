"""The client against the shell and restic: a directory of many files, archived, compressed and encrypted.

`bahub backup make` has the same work to do as `tar | zstd -1 -T2 | age`, and computes a digest besides; without a
server the archive goes to /dev/null, with one it is uploaded, for the shell by curl. restic does more (it looks for
what it has already) and less (its server may neither verify nor sync).
"""

from __future__ import annotations

import itertools
import json
import os
import shlex
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pyrage
from bench import restic
from bench.client import Refused
from bench.outcome import Outcome, Reached, Task
from bench.processes import Memory
from bench.rounds import Run
from bench.table import Line
from machine import find_program
from world.instance import Server, server

_MB = 1e6
_LARGE = 8 << 20
"""Bytes from which on a file has no place in a directory of many."""
_HEAD = ("", "speed", "", "ratio", "lowest, highest", "CPU", "", "largest process")
_BAHUB = "import sys; from bahub.cli.main import main; sys.argv[0] = 'bahub'; main()"

_MEASURED = """
import json, resource, subprocess, sys, time
begun = time.perf_counter()
status = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
seconds, used = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([seconds, used.ru_utime + used.ru_stime, used.ru_maxrss]))
sys.exit(status)
"""
"""Runs a command and prints its seconds, processor time and largest process in KiB. Small, because Linux counts the
memory of whoever starts a process as that process's own until it has become the program."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way of making a backup."""

    name: str
    command: Callable[[], Sequence[str]]
    """Returns a command that makes one; its stdout is thrown away."""
    tidy: Callable[[], None]
    """Removes what it left."""


def compare(task: Task) -> Outcome:
    """Measure a directory of half the size of the body.

    Raises:
        Refused: a program is missing, or a backup failed.
    """
    for program in ("tar", "zstd", "age", "curl"):
        if find_program(program) is None:
            raise Refused(f"{program} is not installed")
    root, rounds, tree = task.root, task.rounds, task.root / "tree"
    amount = _plant(tree, task.size // 2)
    recipient = str(pyrage.x25519.Identity.generate().to_public())
    archive = f"tar -C / -cf - {shlex.quote(str(tree)[1:])} | zstd -q -1 -T2 | age -r {recipient}"
    (root / "server").mkdir()
    with ExitStack() as stack:
        client = _Client(root, tree, recipient, stack.enter_context(server(root / "server", tcp=True)))
        alone = [
            Way("tar | zstd -1 -T2 | age", lambda: ["sh", "-c", archive], client.discard),
            Way("bahub, to stdout", lambda: client.command("--target", "-"), client.discard),
        ]
        sent = [
            Way("tar | zstd -1 -T2 | age | curl", lambda: ["sh", "-c", f"{archive} | {client.curl()}"], client.discard),
            Way("bahub, to the server", client.command, client.discard),
        ]
        why = restic.missing()
        if not why:
            peer = stack.enter_context(restic.restic(root / "restic", tree))
            sent.append(Way(peer.name, peer.command, peer.peer.discard))
        archived = _measured(alone, rounds)
        uploaded = _measured(sent, rounds)
    lines = [_HEAD, *_rows("Archive alone; ratio to the shell", archived, amount)]
    lines += _rows("Archive and upload; ratio to the shell", uploaded, amount)
    shell, bahub, *others = uploaded.values()
    reached = [Reached("P12 shell", _ratio(bahub, shell))]
    reached += [Reached("P12 restic", _ratio(bahub, other), sent[-1].name) for other in others]
    return Outcome([lines], reached, [why] if why else [], {"P12 restic": why} if why else {})


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
    """Copy this Python's packages until there are so many bytes, and return how many there are.

    No copy has the bytes of another: restic stores equal ones once, which few real directories let it do.
    """
    packages = Path(sys.prefix) / "lib"
    planted = 0
    for number in itertools.count():
        table = bytes(byte ^ number for byte in range(256))
        for file in sorted(packages.rglob("*")):
            if planted >= size:
                return planted
            if file.is_file() and not file.is_symlink() and file.stat().st_size < _LARGE:
                target = tree / f"copy-{number}" / file.relative_to(packages)
                target.parent.mkdir(parents=True, exist_ok=True)
                planted += target.write_bytes(file.read_bytes().translate(table))
    raise AssertionError


def _measured(ways: Sequence[Way], rounds: int) -> dict[str, list[Run]]:
    """Let each way make a backup in every round, in changing order, after a round that does not count."""
    runs: dict[str, list[Run]] = {way.name: [] for way in ways}
    for number in range(rounds + 1):
        turn = number % len(ways)
        for way in (*ways[turn:], *ways[:turn]):
            run = _once(way)
            way.tidy()
            if number:
                runs[way.name].append(run)
            print(f"bench: {way.name}, round {number} of {rounds}: {run.seconds:.2f} s", file=sys.stderr, flush=True)
    return runs


def _rows(title: str, runs: Mapping[str, Sequence[Run]], amount: int) -> list[Line]:
    reference = next(iter(runs.values()))
    heading = (f"**{title}**", *[""] * (len(_HEAD) - 1))
    return [heading, *(_row(name, mine, reference, amount) for name, mine in runs.items())]


def _ratio(mine: Sequence[Run], reference: Sequence[Run]) -> float:
    return statistics.median(other.seconds / run.seconds for run, other in zip(mine, reference, strict=True))


def _once(way: Way) -> Run:
    """Make one backup.

    Raises:
        Refused: the command failed.
    """
    command = way.command()
    os.sync()
    result = subprocess.run([sys.executable, "-c", _MEASURED, *command], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise Refused(f"{way.name}: {result.stderr[-2000:]}")
    seconds, cpu, largest = json.loads(result.stdout)
    return Run(seconds, cpu, Memory(largest * 1024, largest * 1024))


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

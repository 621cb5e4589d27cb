"""What the server needs when nothing happens and while one very large body comes and goes, and how soon it answers."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench import client
from bench.client import Refused, Request, fetch
from bench.outcome import Outcome, Reached, Task
from bench.processes import cpu_seconds, forget_peaks, peak_memory, resident_memory
from bench.product import SETTINGS, Product, alone, behind_nginx
from bench.table import Line
from machine import find_program
from world.instance import Installation
from world.ports import free_port
from world.postgres import postgres_cluster

_MB = 1e6
_LARGE, _QUICK_LARGE = 5_000_000_000, 256 << 20
_PATIENCE = 30.0
_LOOK = 0.005
"""Seconds between two looks whether a starting server answers."""
_SETTLE = 2.0
"""Seconds in which a server that has started comes to rest."""


def compare(task: Task) -> Outcome:
    """Measure the starts on both databases, then the large body with and without NGINX."""
    reached: list[Reached] = []
    started: list[Line] = [("", "until `/health` answers", "lowest, highest", "CPU", "memory at rest")]
    with ExitStack() as stack:
        urls = {"SQLite": ""}
        if find_program("initdb") is not None:
            urls["PostgreSQL"] = stack.enter_context(postgres_cluster()).create_database()
        for name, url in urls.items():
            (task.root / name).mkdir()
            settings = {"DATABASE_URL": url} if url else {}
            installation = Installation.make(task.root / name, **SETTINGS, **settings)
            seconds, cpu, rest = zip(*(_start(installation) for _ in range(task.rounds)), strict=True)
            median, work, memory = statistics.median(seconds), statistics.median(cpu), f"{max(rest) / _MB:.0f} MB"
            started.append((f"{name}, one worker", f"{median:.2f} s", _span(seconds), f"{work:.2f} s", memory))
            reached += [Reached("P14", median, name), Reached("P7 rest", max(rest) / _MB, name)]
    lines, found = _large(task)
    return Outcome([started, lines], [*reached, *found])


def _span(values: tuple[float, ...]) -> str:
    return f"{min(values):.2f}, {max(values):.2f}"


def _start(installation: Installation) -> tuple[float, float, int]:
    """Start a server on a database that is there.

    Returns:
        After how many seconds it answered, its processor time until then, and the memory it held a little later.

    Raises:
        Refused: it does not answer.
    """
    with _started(installation) as (pid, port):
        begun = time.perf_counter()
        health = Request("GET", port, f"/health?code={SETTINGS['HEALTH_CHECK_CODE']}")
        while time.perf_counter() - begun < _PATIENCE:
            try:
                fetch(health)
            except ConnectionRefusedError:
                time.sleep(_LOOK)
            else:
                seconds, cpu = time.perf_counter() - begun, cpu_seconds([pid])
                time.sleep(_SETTLE)
                return seconds, cpu, resident_memory([pid])
    raise Refused("the server does not answer")


@contextmanager
def _started(installation: Installation) -> Iterator[tuple[int, int]]:
    """Start the server; give its process id and its port at once, before it answers."""
    port = free_port()
    command = [sys.executable, "-m", "backup_repository", "serve", "--bind", "127.0.0.1", "--port", str(port)]
    with (installation.root / "started.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=installation.root, env=installation.environment, stdout=log, stderr=log)
    try:
        yield process.pid, port
    finally:
        process.terminate()
        process.wait()


def _large(task: Task) -> tuple[list[Line], list[Reached]]:
    size = _QUICK_LARGE if task.quick else _LARGE
    large, small = task.root / "large", task.root / "small"
    small.write_bytes(b"small")
    large.touch()
    os.truncate(large, size)  # a body of zeros that takes no room
    head = (f"one body of {size / 1e9:.1f} GB", "upload", "download", "server's peak memory", "with NGINX")
    lines: list[Line] = [head]
    reached = []
    for name, build in (("application NGINX", behind_nginx), ("server alone, streaming", alone)):
        with build(task.root / name.split()[0], small) as product:
            upload, download, server, everything = _through(product, large)
        speeds = (f"{size / upload / _MB:.0f} MB/s", f"{size / download / _MB:.0f} MB/s")
        lines.append((name, *speeds, f"{server / _MB:.0f} MB", f"{everything / _MB:.0f} MB"))
        reached.append(Reached("P7 large", server / _MB, name))
    return lines, reached


def _through(product: Product, large: Path) -> tuple[float, float, int, int]:
    """Send the body and get it back; return the seconds of both, the server's peak memory and that of all."""
    request = product.add()
    forget_peaks(product.pids)
    begun = time.perf_counter()
    client.upload(request, large)
    sent = time.perf_counter()
    client.download(Request("GET", product.port, f"{request.path}/latest", request.headers))
    received = time.perf_counter()
    server, everything = peak_memory([product.served.pid]).total, peak_memory(product.pids).total
    product.discard()
    return sent - begun, received - sent, server, everything

"""A cheap machine: the server and its NGINX with half a core and 256 MB for both.

The limits are those of a control group (`limits.py`), in which the set-up is started, too. They count the page cache of
our files; the clients and the disk are not limited. Ten uploads at once and the downloads of what was stored, then one
large upload and its download; `/health` is asked all the time, where the transfers go. The same without NGINX.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from bench import client
from bench.client import Refused, Request
from bench.limits import Limits, limited
from bench.outcome import Outcome, Task
from bench.probes import Probe, percentile
from bench.processes import cpu_seconds, forget_peaks, peak_memory
from bench.product import Product, alone, behind_nginx
from bench.table import Line

_MB = 1e6
_MIB = 1 << 20
LIMITS = Limits(memory=256 * _MIB, cores=0.5)
"""What the machine has for us."""
_MANY = 10
_SMALLER, _LARGE = 200 * _MIB, 2048 * _MIB
_QUICK = 10
"""How much smaller the bodies are in a quick run."""
_SETUPS = {"Server and application NGINX": behind_nginx, "Server alone, streaming": alone}
_HEAD = ("", "time", "speed", "CPU", "server's peak memory", "all processes", "health p50", "p99", "longest")


def compare(task: Task) -> Outcome:
    """Let everything happen once.

    Raises:
        Refused: an upload or a download failed, or a process was ended for want of memory.
    """
    shorter = _QUICK if task.quick else 1
    lines: list[Line] = [_HEAD]
    remarks: list[str] = []
    with ExitStack() as stack:
        small = _body(stack, task.source.with_name("small"), _MIB)
        smaller = _body(stack, task.source.with_name("smaller"), _SMALLER // shorter)
        large = _body(stack, task.source.with_name("large"), _LARGE // shorter)
        for name, begin in _SETUPS.items():
            with limited(LIMITS) as group, ExitStack() as running:
                with group.inside():
                    product = running.enter_context(begin(task.root / begin.__name__, small))
                lines.append((f"**{name}**", *[""] * (len(_HEAD) - 1)))
                lines += [*_through(product, smaller, _MANY), *_through(product, large, 1)]
                pressure = group.pressure()
            if pressure.killed:
                raise Refused(f"{name}: {pressure.killed} processes were ended for want of memory")
            remarks.append(f"{name}: the limit was reached {pressure.reached} times, and no process was ended by it.")
    return Outcome([lines], remarks=remarks)


def _through(product: Product, body: Path, count: int) -> list[Line]:
    """Upload a body so many times at once, then download what was stored."""
    requests = [product.add() for _ in range(count)]
    downloads = [Request("GET", one.port, f"{one.path}/latest", one.headers) for one in requests]
    size = body.stat().st_size
    with body.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    how = f"{count} x {size // _MIB} MiB"
    lines = [
        _measured(
            product, f"upload, {how}", count * size, lambda: _together(requests, lambda one: _upload(one, body, sha256))
        ),
        _measured(product, f"download, {how}", count * size, lambda: _together(downloads, lambda one: _get(one, size))),
    ]
    product.discard()
    return lines


def _measured(product: Product, name: str, amount: int, job: Callable[[], None]) -> Line:
    pids, server = product.pids, (product.served.pid,)
    probe = Probe(product.health())
    probe.wait()
    forget_peaks(pids)
    cpu, begun = cpu_seconds(pids), time.perf_counter()
    try:
        job()
    finally:
        seconds = time.perf_counter() - begun
        taken = probe.stop()
    if probe.unhealthy:
        raise Refused(f"{name}: {probe.unhealthy} of {len(taken)} answers of health were no success")
    spent = cpu_seconds(pids) - cpu
    return (
        name,
        f"{seconds:.0f} s",
        f"{amount / seconds / _MB:.0f} MB/s",
        f"{spent / amount * 1e9:.2f} s/GB",
        f"{peak_memory(server).total / _MB:.0f} MB",
        f"{peak_memory(pids).total / _MB:.0f} MB",
        *(f"{1000 * percentile(taken, share):.0f} ms" for share in (0.5, 0.99, 1)),
    )


def _together(requests: Sequence[Request], work: Callable[[Request], None]) -> None:
    with ThreadPoolExecutor(len(requests)) as pool:
        for _ in pool.map(work, requests):
            pass


def _upload(request: Request, body: Path, sha256: str) -> None:
    answer = client.upload(request, body)
    if json.loads(answer)["version"]["checksum"]["value"] != sha256:
        raise Refused(f"{request.path}: another digest than {sha256}: {answer!r}")


def _get(request: Request, size: int) -> None:
    got = client.download(request)
    if got != size:
        raise Refused(f"{request.path}: {got} of {size} bytes came")


def _body(stack: ExitStack, path: Path, size: int) -> Path:
    """Make a file, no two MiB of it alike, that is there for as long as the stack lasts."""
    stack.callback(path.unlink)
    block = bytes(range(256)) * (_MIB // 256)
    with path.open("wb") as file:
        for number in range(size // _MIB):
            file.write(number.to_bytes(8))
            file.write(block[8:])
    return path

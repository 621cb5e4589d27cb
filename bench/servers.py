"""The HTTP server under the application: uvicorn, as `serve` runs it, against Granian with the same application."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from bench import client, edges, load, table
from bench.client import Refused
from bench.outcome import Outcome, Task
from bench.product import Product, alone
from bench.rounds import Contender, measure
from bench.transfers import downloading, rows, uploading
from world.ports import free_port

_PATIENCE = 20.0
_REQUESTS = 1000
_CONNECTIONS = 4


def compare(task: Task) -> Outcome:
    """Measure both, then try the edge cases of HTTP.

    Raises:
        Refused: Granian is not installed, or does not start.
    """
    source, rounds, size = task.source, task.rounds, task.size
    with alone(task.root / "alone", source) as uvicorn, _granian(uvicorn) as granian:
        both = {"uvicorn (httptools, uvloop)": uvicorn, "Granian (uvloop)": granian}
        uploads = [uploading(name, product, source) for name, product in both.items()]
        downloads = [downloading(name, product) for name, product in both.items()]
        listings = [_listing(name, product) for name, product in both.items()]
        lines = [
            table.HEAD,
            *rows("Streamed upload; ratio to uvicorn", measure("upload", uploads, rounds), size),
            *rows("Streamed download", measure("download", downloads, rounds), size),
            *table.rows("Listing", measure("listing", listings, rounds), _REQUESTS, "requests/s", "s/1000"),
        ]
        cases = [(case.__doc__ or "", *(case(product) for product in both.values())) for case in edges.CASES]
    return Outcome([lines, [("", *both), *cases]])


def _listing(name: str, product: Product) -> Contender:
    request = product.list()

    def job() -> None:
        load.repeat(request, _REQUESTS, _CONNECTIONS)

    return Contender(name, product.pids, lambda: job, lambda: None)


@contextmanager
def _granian(uvicorn: Product) -> Iterator[Product]:
    """Run Granian with the settings, and so on the data, of a running server.

    Raises:
        Refused: it is not installed, or does not start.
    """
    program = Path(sys.executable).with_name("granian")
    if not program.exists():
        raise Refused("Granian is not installed")
    server, port = uvicorn.served, free_port()
    log = server.root / "granian.log"
    command = [str(program), "--interface", "asgi", "--http", "1", "--no-ws", "--loop", "uvloop", "--factory"]
    command += ["--host", "127.0.0.1", "--port", str(port), "backup_repository.main:create_from_environment"]
    settings = psutil.Process(server.pid).environ()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=server.root, env=settings, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        product = uvicorn.by(process.pid, port)
        _wait_until_answering(process, product, log)
        yield product
    finally:
        process.terminate()
        process.wait()


def _wait_until_answering(process: subprocess.Popen[bytes], product: Product, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            client.fetch(product.list())
        except Refused:
            time.sleep(0.05)
        else:
            return
    raise Refused(f"Granian does not start:\n{log.read_text()}")

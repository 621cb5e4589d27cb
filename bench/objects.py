"""Uploads and downloads on an object store: the product, and rclone with the same file and the same store."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench import client, table
from bench.client import Refused, Request
from bench.outcome import Outcome, Reached, Task
from bench.product import port_of
from bench.rounds import Contender, measure
from bench.transfers import rows
from machine import find_program
from world import nginx
from world.bodies import Body
from world.buckets import BUCKET, KEY, SECRET, S3Bucket, running, serving_rclone
from world.front import Files
from world.instance import Installation, Server

_PREFIX = "product"
_PART = 4
"""How many times smaller than elsewhere the body is."""


def compare(task: Task) -> Outcome:
    """Measure both ways, with a part of the body: what is compared is slow.

    Raises:
        Refused: rclone is not installed.
    """
    if find_program("rclone", str(Path(sys.executable).parent)) is None:
        raise Refused("rclone is not installed")
    root, size = task.root, task.size // (1 if task.quick else _PART)
    source = root / "body"
    with source.open("wb") as file:
        file.writelines(Body(size, seed=2))
    with ExitStack() as stack:
        command, port = serving_rclone(root / "store")
        store = stack.enter_context(running(command, port, root / "store.log"))
        bucket = S3Bucket(f"http://127.0.0.1:{port}")
        objects = root / "store" / "root" / BUCKET
        direct = stack.enter_context(_direct(root / "direct", bucket))
        behind, behind_port = stack.enter_context(_behind_nginx(root / "behind", bucket))
        peer = _Rclone(bucket, source)

        def tidy() -> None:
            for file in objects.rglob("*"):
                if file.is_file() and file.name != "kept":
                    file.unlink()

        uploads = (
            Contender("rclone copyto (CPU and memory: the store's)", (store.pid,), lambda: peer.upload, tidy),
            _uploading("server alone, streaming (SHA-256)", direct, port_of(direct), source, tidy),
            _uploading("application NGINX, landed file (SHA-256)", behind, behind_port, source, tidy),
        )
        uploaded = measure("upload to a store", uploads, task.rounds)
        lines = [table.HEAD, *rows(f"Upload of {size // 2**20} MiB; ratio to rclone", uploaded, size)]
        peer.keep()
        versions = direct.create_collection()
        client.upload(Request("POST", port_of(direct), versions, direct.bearer), source)
        wanted = Request("GET", port_of(direct), f"{versions}/v1", direct.bearer)
        downloads = (
            Contender("rclone cat (CPU and memory: the store's)", (store.pid,), lambda: peer.download, lambda: None),
            Contender("server alone, streaming", (direct.pid,), lambda: lambda: _download(wanted), lambda: None),
        )
        lines += rows("Download", measure("download from a store", downloads, task.rounds), size)
    reached = [Reached("P13", one.speed_ratio(uploaded[0]), one.contender.name) for one in uploaded[1:]]
    return Outcome([lines], reached)


class _Rclone:
    """The fastest client we know, sending one file to one store."""

    def __init__(self, bucket: S3Bucket, source: Path) -> None:
        self._source = source
        self._numbers = itertools.count()
        program = find_program("rclone", str(Path(sys.executable).parent)) or "rclone"
        self._command = [program, "--config", os.devnull, "--retries", "1"]
        self._environment = {
            "RCLONE_CONFIG_STORE_TYPE": "s3",
            "RCLONE_CONFIG_STORE_PROVIDER": "Rclone",
            "RCLONE_CONFIG_STORE_ENDPOINT": bucket.url,
            "RCLONE_CONFIG_STORE_ACCESS_KEY_ID": KEY,
            "RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY": SECRET,
            "HOME": os.devnull,
        }

    def upload(self) -> None:
        # a new name each time: what the store still has in its listing would not be sent again
        self._run("copyto", str(self._source), f"STORE:{BUCKET}/peer/{next(self._numbers)}")

    def keep(self) -> None:
        self._run("copyto", str(self._source), f"STORE:{BUCKET}/peer/kept")

    def download(self) -> None:
        self._run("cat", f"STORE:{BUCKET}/peer/kept")

    def _run(self, *command: str) -> None:
        subprocess.run([*self._command, *command], env=self._environment, stdout=subprocess.DEVNULL, check=True)


@contextmanager
def _direct(root: Path, bucket: S3Bucket) -> Iterator[Server]:
    root.mkdir()
    with Installation.make(root, **bucket.environment(_PREFIX)).serve(tcp=True) as served:
        yield served


@contextmanager
def _behind_nginx(root: Path, bucket: S3Bucket) -> Iterator[tuple[Server, int]]:
    front, inside = root / "front", root / "s"
    for directory in (root, front, inside):
        directory.mkdir()
    with Installation.make(inside, **bucket.environment(_PREFIX)).serve() as served:
        files = Files.write(front, served)
        with nginx.running(files.application, files.inner, front / "log" / "nginx-access.log", as_us=True):
            yield served, files.inner[1]


def _uploading(name: str, served: Server, port: int, source: Path, tidy: Callable[[], None]) -> Contender:
    def prepare() -> Callable[[], None]:
        request = Request("POST", port, served.create_collection(), served.bearer)

        def job() -> None:
            client.upload(request, source)

        return job

    return Contender(name, (served.pid,), prepare, tidy)


def _download(request: Request) -> None:
    client.download(request)

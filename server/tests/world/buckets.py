"""Real S3 protocol servers on loopback."""

from __future__ import annotations

import itertools
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import boto3
from obstore.store import S3Store
from world.ports import free_port

KEY, SECRET = "access", "secret-key"


@dataclass
class Bucket:
    url: str
    name: str = "backups"
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def store(self) -> S3Store:
        return S3Store(self.name, endpoint=self.url, prefix=f"p{next(self.numbers)}", access_key_id=KEY, secret_access_key=SECRET, region="eu-central-1", client_options={"allow_http": True})


@contextmanager
def moto(directory: Path) -> Iterator[Bucket]:
    port = free_port()
    with _running([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port, directory / "log"):
        url = f"http://127.0.0.1:{port}"
        client = boto3.client("s3", endpoint_url=url, aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name="eu-central-1")
        client.create_bucket(Bucket="backups", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        client.close()
        yield Bucket(url)


@contextmanager
def rclone(directory: Path) -> Iterator[Bucket]:
    port = free_port()
    (directory / "root" / "backups").mkdir(parents=True)
    with _running(["rclone", "serve", "s3", "--auth-key", f"{KEY},{SECRET}", "--addr", f"127.0.0.1:{port}", "--config", "/dev/null", str(directory / "root")], port, directory / "log"):
        yield Bucket(f"http://127.0.0.1:{port}")


@contextmanager
def _running(command: list[str], port: int, log: Path) -> Iterator[None]:
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while True:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text())
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait()

"""Object stores on loopback: real servers of the S3 protocol, Azure's emulator, and stand-ins for the other clouds.

Each gives settings as an operator would write them, with a prefix of its own for each use.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]  # its types are a package of their own, and large
from world.authority import Authority
from world.clouds import AZURE_KEY, create_container, stand_in_azure, stand_in_google
from world.ports import free_port
from world.programs import require_program

from backup_repository.config.model import AzureStorage, GoogleStorage, S3Storage
from backup_repository.storage.base import Storage
from backup_repository.storage.drivers.objects import PART
from backup_repository.storage.open import open_one

BUCKET = "backups"
KEY, SECRET = "access-of-tests", "secret-of-tests"
REGION = "eu-central-1"
LARGEST = 30_000_000_000

Settings = S3Storage | GoogleStorage | AzureStorage


AZURITE = shutil.which("azurite-blob")
"""Azure's emulator; Debian has no package of it, npm has one."""


@dataclass
class Bucket:
    """A bucket or container of a running store."""

    url: str
    fixed: Mapping[str, Any] = field(default_factory=dict)
    shape: type[Settings] = S3Storage
    numbers: Iterator[int] = field(default_factory=itertools.count)
    authority: Path | None = None
    """Vouches for a store with TLS."""

    def settings(self) -> Any:
        """Give settings with a fresh prefix."""
        prefix = f"pre fix/{os.getpid()}-{next(self.numbers)}"
        return self.shape("CLOUD", endpoint=self.url, prefix=prefix, **self.fixed)

    def storage(self, settings: Settings | None = None, largest: int = LARGEST) -> Storage:
        """Open the storage as an instance does."""
        return open_one(settings or self.settings(), Path("unused"), largest)


@dataclass
class S3Bucket(Bucket):
    """A bucket of an S3 server, to be looked into with another client than ours."""

    fixed: Mapping[str, Any] = field(
        default_factory=lambda: {
            "bucket": BUCKET,
            "region": REGION,
            "credentials_key": KEY,
            "credentials_secret": SECRET,
        }
    )

    @contextmanager
    def client(self) -> Iterator[Any]:
        """Give Amazon's own client."""
        client = boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            region_name=REGION,
            verify=None if self.authority is None else str(self.authority),
        )
        yield client
        client.close()

    def uploads(self, prefix: str) -> list[str]:
        """Give the keys of unfinished uploads."""
        with self.client() as client:
            try:
                found = client.list_multipart_uploads(Bucket=BUCKET, Prefix=prefix).get("Uploads", [])
            except client.exceptions.NoSuchUpload:  # rclone's way of saying that there are none
                return []
        return [upload["Key"] for upload in found]

    def parts(self, prefix: str) -> int:
        """Count the parts of unfinished uploads that have arrived."""
        with self.client() as client:
            found = client.list_multipart_uploads(Bucket=BUCKET, Prefix=prefix).get("Uploads", [])
            named = [{"Bucket": BUCKET, "Key": upload["Key"], "UploadId": upload["UploadId"]} for upload in found]
            return sum(len(client.list_parts(**upload).get("Parts", [])) for upload in named)

    def objects(self, prefix: str) -> dict[str, int]:
        """Give names and sizes of the objects."""
        with self.client() as client:
            found = client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return {item["Key"]: item["Size"] for item in found}

    def environment(self, prefix: str = "instance") -> dict[str, str]:
        """Give the variables that make it an instance's storage."""
        trusted = {} if self.authority is None else {"SSL_CERT_FILE": str(self.authority)}
        return trusted | {
            "FS_RW_NAME": "CLOUD",
            "FS_CLOUD_ADAPTER": "aws",
            "FS_CLOUD_BUCKET": BUCKET,
            "FS_CLOUD_ENDPOINT": self.url,
            "FS_CLOUD_PREFIX": prefix,
            "FS_CLOUD_CREDENTIALS_KEY": KEY,
            "FS_CLOUD_CREDENTIALS_SECRET": SECRET,
        }


@contextmanager
def moto(directory: Path, smallest_part: int = PART, by: Authority | None = None) -> Iterator[S3Bucket]:
    """Run moto's server with an empty bucket; it knows conditional requests, and how small a part may be."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    command += _certified(by, "-c", "-k")
    with running(command, port, directory / "log", S3_UPLOAD_PART_MIN_SIZE=str(smallest_part)):
        bucket = _bucket(port, by)
        with bucket.client() as client:
            client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield bucket


@contextmanager
def rclone(directory: Path, by: Authority | None = None) -> Iterator[S3Bucket]:
    """Run rclone's S3 server on a directory; it checks signatures, and knows neither conditions nor ranges."""
    command, port = serving_rclone(directory)
    command += _certified(by, "--cert", "--key")
    with running(command, port, directory / "log"):
        yield _bucket(port, by)


def _bucket(port: int, by: Authority | None) -> S3Bucket:
    if by is None:
        return S3Bucket(f"http://127.0.0.1:{port}")
    return S3Bucket(f"https://localhost:{port}", authority=by.file)


def _certified(by: Authority | None, certificate: str, key: str) -> list[str]:
    """Give the options for a certificate of this authority; with None there is no TLS."""
    if by is None:
        return []
    files = by.sign("localhost")
    return [certificate, str(files[0]), key, str(files[1])]


def serving_rclone(directory: Path, port: int | None = None) -> tuple[list[str], int]:
    """Say what runs rclone's S3 server on a directory, which keeps the objects, and on which port."""
    (directory / "root" / BUCKET).mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    command = [require_program("rclone", str(Path(sys.executable).parent)), "serve", "s3", "--config", os.devnull]
    command += ["--auth-key", f"{KEY},{SECRET}", "--addr", f"127.0.0.1:{port}", str(directory / "root")]
    return command, port


@contextmanager
def azurite(directory: Path) -> Iterator[Bucket]:
    """Run Azure's emulator, where somebody has installed it."""
    port = free_port()
    command = [str(AZURITE), "--blobPort", str(port), "--location", str(directory), "--silent", "--skipApiVersionCheck"]
    with running(command, port, directory / "log"):
        account = "devstoreaccount1"
        url = f"http://127.0.0.1:{port}/{account}"
        create_container(url, account, BUCKET)
        yield Bucket(url, {"account": account, "container": BUCKET, "key": AZURE_KEY}, AzureStorage)


@contextmanager
def azure(_directory: Path) -> Iterator[Bucket]:
    """Run our stand-in for Azure."""
    with stand_in_azure() as cloud:
        yield Bucket(
            f"{cloud.url}/account", {"account": "account", "container": BUCKET, "key": AZURE_KEY}, AzureStorage
        )


@contextmanager
def google(directory: Path) -> Iterator[Bucket]:
    """Run our stand-in for Google Cloud Storage, which asks for no token."""
    with stand_in_google() as cloud:
        yield Bucket(cloud.url, {"bucket": BUCKET, "keyfilepath": open_key_file(directory)}, GoogleStorage)


def open_key_file(directory: Path) -> Path:
    """Write a key file for Google's storage that asks for no token."""
    keyfile = directory / "key.json"
    keyfile.write_text(json.dumps({"private_key": "", "private_key_id": "", "client_email": "", "disable_oauth": True}))
    return keyfile


@contextmanager
def running(command: list[str], port: int, log: Path, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends, with further environment variables.

    Raises:
        RuntimeError: it does not listen; the text holds its last words.
    """
    with log.open("w") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=os.environ | variables
        )
    try:
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        else:
            raise RuntimeError(f"{command[0]} does not listen:\n{log.read_text()}")
        yield process
    finally:
        process.terminate()
        process.wait()

"""Uploads and downloads of tests, without a pipeline around them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from realm.configs import COLLECTION

from bahub.config.model import Access
from bahub.masking import Secret
from bahub.progress import Progress
from bahub.repository.connection import Connection
from bahub.repository.download import Download, resolve
from bahub.repository.lookup import preflight
from bahub.repository.model import Uploaded
from bahub.repository.upload import Upload
from bahub.streams import Broken

TOKEN = "eyJhbGciOiJFZERTQSJ9.token-of-tests.c2lnbmF0dXJl"


def access(url: str, *, ca_file: Path | None = None, insecure_tls: bool = False, read_timeout: float = 30.0) -> Access:
    """Return how a server is reached."""
    return Access("main", url, Secret(TOKEN), ca_file=ca_file, insecure_tls=insecure_tls, read_timeout=read_timeout)


@dataclass
class Blocks:
    """An archive that is made while it is sent."""

    blocks: Iterable[bytes | Callable[[], bytes]]
    """What is asked for one by one; a function may wait, or raise."""
    asked: int = 0
    """How many were asked for."""

    def __post_init__(self) -> None:
        self._iterator = iter(self.blocks)
        self._digest = hashlib.sha256()

    def ready(self, seconds: float) -> bool:
        """Always: a function that waits does so in `read`."""
        del seconds
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Return the next block."""
        del size
        self.asked += 1
        made = next(self._iterator, b"")
        block = made() if callable(made) else made
        self._digest.update(block)
        return block

    def digest(self) -> str:
        """Return the SHA-256 of what was given so far."""
        return self._digest.hexdigest()


def broken() -> bytes:
    """Be the block that never comes because a stage before has failed."""
    raise Broken


@dataclass
class Pauses:
    """Waits no longer than a test has to."""

    seconds: list[float] = field(default_factory=list)
    """What was asked for."""
    meanwhile: Callable[[], object] = lambda: None
    """What happens in each."""

    def __call__(self, seconds: float) -> None:
        """Wait not at all."""
        self.seconds.append(seconds)
        self.meanwhile()


def upload(place: Access, blocks: Blocks, pause: Callable[[float], object] = lambda _: None) -> Uploaded:
    """Look the collection up and send an archive."""
    connection = Connection(place, pause)
    progress = Progress()
    return Upload(
        connection,
        COLLECTION,
        preflight(connection, COLLECTION),
        blocks=blocks,
        digest=blocks.digest,
        progress=progress,
    ).run()


@dataclass
class Taken:
    """Where a download goes."""

    content: bytearray = field(default_factory=bytearray)

    def write(self, data: bytes, /) -> int:
        """Keep it."""
        self.content += data
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""


def download(
    place: Access, taken: Taken, version: str = "latest", pause: Callable[[float], object] = lambda _: None
) -> str:
    """Fetch a version and return its digest."""
    connection = Connection(place, pause)
    return Download(connection, COLLECTION, resolve(connection, COLLECTION, version), Progress()).run(taken)

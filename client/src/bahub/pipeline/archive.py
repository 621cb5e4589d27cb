"""Fetches an archive and opens it: download ▸ decryption ▸ expansion, each verified (contract B 3.3, 3.6, 3.7).

What an archive is made of is recognised from its content; the keys come from the definition. Whoever reads the content
to its end knows that the digest was right, that decryption authenticated everything and that expansion was whole; what
was read before must not be believed.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from bahub.compression.registry import expand
from bahub.encryption.registry import HEAD, opener
from bahub.errors import Failed
from bahub.pipeline.parts import Parts
from bahub.pipeline.stages import Stages
from bahub.progress import Progress
from bahub.repository.connection import Connection
from bahub.repository.download import Download, Wanted, resolve
from bahub.streams import BLOCK, Broken, Pipe, Writer, looked_into

Fetch: TypeAlias = Callable[[Stages, Writer], str]
"""Writes a stored archive, and returns its SHA-256 once it is verified."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One version on the server."""

    wanted: Wanted
    """Which one."""
    fetch: Fetch
    """Brings it here."""


def find(parts: Parts, name: str, progress: Progress) -> Stored:
    """Find a version: `latest`, `first`, `v3` or an id.

    Raises:
        BadUsage, Refused, Failed: as `repository.download.resolve`.
    """
    definition = parts.definition
    wanted = resolve(Connection(definition.access), definition.collection_id, name)

    def fetch(stages: Stages, sink: Writer) -> str:
        connection = Connection(definition.access, stages.pause)
        download = Download(connection, definition.collection_id, wanted, progress)
        stages.cut_by(download.cut)
        return download.run(sink)

    return Stored(wanted, fetch)


def fetched(stages: Stages, fetch: Fetch) -> Pipe:
    """Start fetching, and return the stored bytes."""
    stored = stages.pipe()

    def download() -> None:
        fetch(stages, stored)
        stored.end()

    stages.run("download", download)
    return stored


def opened(parts: Parts, stages: Stages, fetch: Fetch, *, allow_unencrypted: bool) -> Callable[[], Pipe]:
    """Start fetching an archive and look at its beginning; return what starts to open it and gives its content.

    In between nothing is decrypted: whoever restores prepares the target then.

    Raises:
        Tampered: it is not encrypted, though it should be.
        Misconfigured: the definition has no keys for it.
        BahubError: fetching failed.
    """
    try:
        head, archive = looked_into(fetched(stages, fetch), HEAD)
    except Broken:
        stages.check()
        raise
    method = opener(parts.definition.encryption, head, allow_unencrypted=allow_unencrypted)
    method.check(opening=True)
    return lambda: stages.step("decompression", expand, stages.step("decryption", method.decrypt, archive))


@contextmanager
def staged(fetch: Fetch, directory: Path) -> Iterator[Fetch]:
    """Fetch and verify a whole, still encrypted archive into a directory first; it is removed afterwards.

    Raises:
        Failed: it cannot be written there.
        BahubError: fetching failed.
    """
    try:
        descriptor, name = tempfile.mkstemp(suffix=".partial", prefix="bahub-", dir=directory)
    except OSError as error:
        raise Failed(f"nothing can be written in {directory}: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            with Stages() as stages:
                stored = fetched(stages, fetch)
                stages.run("stage", lambda: _keep(stored, file.fileno(), directory))
                stages.wait()
            yield lambda _, sink: _give(file.fileno(), sink)
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()


def _keep(stored: Pipe, descriptor: int, directory: Path) -> None:
    while block := stored.read():
        view = memoryview(block)
        try:
            while view:
                view = view[os.write(descriptor, view) :]
        except OSError as error:
            raise Failed(f"nothing can be written in {directory}: {error.strerror}") from error


def _give(descriptor: int, sink: Writer) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    while block := os.read(descriptor, BLOCK):
        sink.write(block)
    return ""

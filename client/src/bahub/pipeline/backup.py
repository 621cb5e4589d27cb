"""Makes a version: source ▸ compression ▸ encryption ▸ digest ▸ upload, all at the same time, nothing on the disk.

The order is the safety (contract B 3.6):

1. the keys are looked for, then the collection, before the source starts;
2. the stages run; each ends its stream only after it has succeeded;
3. so the closing chunk of the upload is sent only when all have succeeded, otherwise the connection is cut without it;
4. the server's answer names the digest of what was sent, or the version is called damaged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from bahub.config.model import Access
from bahub.errors import ProgramFailed
from bahub.pipeline.digest import Digest
from bahub.pipeline.parts import Parts
from bahub.pipeline.source import dump
from bahub.pipeline.stages import Stages
from bahub.progress import Progress
from bahub.repository.connection import Connection
from bahub.repository.lookup import preflight
from bahub.repository.model import Uploaded
from bahub.repository.upload import Upload
from bahub.streams import BLOCK, Pipe, Writer


@dataclass(frozen=True, slots=True)
class Written:
    """An archive that was not sent."""

    size: int
    """Bytes."""
    checksum: str
    """SHA-256 in lower-case hex."""


def make(parts: Parts, progress: Progress) -> Uploaded:
    """Dump, compress, encrypt and send one definition.

    Raises:
        Misconfigured: keys are missing.
        Refused, Failed: the server or the network, or compression or encryption.
        ProgramFailed: the source failed or was empty.
        Tampered: the server confirmed something else.
    """
    parts.encryption.check(opening=False)
    definition = parts.definition
    return _send(definition.access, definition.collection_id, lambda stages: _archive(parts, stages), progress)


def write(parts: Parts, sink: Writer, progress: Progress) -> Written:
    """Dump, compress and encrypt one definition into a file; nothing is sent.

    Raises:
        Misconfigured, Failed, ProgramFailed: as `make`.
    """
    parts.encryption.check(opening=False)
    digest = Digest()
    with Stages() as stages:
        archive = stages.step("digest", digest.pass_on, _archive(parts, stages))

        def target() -> None:
            while block := archive.read():
                sink.write(block)
                progress.advance(len(block))
            sink.flush()

        stages.run("target", target)
        stages.wait()
    return Written(digest.size, digest.hexdigest())


def send_raw(access: Access, collection_id: str, source: BinaryIO, progress: Progress) -> Uploaded:
    """Send bytes as they are.

    Raises:
        Refused, Failed, Tampered: as `make`.
        ProgramFailed: there are none.
    """

    def read(stages: Stages) -> Pipe:
        content = stages.pipe()

        def pump() -> None:
            some = False
            while block := source.read(BLOCK):
                content.write(block)
                some = True
            if not some:
                raise ProgramFailed("there is nothing to send", hint="did what should write it fail?")
            content.end()

        stages.run("source", pump)
        return content

    return _send(access, collection_id, read, progress)


def _archive(parts: Parts, stages: Stages) -> Pipe:
    """Start the source and what its content passes through; return the archive."""
    content = stages.pipe()
    stages.run("source", lambda: dump(parts, stages, content))
    packed = stages.step("compression", parts.compression.compress, content)
    return stages.step("encryption", parts.encryption.encrypt, packed)


def _send(access: Access, collection_id: str, archive: Callable[[Stages], Pipe], progress: Progress) -> Uploaded:
    """Look the collection up, then start what makes the archive, and send it."""
    collection = preflight(Connection(access), collection_id)
    digest = Digest()
    with Stages() as stages:
        upload = Upload(
            Connection(access, stages.pause),
            collection_id,
            collection,
            blocks=stages.step("digest", digest.pass_on, archive(stages)),
            digest=digest.hexdigest,
            progress=progress,
        )
        stages.cut_by(upload.cut)
        uploaded = stages.run("upload", upload.run)
        stages.wait()
    return uploaded.value

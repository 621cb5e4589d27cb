"""Sends an archive: one chunked POST, complete or not at all (contract B 3.6).

* The connection is opened when the first block is there. Until the first body byte, failures are tried again while the
  source waits; afterwards there is no blind retry.
* The closing chunk is sent only when the source of blocks has reached its end, which it does only after every stage
  has succeeded. Whoever breaks the source, or calls `cut`, cuts the connection without it: no version comes to be.
* An answer that comes while sending ends the sending.
* An answer that is lost after the closing chunk is looked for in the list of versions.
* The answer must name a version and the digest of the bytes sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Protocol

import httpx

from bahub.errors import BahubError, Failed, Refused, Tampered
from bahub.progress import Progress
from bahub.repository import lookup
from bahub.repository.answers import Answer
from bahub.repository.connection import Connection, words
from bahub.repository.early import EarlyAnswer, Wire
from bahub.repository.model import Collection, Uploaded, Version

_LISTEN = 0.5
"""Seconds between two looks for an early answer while the source is silent."""
_LOST = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT})
"""A proxy's words for: the server's answer did not reach me."""


class Blocks(Protocol):
    """Where the archive comes from: the reading end of a pipe."""

    def ready(self, seconds: float) -> bool:
        """Wait at most so long for `read` to have something to say."""

    def read(self, size: int = -1, /) -> bytes:
        """Return the next block, empty at the end."""


class Upload:
    """One archive on its way."""

    def __init__(
        self,
        connection: Connection,
        collection_id: str,
        collection: Collection | None,
        *,
        blocks: Blocks,
        digest: Callable[[], str],
        progress: Progress,
    ) -> None:
        """Prepare it; nothing is connected yet.

        Args:
            connection: how the server is reached.
            collection_id: where the archive goes.
            collection: what `preflight` has seen of it.
            blocks: the archive; its end means that every stage before has succeeded.
            digest: SHA-256 of all blocks, asked for after their end.
            progress: counts the bytes sent.
        """
        self._connection = connection
        self._collection_id = collection_id
        self._collection = collection
        self._blocks = blocks
        self._digest = digest
        self._progress = progress
        self._wire = Wire(connection.access.read_timeout)
        self._was_cut = False
        self._begun = False
        self._complete = False
        self._first = b""

    def cut(self) -> None:
        """End the connection at once, without the closing chunk; may be called from any thread."""
        self._was_cut = True
        self._wire.cut()

    def run(self) -> Uploaded:
        """Send everything and return what the server made of it.

        Raises:
            Broken: a stage before failed; the connection was cut.
            Refused: the server answered 4xx.
            Failed: network, server, or an unknown outcome.
            Tampered: the answer names another digest, or none.
        """
        self._first = self._blocks.read()
        try:
            answer = self._connection.patiently(self._send, worth=lambda _: not self._begun and not self._was_cut)
        except EarlyAnswer as early:
            raise self._early(early.answer) from None
        except httpx.TransportError as error:
            if self._complete:
                return self._found_in_list(words(error))
            if not self._begun:
                raise self._connection.unreachable(error) from error
            raise Failed(f"the connection was cut while the archive was sent: {words(error)}") from error
        if not self._complete:
            raise self._early(answer)
        if answer.status in _LOST:
            return self._found_in_list(f"a proxy answered {answer.status}")
        return self._confirmed(answer)

    def _send(self) -> Answer:
        wire = self._wire = Wire(self._connection.access.read_timeout)
        if self._was_cut:
            wire.cut()
        url = self._connection.collection_url(self._collection_id, "versions")
        with (
            self._connection.client() as client,
            client.stream(
                "POST",
                url,
                content=self._body(wire),
                headers={"Content-Type": "application/octet-stream"},
                extensions={"trace": wire.trace},
            ) as response,
        ):
            return Answer.read(response)

    def _body(self, wire: Wire) -> Iterator[bytes]:
        """Give block after block; asked for only once the connection stands and the headers are out."""
        block = self._first
        while block:
            wire.listen()
            self._begun = True
            yield block
            self._progress.advance(len(block))
            while not self._blocks.ready(_LISTEN):
                wire.listen()
            block = self._blocks.read()
        self._begun = self._complete = True

    def _early(self, answer: Answer) -> BahubError:
        if answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return Failed(f"the server answered {answer.status} before it had everything")
        return answer.failure()

    def _confirmed(self, answer: Answer) -> Uploaded:
        document = answer.checked()
        version = document.get("version")
        version = version if isinstance(version, dict) else {}
        number, identifier = version.get("version"), version.get("id")
        checksum = version.get("checksum")
        stored = str(checksum.get("value") or "").lower() if isinstance(checksum, dict) else ""
        sent = self._digest()
        if not stored or not isinstance(number, int) or isinstance(number, bool):
            raise Tampered(
                f"the server confirmed version id {identifier} without {'a number' if stored else 'a checksum'}: "
                f"sent SHA-256 {sent}, stored {stored or 'unknown'}"
            )
        if stored != sent:
            raise Tampered(
                f"version {number} (id {identifier}) is not what was sent: sent SHA-256 {sent}, stored {stored}",
                hint="the version was left in place; do not rely on it",
            )
        return self._uploaded(number, str(identifier), _filename(document) or self._known_filename())

    def _found_in_list(self, reason: str) -> Uploaded:
        """Look for what was sent where its answer should have come from."""
        sent = self._digest()
        lost = f"everything was sent, but the answer was lost ({reason})"
        try:
            versions = lookup.versions_of(self._connection, self._collection_id)
        except (Refused, Failed) as error:
            raise Failed(
                f"{lost}, and the versions cannot be listed: outcome unknown. {error.message}",
                hint=f"look for SHA-256 {sent} in the list of versions",
            ) from error
        for version in reversed(versions):
            if version.checksum == sent:
                return self._uploaded(version.number, version.id, self._known_filename() or _name_in(version))
        raise Failed(f"{lost}, and no version has its digest {sent}")

    def _uploaded(self, number: int, identifier: str, filename: str) -> Uploaded:
        return Uploaded(number, identifier, filename, self._digest(), self._progress.done)

    def _known_filename(self) -> str:
        return "" if self._collection is None else self._collection.filename


def _filename(document: object) -> str:
    collection = document.get("collection") if isinstance(document, dict) else None
    return str(collection.get("filename") or "") if isinstance(collection, dict) else ""


def _name_in(version: Version) -> str:
    return version.plain_filename.replace(f"-v{version.number}", "", 1)

"""Counts and hashes what passes, in a thread of its own: hashing and sending happen at the same time."""

from __future__ import annotations

import hashlib

from bahub.streams import Reader, Writer


class Digest:
    """SHA-256 of a stream that passes through."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self.size = 0
        """Bytes so far."""

    def pass_on(self, reader: Reader, writer: Writer) -> None:
        """Hand every block on unchanged."""
        while block := reader.read():
            self._sha256.update(block)
            self.size += len(block)
            writer.write(block)

    def hexdigest(self) -> str:
        """Return it in lower-case hex; of the whole once the stream has ended."""
        return self._sha256.hexdigest()

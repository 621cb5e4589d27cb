"""Content of which nothing is known but that there must be some."""

from __future__ import annotations

from bahub.errors import Tampered


class Anything:
    """Counts bytes."""

    def __init__(self) -> None:
        self._size = 0

    def feed(self, block: bytes) -> None:
        """Take the next bytes."""
        self._size += len(block)

    def finish(self) -> str:
        """Say how much there was.

        Raises:
            Tampered: nothing.
        """
        if not self._size:
            raise Tampered("the content is empty")
        return f"{self._size} bytes"

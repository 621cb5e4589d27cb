"""What the age library reads from and writes to.

It asks Python for 8 KiB at a time and, when its last bytes cannot be written, says nothing. So what it reads is cut
from whole blocks, what it writes is gathered into such, and what went wrong meanwhile is remembered.
"""

from __future__ import annotations

import io

from bahub.streams import BLOCK, Reader, Writer


class Source:
    """What the library reads from; remembers why it could not."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._block = io.BytesIO()
        self.ended = False
        self.error: BaseException | None = None

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, none only at the end."""
        try:
            while not (piece := self._block.read(size)):
                block = self._reader.read()
                if not block:
                    self.ended = True
                    break
                self._block = io.BytesIO(block)
        except BaseException as error:
            self.error = error
            raise
        return piece


class Target:
    """What the library writes to; remembers why it could not, and then takes nothing any more."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._pieces: list[bytes] = []
        self._size = 0
        self.error: BaseException | None = None

    def write(self, piece: bytes) -> int:
        """Take a piece, unless taking one has failed before."""
        if self.error is not None:
            raise self.error
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size >= BLOCK:
            try:
                self.finish()
            except BaseException as error:
                self.error = error
                raise
        return len(piece)

    def flush(self) -> None:
        """Do nothing: pieces are gathered."""

    def finish(self) -> None:
        """Hand on what was gathered."""
        gathered = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        self._writer.write(gathered)


def raise_first(source: Source, target: Target) -> None:
    """Raise what a stream raised while the library used it."""
    if (error := source.error or target.error) is not None:
        raise error

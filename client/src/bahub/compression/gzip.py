"""gzip, in several threads (contract B 3.3); `gunzip` opens what comes out.

Blocks are deflated side by side, each with the end of the one before as its dictionary, and written one after the other
as a single member: nearly as small as in one thread, and as fast as there are processors.
"""

from __future__ import annotations

import os
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from bahub.compression.frames import expand_frames
from bahub.streams import BLOCK, Reader, Writer

_RAW: Final = -zlib.MAX_WBITS
"""Asks zlib for deflated bytes alone, without header and trailer."""
_MEMBER: Final = 16 + zlib.MAX_WBITS
"""Asks zlib for a gzip member."""
_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""Deflated, no name, no time, unknown system: the same content gives the same archive."""
_DICTIONARY: Final = 32 << 10
"""How far back deflate looks, in bytes."""
_SIZE_FIELD: Final = 1 << 32
"""The trailer counts the content's bytes modulo this."""


class Gzip:
    """Compression with gzip."""

    def __init__(self, level: int) -> None:
        self._level = level

    def compress(self, plain: Reader, packed: Writer) -> None:
        """Compress everything into one member."""
        threads = len(os.sched_getaffinity(0))
        checksum = size = 0
        before = b""
        waiting: deque[Future[bytes]] = deque()
        with ThreadPoolExecutor(threads, "gzip") as pool:
            packed.write(_HEADER)
            for block, last in _marked(plain):
                waiting.append(pool.submit(self._deflated, block, before, last=last))
                checksum, size, before = zlib.crc32(block, checksum), size + len(block), block[-_DICTIONARY:]
                if len(waiting) > threads:
                    packed.write(waiting.popleft().result())
            for deflated in waiting:
                packed.write(deflated.result())
        packed.write(checksum.to_bytes(4, "little") + (size % _SIZE_FIELD).to_bytes(4, "little"))

    def _deflated(self, block: bytes, before: bytes, *, last: bool) -> bytes:
        packer = zlib.compressobj(self._level, wbits=_RAW, zdict=before)
        return packer.compress(block) + packer.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)

    def expand(self, packed: Reader, plain: Writer) -> None:
        """Expand all members.

        Raises:
            Tampered: they are damaged or cut short, or something else follows.
        """
        expand_frames(packed, plain, _Member, name="gzip", damage=zlib.error)


class _Member:
    """A gzip member while it is expanded; zlib keeps what it has not yet taken where the caller must hand it back."""

    def __init__(self) -> None:
        self._inflater = zlib.decompressobj(wbits=_MEMBER)
        self._full = False

    @property
    def eof(self) -> bool:
        return self._inflater.eof

    @property
    def needs_input(self) -> bool:
        return not self._full

    @property
    def unused_data(self) -> bytes:
        return self._inflater.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        expanded = self._inflater.decompress(self._inflater.unconsumed_tail + data, max_length)
        self._full = len(expanded) == max_length  # then more may be waiting inside, even with nothing left to take
        return expanded


def _marked(plain: Reader) -> Iterator[tuple[bytes, bool]]:
    """Give each block of at most `BLOCK` bytes, and whether it is the last; an empty stream is one empty block."""
    block = plain.read(BLOCK)
    while following := plain.read(BLOCK) if block else b"":
        yield block, False
        block = following
    yield block, True

"""Bodies of any size that never exist as a whole: made block by block, and judged by their digest."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator

BLOCK = 1 << 20
"""Bytes per block."""


class Body:
    """Pseudo-random bytes; equal seeds give equal bytes. Every block differs, so a lost or swapped one is found."""

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        self._base = bytearray(random.Random(seed).randbytes(min(size, BLOCK)))

    def __iter__(self) -> Iterator[memoryview]:
        """Give the bytes in blocks; a block is valid until the next one is asked for."""
        block = bytearray(self._base)
        for start in range(0, self.size, BLOCK):
            counter = start.to_bytes(8)[: len(block)]
            block[: len(counter)] = bytes(a ^ b for a, b in zip(self._base, counter, strict=False))
            yield memoryview(block)[: self.size - start]

    def whole(self) -> bytes:
        """Return all bytes of a small body."""
        return b"".join(bytes(block) for block in self)

    def sha256(self) -> str:
        """Return the digest in hex."""
        digest = hashlib.sha256()
        for block in self:
            digest.update(block)
        return digest.hexdigest()

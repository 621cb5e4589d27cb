"""No compression (contract B 3.3).

What a stored archive is gets recognised from its first bytes. Content that begins like a compressed or encrypted file
would be taken for one and come back opened, so that alone is put into a Zstandard frame: what comes back is what was
saved, byte for byte.
"""

from __future__ import annotations

from typing import Final

from bahub.compression.zstd import Zstd
from bahub.streams import Reader, Writer, looked_into

_BEGINNINGS: Final = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"age-encryption.org/", b"-----BEGIN ")
"""Of gzip, Zstandard, age, and of armored files."""
_MARKED: Final = 0x80
"""Every OpenPGP packet begins with a byte that has this bit."""
_SKIPPABLE: Final = b"\x2a\x4d\x18"
"""Second to fourth byte of Zstandard frames that hold no content."""


class Plain:
    """Content as it is."""

    def compress(self, plain: Reader, packed: Writer) -> None:
        """Pass everything on; in a frame where it would be taken for something else."""
        head, whole = looked_into(plain, max(map(len, _BEGINNINGS)))
        if _looks_packed(head):
            Zstd(1).compress(whole, packed)
        else:
            self.expand(whole, packed)

    def expand(self, packed: Reader, plain: Writer) -> None:
        """Pass everything on."""
        while block := packed.read():
            plain.write(block)


def _looks_packed(head: bytes) -> bool:
    return head.startswith(_BEGINNINGS) or head[:1] >= bytes([_MARKED]) or head[1:4] == _SKIPPABLE

"""Which compression a definition asks for, and which one an archive was made with (contract B 3.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from bahub.compression.base import Method
from bahub.compression.gzip import Gzip
from bahub.compression.none import Plain
from bahub.compression.zstd import Zstd
from bahub.config.model import Compression
from bahub.streams import Reader, Writer, looked_into

_METHODS: Final[Mapping[str, Callable[[int], Method]]] = {"zstd": Zstd, "gzip": Gzip, "none": lambda _: Plain()}
"""By the name that configurations use; each takes a level."""
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_SKIPPABLE: Final = b"\x2a\x4d\x18"
"""Second to fourth byte of Zstandard frames that hold no content."""
_SKIPPABLE_FIRST: Final = range(0x50, 0x60)
"""Their first byte."""
_GZIP: Final = b"\x1f\x8b"
_HEAD: Final = 4
"""Bytes that tell which it is."""
_ANY_LEVEL: Final = 1
"""Expanding does not ask for it."""


def method_of(compression: Compression) -> Method:
    """Return what compresses as a definition says."""
    return _METHODS[compression.method](compression.level)


def recognised(head: bytes) -> str:
    """Return `zstd`, `gzip` or `none` by the first bytes of an opened archive."""
    if head.startswith(_ZSTD) or (head[1:4] == _SKIPPABLE and head[0] in _SKIPPABLE_FIRST):
        return "zstd"
    return "gzip" if head.startswith(_GZIP) else "none"


def expand(packed: Reader, plain: Writer) -> None:
    """Expand an opened archive, whatever it was compressed with.

    Raises:
        Tampered: it is damaged or cut short.
    """
    head, whole = looked_into(packed, _HEAD)
    _METHODS[recognised(head)](_ANY_LEVEL).expand(whole, plain)

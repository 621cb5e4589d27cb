"""How archives become smaller: the contract of compression methods (contract B 3.3)."""

from __future__ import annotations

from typing import Protocol

from bahub.streams import Reader, Writer


class Method(Protocol):
    """One way of compressing."""

    def compress(self, plain: Reader, packed: Writer) -> None:
        """Compress everything from one stream into another."""

    def expand(self, packed: Reader, plain: Writer) -> None:
        """Expand everything from one stream into another.

        Raises:
            Tampered: it is damaged or cut short.
        """

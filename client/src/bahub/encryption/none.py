"""No encryption (contract B 3.3): it must be written out, and every run warns."""

from __future__ import annotations

from collections.abc import Sequence

from bahub.encryption.base import Key
from bahub.errors import Misconfigured, Problem
from bahub.streams import Reader, Writer


class Unencrypted:
    """Archives as they are."""

    def __init__(self, name: str) -> None:
        """Take the name of the entry below `encryption`."""
        self._name = name

    def check(self, *, opening: bool) -> None:
        """Find nothing missing: no keys are needed."""

    def encrypt(self, plain: Reader, sealed: Writer) -> None:
        """Pass everything on."""
        while block := plain.read():
            sealed.write(block)

    def decrypt(self, sealed: Reader, plain: Writer) -> None:
        """Pass everything on."""
        self.encrypt(sealed, plain)

    def generate(self) -> Sequence[Key]:
        """Refuse.

        Raises:
            Misconfigured: always; there are no keys without encryption.
        """
        raise Misconfigured([Problem(f"encryption.{self._name}.method", "is none, which has no keys")])

    def advice(self, made: Sequence[Key]) -> Sequence[str]:  # noqa: ARG002 - there are none
        """Return nothing: there is nothing to keep."""
        return ()

    def keys(self) -> Sequence[Key]:
        """Return nothing: there are no keys."""
        return ()

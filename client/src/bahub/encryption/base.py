"""How archives are closed and opened again: the contract of encryption methods (contract B 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bahub.streams import Reader, Writer


@dataclass(frozen=True, slots=True)
class Key:
    """One key, as `crypto list-keys` shows it."""

    method: str
    recipient: str
    """Public key or e-mail."""
    fingerprint: str
    secret_here: bool
    """Whether archives can be opened on this machine."""


class Method(Protocol):
    """One way of encrypting, with its keys."""

    def check(self, *, opening: bool) -> None:
        """Look for the keys that encrypting, or opening, needs.

        Raises:
            Misconfigured: they are missing.
        """

    def encrypt(self, plain: Reader, sealed: Writer) -> None:
        """Encrypt everything from one stream into another.

        Raises:
            Failed: the method's program failed.
        """

    def decrypt(self, sealed: Reader, plain: Writer) -> None:
        """Open everything from one stream into another; what was written before an error must not be believed.

        Raises:
            Tampered: it was changed, cut short, or is not for our keys.
            Failed: the method's program failed.
        """

    def generate(self) -> Sequence[Key]:
        """Make keys.

        Raises:
            Failed: there are some already; they are never overwritten.
        """

    def keys(self) -> Sequence[Key]:
        """List the keys that this entry uses."""

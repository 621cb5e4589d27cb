"""How archives are closed and opened again: the contract of encryption methods (contract B 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bahub.errors import Failed
from bahub.streams import Reader, Writer


class AlreadyCreated(Failed):
    """Keys exist; they are never overwritten (contract B 3.2)."""

    def __init__(self, what: str) -> None:
        super().__init__(f"already created: {what}; existing keys are never overwritten")


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
            Misconfigured: there are no keys, or the passphrase does not open them.
            Failed: the method's program failed.
        """

    def generate(self) -> Sequence[Key]:
        """Make keys.

        Raises:
            AlreadyCreated: there are some; they are never overwritten.
            Misconfigured: the entry does not say where to or for whom.
            Failed: they could not be written, or the method's program failed.
        """

    def advice(self, made: Sequence[Key]) -> Sequence[str]:
        """Say, in lines for people, what to keep safe and what the configuration needs once keys were made."""

    def keys(self) -> Sequence[Key]:
        """List the keys that this entry uses.

        Raises:
            Misconfigured: they cannot be read.
            Failed: the method's program failed.
        """

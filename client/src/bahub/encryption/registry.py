"""Which encryption a definition asks for, and which one an archive was made with (contract B 3.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from bahub.config.model import Encryption
from bahub.encryption.age import Age
from bahub.encryption.base import Method
from bahub.encryption.gpg import Gpg
from bahub.encryption.none import Unencrypted
from bahub.encryption.openpgp import begins_message
from bahub.errors import Misconfigured, Problem, Tampered

_METHODS: Final[Mapping[str, Callable[[Encryption], Method]]] = {
    "age": Age,
    "gpg": Gpg,
    "none": lambda entry: Unencrypted(entry.name),
}
"""By the name that entries carry once aliases are resolved."""
_AGE: Final = (b"age-encryption.org/v", b"-----BEGIN AGE ENCRYPTED FILE-----")
HEAD: Final = 64
"""Bytes that tell which it is."""


def method_of(entry: Encryption) -> Method:
    """Return what encrypts as an entry says."""
    return _METHODS[entry.method](entry)


def recognised(head: bytes) -> str:
    """Return `age`, `gpg` or `none` by the first bytes of an archive."""
    if head.startswith(_AGE):
        return "age"
    return "gpg" if begins_message(head) else "none"


def opener(entry: Encryption, head: bytes, *, allow_unencrypted: bool = False) -> Method:
    """Return what opens an archive that begins with `head`, with the keys of an entry.

    Raises:
        Tampered: it is not encrypted although it should be: a server must not be able to slip in content of its own.
        Misconfigured: the entry is for another method, so that it has no keys for such an archive.
    """
    method = recognised(head)
    if method == entry.method:
        return method_of(entry)
    if method != "none":
        problem = f"has the method {entry.method}, but the archive was made with {method}"
        hint = f"name an encryption entry with the method {method} and the archive's keys in the definition"
        raise Misconfigured([Problem(f"encryption.{entry.name}", problem)], hint=hint)
    if not allow_unencrypted:
        raise Tampered(
            f"The archive is not encrypted with age or gpg, but encryption.{entry.name} asks for {entry.method}",
            hint="--allow-unencrypted accepts it; do so only if you know who stored it",
        )
    return Unencrypted(entry.name)

"""Compression and encryption from bytes to bytes."""

from __future__ import annotations

from pathlib import Path

from realm.streams import Given, Kept

from bahub.compression import registry as compression
from bahub.config.model import Compression, Encryption
from bahub.encryption.base import Method
from bahub.encryption.registry import HEAD, opener

ODD_BLOCK = 77_777
"""A size of blocks that fits nothing."""


def compressed(method: str, content: bytes, level: int = 1) -> bytes:
    """Compress bytes."""
    packed = Kept()
    compression.method_of(Compression(method, level)).compress(Given(content, ODD_BLOCK), packed)
    return packed.content


def expanded(packed: bytes, block: int = ODD_BLOCK) -> bytes:
    """Expand bytes, by recognition."""
    plain = Kept()
    compression.expand(Given(packed, block), plain)
    return plain.content


def encrypted(method: Method, content: bytes) -> bytes:
    """Encrypt bytes."""
    sealed = Kept()
    method.encrypt(Given(content, ODD_BLOCK), sealed)
    return sealed.content


def decrypted(method: Method, archive: bytes) -> bytes:
    """Open bytes."""
    plain = Kept()
    method.decrypt(Given(archive, ODD_BLOCK), plain)
    return plain.content


def opened(entry: Encryption, archive: bytes, *, allow_unencrypted: bool = False) -> bytes:
    """Open bytes by recognition, with the keys of an entry."""
    return decrypted(opener(entry, archive[:HEAD], allow_unencrypted=allow_unencrypted), archive)


def age_entry(identity_file: Path | None = None, *recipients: str) -> Encryption:
    """Return an entry for age."""
    spec: dict[str, object] = {"recipients": list(recipients)}
    if identity_file is not None:
        spec["identity_file"] = str(identity_file)
    return Encryption("strong", "age", spec)


def gpg_entry(home: Path, email: str = "backup@example.org", **spec: object) -> Encryption:
    """Return an entry for GnuPG; it makes small keys."""
    return Encryption("strong", "gpg", {"gnupg_home": str(home), "email": email, "key_type": "ECC", **spec})

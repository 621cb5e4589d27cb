"""Recipients and identities of age, in text and in files: native keys (`age1…`) and SSH keys (Ed25519, RSA)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import pyrage

from bahub.errors import Misconfigured, Problem

Identity: TypeAlias = pyrage.x25519.Identity | pyrage.ssh.Identity
"""A secret key."""
_SECRET: Final = "AGE-SECRET-KEY-"  # noqa: S105 - how such keys begin
_SSH: Final = ("ssh-ed25519 ", "ssh-rsa ")
_ACCEPTED: Final = "a public key `age1…`, `ssh-ed25519 …` or `ssh-rsa …`"
_UNKNOWN: Final = f"is none that can be read; expected {_ACCEPTED}"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody for whom archives are encrypted."""

    text: str
    """The public key without the comment of SSH keys."""
    key: pyrage.x25519.Recipient | pyrage.ssh.Recipient

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the key: of SSH keys as `ssh-keygen -l` shows it, of others of their text."""
        content = self.text.encode()
        if self.text.startswith(_SSH):
            content = base64.b64decode(self.text.split()[1])
        return "SHA256:" + base64.b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")

    def opened_by(self, identities: Sequence[Identity]) -> bool:
        """Say whether one of the secret keys belongs to this public one."""
        try:
            pyrage.decrypt(pyrage.encrypt(b"", [self.key]), identities)
        except pyrage.DecryptError:
            return False
        return True


def recipients_of(texts: Sequence[str], place: str) -> list[Recipient]:
    """Read public keys from a list; `place` says in the configuration's words where it stands.

    Raises:
        Misconfigured: some cannot be read; they are not quoted, for they may be secret keys.
    """
    return _all_read({f"{place}[{number}]": text.strip() for number, text in enumerate(texts)})


def recipients_in(path: Path, place: str) -> list[Recipient]:
    """Read a file with public keys, one a line, empty lines and `#` comments between them.

    Raises:
        Misconfigured: it cannot be read, or some of its lines cannot; they are not quoted.
    """
    lines = {f"{place}: {path}, line {n}": text.strip() for n, text in enumerate(_text_of(path, place).splitlines(), 1)}
    return _all_read({where: text for where, text in lines.items() if text and not text.startswith("#")})


def identities_in(path: Path, place: str) -> list[Identity]:
    """Read a file with secret keys: as `age-keygen` writes it, or a private SSH key without passphrase.

    Raises:
        Misconfigured: it is missing, or holds no secret key that can be used.
    """
    text = _text_of(path, place)
    if text.startswith("-----BEGIN ") and "PRIVATE KEY-----" in text:
        return [_ssh_identity(text, path, place)]
    keys = [line for line in map(str.strip, text.splitlines()) if line and not line.startswith("#")]
    try:
        found: list[Identity] = [pyrage.x25519.Identity.from_str(key) for key in keys]
    except pyrage.IdentityError:
        found = []
    if not found:
        expected = "keys as `age-keygen` writes them, or a private SSH key, without passphrase"
        raise Misconfigured([Problem(place, f"{path} holds something else than secret keys; expected {expected}")])
    return found


def _all_read(texts: Mapping[str, str]) -> list[Recipient]:
    found, problems = [], []
    for where, text in texts.items():
        try:
            found.append(_recipient(text))
        except ValueError as error:
            problems.append(Problem(where, str(error)))
    if problems:
        raise Misconfigured(problems)
    return found


def _recipient(text: str) -> Recipient:
    """Read one public key.

    Raises:
        ValueError: it is none; the text does not quote it.
    """
    if text.upper().startswith(_SECRET):
        raise ValueError(f"is a secret key, which belongs into `identity_file`; expected {_ACCEPTED}")
    try:
        if text.startswith(_SSH):
            kind, key = text.split()[:2]
            base64.b64decode(key, validate=True)
            return Recipient(f"{kind} {key}", pyrage.ssh.Recipient.from_str(text))
        return Recipient(text, pyrage.x25519.Recipient.from_str(text))
    except (pyrage.RecipientError, ValueError, binascii.Error) as error:
        raise ValueError(_UNKNOWN) from error


def _ssh_identity(text: str, path: Path, place: str) -> Identity:
    try:
        return pyrage.ssh.Identity.from_buffer(text.encode())
    except pyrage.IdentityError as error:
        reason = f"{path} cannot be used: expected a private Ed25519 or RSA key without passphrase"
        raise Misconfigured([Problem(place, reason)]) from error


def _text_of(path: Path, place: str) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise Misconfigured([Problem(place, f"{path} cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise Misconfigured([Problem(place, f"{path} is no text file")]) from error

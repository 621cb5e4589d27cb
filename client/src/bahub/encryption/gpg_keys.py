"""The keys in GnuPG's directory: listing and making them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bahub.encryption.gpg_home import agent_answers
from bahub.encryption.gpg_program import Outcome, run
from bahub.masking import Secret

_UNUSABLE: Final = frozenset("reid")
"""Letters for revoked, expired, invalid and disabled keys."""
_DISABLED: Final = "D"
_ENCRYPTS: Final = "E"
"""Among the capabilities of a whole key: some part of it, that is valid, encrypts."""
_VALIDITY, _CREATED, _USER, _CAPABILITIES = 1, 5, 9, 11
"""Fields of `--with-colons`, counted from 0."""
KINDS: Final[Mapping[str, str]] = {
    "RSA": "Key-Type: RSA\nKey-Length: {length}\nSubkey-Type: RSA\nSubkey-Length: {length}",
    "ECC": "Key-Type: EDDSA\nKey-Curve: ed25519\nSubkey-Type: ECDH\nSubkey-Curve: cv25519",
}
"""By the types of keys that can be made: what asks gpg for one to sign with and, below it, one to encrypt with."""


@dataclass(slots=True)
class Listed:
    """A key."""

    created: int
    """Seconds since 1970."""
    usable: bool
    """Whether archives can be encrypted for it now."""
    fingerprint: str = ""
    users: list[str] = field(default_factory=list)
    """As `Name <e-mail>`."""

    def belongs_to(self, who: str) -> bool:
        """Say whether this e-mail is one of its users', or this its fingerprint."""
        wanted = who.casefold()
        if wanted.replace(" ", "").removeprefix("0x") == self.fingerprint.casefold():
            return True
        return any(user.casefold() == wanted or user.casefold().endswith(f"<{wanted}>") for user in self.users)


def listed(home: Path) -> list[Listed]:
    """Return all public keys, the newest first.

    Raises:
        Failed: gpg failed.
    """
    return _parsed(run(home, ["--with-colons", "--list-keys"]))


def listed_secret(home: Path) -> list[Listed]:
    """Return the keys whose secret key is here, the newest first; the directory must be reachable for an agent.

    Raises:
        Failed: gpg failed, or has no agent.
    """
    outcome = run(home, ["--with-colons", "--list-secret-keys"])
    found = _parsed(outcome) if outcome.status == 0 else []
    if not found and listed(home) and not agent_answers(home):  # for an empty directory none is started
        raise outcome.failed("reach its agent")
    return found or _parsed(outcome)


def _parsed(outcome: Outcome) -> list[Listed]:
    if outcome.status != 0:
        raise outcome.failed("list the keys")
    found: list[Listed] = []
    for line in outcome.output.decode("utf-8", "replace").splitlines():
        fields = line.split(":")
        if fields[0] in {"pub", "sec"}:
            found.append(_key(fields))
        elif found and fields[0] == "fpr" and not found[-1].fingerprint:
            found[-1].fingerprint = fields[_USER]
        elif found and fields[0] == "uid" and (fields[_VALIDITY] not in _UNUSABLE or not found[-1].usable):
            found[-1].users.append(_unescaped(fields[_USER]))
    return sorted(found, key=lambda key: key.created, reverse=True)


def make(home: Path, kind: str, user: tuple[str, str], passphrase: Secret | None) -> str:
    """Make a key that never expires, and return its fingerprint.

    Args:
        home: GnuPG's directory.
        kind: the lines that say which (`KINDS`).
        user: name, which may be empty, and e-mail.
        passphrase: what protects it; None: nothing but the mode of its file.

    Raises:
        Failed: gpg failed.
    """
    lines = [kind, f"Name-Email: {user[1]}", "Expire-Date: 0"]
    if user[0]:
        lines.insert(1, f"Name-Real: {user[0]}")
    if passphrase is None:
        lines.insert(0, "%no-protection")
    told = "\n".join([*lines, "%commit", ""]).encode()
    outcome = run(home, ["--full-generate-key"], told, passphrase)
    if outcome.status != 0 or "KEY_CREATED" not in outcome.reports:
        raise outcome.failed("make a key")
    return outcome.reports["KEY_CREATED"].split()[-1]


def _key(fields: list[str]) -> Listed:
    capabilities = fields[_CAPABILITIES]
    usable = fields[_VALIDITY] not in _UNUSABLE and _ENCRYPTS in capabilities and _DISABLED not in capabilities
    return Listed(int(fields[_CREATED] or 0), usable)


def _unescaped(user: str) -> str:
    return user.replace(r"\x3a", ":").replace(r"\x5c", "\\")

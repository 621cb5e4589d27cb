"""Passwords: Argon2id, in threads, few at a time."""

from __future__ import annotations

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_MEMORY_KIB, _ROUNDS, _LANES = 19_456, 2, 1
"""OWASP's smallest recommended Argon2id work; 19 MiB a log-in fit a machine with 256 MB."""

_AT_ONCE = 2
_SPECIAL = "!@#$%^&*()-_=+{};:,<.>"


class Passwords:
    """Hashes and checks passwords without blocking the loop; the work of an unknown account is comparable."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=_ROUNDS, memory_cost=_MEMORY_KIB, parallelism=_LANES)
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._nobody = self._hasher.hash(secrets.token_hex(16))

    async def hash(self, password: str) -> str:
        """Return the Argon2id hash of a password, with a fresh salt."""
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """Whether the password belongs to the hash; None stands for an unknown account and never matches."""
        async with self._turns:
            return await asyncio.to_thread(self._verify, password_hash, password)

    def _verify(self, password_hash: str | None, password: str) -> bool:
        try:
            self._hasher.verify(password_hash or self._nobody, password)
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None


def generate_password() -> str:
    """Return a password of 24 characters that satisfies the rules of contract 5.2."""
    return secrets.token_urlsafe(16)[:22] + secrets.choice(_SPECIAL) + secrets.choice("0123456789")

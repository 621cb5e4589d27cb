"""Throttles guessing of passwords (contract 3.3), per pair of e-mail and client address, over a sliding window.

An attempt counts as failed from the moment it begins until its password turned out right, so that guessing in parallel
gains nothing. Attempts of one pair take turns, so that right passwords in parallel do not count against each other.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from weakref import WeakValueDictionary

from backup_repository.access import store
from backup_repository.clock import Clock
from backup_repository.database.engine import Database, Transaction, take_turns
from backup_repository.errors import TooManyAttempts

WINDOW = timedelta(minutes=15)
"""How long a failure counts."""
LIMIT = 10
"""Failures in the window after which every further attempt is refused."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to give the right password."""

    pair: str
    """Hash of e-mail and address: neither is kept."""
    number: int


class Throttle:
    """Counts failed attempts."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @contextlib.asynccontextmanager
    async def turn(self, email: str, address: str) -> AsyncIterator[None]:
        """Wait until no other attempt of the pair is under way in this process."""
        turn = self._turns.setdefault(_pair_of(email, address), asyncio.Lock())
        async with turn:
            yield

    async def begin(self, email: str, address: str) -> Attempt:
        """Begin an attempt, which counts as failed until `forgive` or `clear`.

        Raises:
            TooManyAttempts: too many have failed; also before the password is looked at.
        """
        pair = _pair_of(email, address)
        async with self._database.transaction() as tx:
            await take_turns(tx, pair)
            now = self._clock()
            count, oldest = await store.login_failures(tx, pair, now - WINDOW)
            if count >= LIMIT and oldest is not None:
                raise TooManyAttempts(max(1, math.ceil((oldest + WINDOW - now).total_seconds())))
            await store.forget_login_failures(tx, now - WINDOW)
            return Attempt(pair, await store.add_login_failure(tx, pair, now))

    async def forgive(self, attempt: Attempt) -> None:
        """Let an attempt neither count nor clear: the password was right, but the account may not log in."""
        async with self._database.transaction() as tx:
            await store.forgive_login_failure(tx, attempt.number)

    async def clear(self, tx: Transaction, attempt: Attempt) -> None:
        """Forget the pair's failures after a success."""
        await store.clear_login_failures(tx, attempt.pair)


def _pair_of(email: str, address: str) -> str:
    return hashlib.sha256(f"{email.casefold()}\0{address}".encode()).hexdigest()

"""People and machines that hold accounts (contract section 5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class User:
    """An account, as recorded."""

    id: str
    """UUID, lower case."""
    email: str
    """As given; unique regardless of case."""
    password_hash: str
    """Argon2id."""
    permissions: frozenset[str]
    """Permission names as recorded, not expanded."""
    tags: tuple[str, ...]
    max_allowed_file_size: int
    """Bytes; 0: unlimited."""
    allowed_ip_addresses: tuple[str, ...]
    """Addresses and networks as given; empty: any."""
    allowed_user_agents: tuple[str, ...]
    """Exact `User-Agent` values; empty: any."""
    organization: str
    about: str
    expires_at: datetime | None
    """None: never."""
    active: bool
    created_at: datetime

    def expired(self, now: datetime) -> bool:
        """Whether the account's expiry has passed."""
        return self.expires_at is not None and self.expires_at <= now

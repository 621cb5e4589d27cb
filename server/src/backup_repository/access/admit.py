"""Is this account, through this token, from this place, let in at all? Pure (contract 3.2, 3.4 steps 4 to 7, 5.9)."""

from __future__ import annotations

from datetime import datetime

from backup_repository.access.model import Token
from backup_repository.errors import PermissionDenied, Unauthenticated
from backup_repository.users.model import User
from backup_repository.users.rules import parse_address, parse_network


def admit(user: User | None, token: Token | None, *, now: datetime, address: str, user_agent: str) -> None:
    """Check a request whose token has a good signature and is not past its expiry.

    Args:
        user: the account the token names; None when there is none (any more).
        token: the token's record; None when it was never recorded.
        now: the present moment.
        address: the client's address (contract 1.7).
        user_agent: the `User-Agent` header; empty when missing.

    Raises:
        Unauthenticated: there is no such account.
        PermissionDenied: 40322, 40323 as `admit_account`; 40324 the token is not recorded, revoked or used up.
    """
    if user is None:
        raise Unauthenticated("Invalid JWT Token")
    admit_account(user, now, address, user_agent)
    if token is None or not token.active:
        raise PermissionDenied("The token was revoked, used up or never issued", 40324)


def admit_account(user: User, now: datetime, address: str, user_agent: str) -> None:
    """Check an account whose password or token was right; the arguments are those of `admit`.

    Raises:
        PermissionDenied: 40322 the account is expired or deactivated; 40323 the address or user agent is not allowed.
    """
    if not user.active or user.expired(now):
        raise PermissionDenied("The account is expired or deactivated", 40322)
    if user.allowed_ip_addresses and not _lies_in(address, user.allowed_ip_addresses):
        raise PermissionDenied("The account may not be used from this address", 40323)
    if user.allowed_user_agents and user_agent not in user.allowed_user_agents:
        raise PermissionDenied("The account may not be used with this user agent", 40323)


def _lies_in(address: str, entries: tuple[str, ...]) -> bool:
    """Whether the address lies in one of the addresses and networks; what is no address lies nowhere."""
    try:
        client = parse_address(address)
    except ValueError:
        return False
    return any(client in parse_network(entry) for entry in entries)

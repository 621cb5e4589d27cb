"""What is under way when the console resets a password or revokes sessions does not outlive it (case 14)."""

from __future__ import annotations

import pytest
from world.client import ADDRESS, PASSWORD, Client, Served

from backup_repository.access.passwords import Passwords
from backup_repository.access.sessions import Sessions
from backup_repository.access.throttle import Throttle
from backup_repository.errors import PermissionDenied, Unauthenticated

NEW = "another battery staple!"


class SlowPasswords(Passwords):
    """Finds a password right, and then takes until it was reset."""

    def __init__(self, served: Served, user_id: str) -> None:
        super().__init__()
        self._served = served
        self._user_id = user_id

    async def matches(self, password_hash: str | None, password: str) -> bool:
        right = await super().matches(password_hash, password)
        await self._served.instance.profiles.reset_password(self._user_id, NEW, keep_sessions=False)
        return right


async def test_a_log_in_with_the_old_password_opens_no_session_any_more(served: Served, alice: Client) -> None:
    database, clock = served.instance.database, served.clock
    slow = SlowPasswords(served, alice.id)
    sessions = Sessions(database, served.keys, slow, Throttle(database, clock), clock, session_seconds=60)
    with pytest.raises(Unauthenticated):
        await sessions.log_in(alice.email, PASSWORD, address=ADDRESS, user_agent="")
    again = await served.guest().log_in(alice.email, NEW)
    tokens = (await again.get("/api/stable/auth/token")).json()["data"]
    assert [token["still_valid"] for token in tokens].count(True) == 1, "the one of the new password"


async def test_a_revoked_session_makes_no_token_any_more(served: Served, alice: Client) -> None:
    """Its request was let in before the revocation."""
    actor = await served.instance.sessions.identify(alice.token, address=ADDRESS, user_agent="")
    await served.instance.profiles.reset_password(alice.id, NEW, keep_sessions=False)
    with pytest.raises(PermissionDenied) as refused:
        await served.instance.tokens.generate(actor, [], lifetime=60, description="")
    assert refused.value.code == 40324

"""There is always an administrator who can log in (contract 5.6, 5.7)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, TypeAlias

import httpx
import pytest
from world.accounts import edit_fields
from world.answers import denied, refusal
from world.client import ADMINISTRATOR, USERS, Client, Served

from backup_repository.access.model import Permission
from backup_repository.users.model import User

LOSSES: tuple[dict[str, Any], ...] = (
    {"permissions": ["ROLE_USER"]},
    {"permissions": []},
    {"active": False},
    {"expires": "-1 second"},
    {"expires": "2020-01-01"},
)
"""Edits after which an administrator is none any more, or cannot log in."""


def account(client: Client) -> User:
    assert client.user is not None
    return client.user


async def edit(client: Client, user: User, **changes: Any) -> httpx.Response:
    return await client.put(f"{USERS}/{user.id}", json=edit_fields(user, **changes))


async def stored(served: Served, user: User) -> User:
    found = await served.instance.accounts.find(user_id=user.id)
    assert found is not None
    return found


async def test_the_last_active_administrator_cannot_be_lost(served: Served, admin: Client) -> None:
    """Case 42."""
    for loss in LOSSES:
        assert refusal(await edit(admin, account(admin), about="new", **loss)) == denied(40320), loss
    assert refusal(await admin.delete(f"{USERS}/{admin.id}")) == denied(40303)
    assert await stored(served, account(admin)) == account(admin)


async def test_who_cannot_log_in_does_not_count(served: Served, admin: Client) -> None:
    """Case 42: permission present, active, not expired."""
    now = served.clock()
    await served.create_user(ADMINISTRATOR, active=False)
    await served.create_user(ADMINISTRATOR, expires_at=now - timedelta(days=1))
    await served.create_user(*(name for name in Permission if name != ADMINISTRATOR))
    await served.create_user(organization='"security.administrator"', about='["security.administrator"]')
    soon = await served.create_user(ADMINISTRATOR, expires_at=now + timedelta(hours=1))
    served.clock.advance(hours=1)
    for loss in LOSSES:
        assert refusal(await edit(admin, account(admin), **loss)) == denied(40320), loss
    assert refusal(await admin.delete(f"{USERS}/{admin.id}")) == denied(40303)
    assert (await admin.delete(f"{USERS}/{soon.id}")).status_code == 200


@pytest.mark.parametrize("loss", LOSSES)
async def test_with_a_second_one_it_is_possible_again(served: Served, admin: Client, loss: dict[str, Any]) -> None:
    """Case 42."""
    second = await served.client(ADMINISTRATOR, expires_at=served.clock() + timedelta(hours=1))
    assert (await edit(admin, account(admin), **loss)).status_code == 200
    assert refusal(await edit(second, account(second), **loss)) == denied(40320)


async def test_with_a_second_one_the_first_may_be_deleted(served: Served, admin: Client) -> None:
    """Case 42."""
    second = await served.client(ADMINISTRATOR)
    assert (await admin.delete(f"{USERS}/{admin.id}")).status_code == 200
    assert (await admin.get(USERS)).status_code == 401
    assert refusal(await second.delete(f"{USERS}/{second.id}")) == denied(40303)


async def test_the_last_one_may_change_everything_else(served: Served, admin: Client) -> None:
    for change in (
        {"expires": "+1 hour"},
        {"expires": "never", "permissions": ["security.administrator", "upload.only_once_successful"]},
        {"active": True, "about": "still here"},
    ):
        assert (await edit(admin, account(admin), **change)).status_code == 200
    assert (await stored(served, account(admin))).about == "still here"


async def test_administrators_that_could_not_log_in_anyway_may_be_lost(served: Served, admin: Client) -> None:
    for state in ({"active": False}, {"expires_at": served.clock() - timedelta(days=1)}):
        for loss in LOSSES:
            asleep = await served.create_user(ADMINISTRATOR, **state)
            assert (await edit(admin, asleep, **loss)).status_code == 200
        assert (await admin.delete(f"{USERS}/{asleep.id}")).status_code == 200


Loss: TypeAlias = Callable[[Client, Client], Awaitable[httpx.Response]]
"""One administrator takes administration from another, or from themselves."""


async def demote_other(actor: Client, other: Client) -> httpx.Response:
    return await edit(actor, account(other), permissions=["ROLE_USER"])


async def demote_self(actor: Client, _other: Client) -> httpx.Response:
    return await edit(actor, account(actor), permissions=["ROLE_USER"])


async def deactivate_self(actor: Client, _other: Client) -> httpx.Response:
    return await edit(actor, account(actor), active=False)


async def delete_other(actor: Client, other: Client) -> httpx.Response:
    return await actor.delete(f"{USERS}/{other.id}")


async def delete_self(actor: Client, _other: Client) -> httpx.Response:
    return await actor.delete(f"{USERS}/{actor.id}")


@pytest.mark.parametrize(
    "losses",
    [
        (demote_other, demote_other),
        (demote_self, demote_self),
        (delete_other, delete_other),
        (delete_self, delete_self),
        (demote_other, delete_other),
        (deactivate_self, delete_self),
    ],
    ids=lambda losses: "-".join(loss.__name__ for loss in losses),
)
async def test_of_two_parallel_losses_exactly_one_succeeds(served: Served, losses: Sequence[Loss]) -> None:
    """Case 42: of the last two administrators one remains, whoever is faster."""
    for _ in range(4):
        pair = [await served.client(ADMINISTRATOR) for _ in range(2)]
        answers = await asyncio.gather(losses[0](pair[0], pair[1]), losses[1](pair[1], pair[0]))
        assert {answer.status_code for answer in answers} <= {200, 401, 403, 404}
        people = [await served.instance.accounts.find(user_id=client.id) for client in pair]
        remaining = [user for user in people if user and user.active and "security.administrator" in user.permissions]
        assert len(remaining) == 1
        assert [answer.status_code for answer in answers].count(200) == 1
        await served.change_user(remaining[0], active=False)

"""What people may change about themselves (contract 5.6)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from world.accounts import NEW_PASSWORD, edit_fields, password_fields
from world.answers import broken_fields, denied, refusal
from world.client import ADMINISTRATOR, LOGIN, PASSWORD, TENANT, TOKENS, USERS, Client, Served

from backup_repository.access.model import Permission
from backup_repository.users.model import User

EXPIRY = datetime(2131, 5, 1, 1, 6, 1, 999_999, tzinfo=UTC)
FULL: dict[str, Any] = {
    "tags": ("a", "b"),
    "max_allowed_file_size": 161,
    "allowed_ip_addresses": ("198.51.100.0/24", "::1"),
    "allowed_user_agents": ("curl", "wget"),
    "organization": "Example",
    "about": "A machine",
    "expires_at": EXPIRY,
}
SAME_DATA: dict[str, Any] = {
    "tags": ["a", "b"],
    "maxAllowedFileSize": 161,
    "allowedIpAddresses": ["198.51.100.0/24", "::1"],
    "allowedUserAgents": ["curl", "wget"],
}
UNKNOWN = "a11ce000-0000-4000-8000-00000000000f"


def account(client: Client) -> User:
    assert client.user is not None
    return client.user


async def edit(client: Client, **changes: Any) -> httpx.Response:
    """Edit the own account."""
    agent = {"User-Agent": "curl"}
    return await client.put(f"{USERS}/{client.id}", json=edit_fields(account(client), **changes), headers=agent)


async def stored(served: Served, client: Client) -> User:
    found = await served.instance.accounts.find(user_id=client.id)
    assert found is not None
    return found


async def log_in(served: Served, email: str, password: str) -> int:
    return (await served.guest().post(LOGIN, json={"username": email, "password": password})).status_code


@pytest.fixture
async def dora(served: Served) -> Client:
    """Somebody with every property set."""
    return await served.client(*TENANT, Permission.UPLOAD_ONCE, **FULL)


async def test_about_and_organization_may_be_changed(served: Served, dora: Client) -> None:
    """Case 40; what is left out stays as it is."""
    answer = await edit(dora, about="new", organization="other")
    assert answer.status_code == 200
    assert answer.json()["message"] == "User saved"
    shown = answer.json()["user"]
    assert (shown["about"], shown["organization"]) == ("new", "other")
    now = await stored(served, dora)
    assert (now.about, now.organization) == ("new", "other")
    for name in ("permissions", "tags", "max_allowed_file_size", "allowed_ip_addresses", "allowed_user_agents"):
        assert getattr(now, name) == getattr(account(dora), name)
    assert (now.expires_at, now.active, now.password_hash) == (EXPIRY, True, account(dora).password_hash)


async def test_everything_else_may_be_sent_as_it_is(served: Served, dora: Client) -> None:
    """Case 40; the list of permissions counts as a set."""
    names = sorted(account(dora).permissions, reverse=True)
    for same in (
        {"data": SAME_DATA},
        {"data": {"maxAllowedFileSize": "161"}},
        {"permissions": [*names, *names]},
        {"active": True},
        {"active": None},
        {"expires": None},
        {"email": "other@example.org", "id": UNKNOWN},
    ):
        answer = await edit(dora, about="new", **same)
        assert answer.status_code == 200, same
        assert answer.json()["user"]["email"] == dora.email
    assert (await stored(served, dora)).permissions == account(dora).permissions


async def test_every_other_change_is_refused(served: Served, dora: Client) -> None:
    """Case 40."""
    names = sorted(account(dora).permissions)
    differences: tuple[dict[str, Any], ...] = (
        {"permissions": names[1:]},
        {"permissions": []},
        {"permissions": None},
        {"permissions": [*names, "collections.allow_infinite_limits"]},
        {"permissions": [*names, "security.administrator"]},
        {"permissions": [name for name in names if name != "upload.only_once_successful"]},
        {"active": False},
        {"data": {"tags": ["a"]}},
        {"data": {"tags": ["b", "a"]}},
        {"data": {"tags": []}},
        {"data": {"maxAllowedFileSize": 0}},
        {"data": {"maxAllowedFileSize": 162}},
        {"data": {"allowedIpAddresses": ["198.51.100.0/24"]}},
        {"data": {"allowedIpAddresses": []}},
        {"data": {"allowedUserAgents": ["curl"]}},
        {"data": {"allowedUserAgents": []}},
    )
    for different in differences:
        assert refusal(await edit(dora, about="new", **different)) == denied(40320), different
    assert await stored(served, dora) == account(dora)


async def test_the_expiry_is_compared_to_the_second(served: Served, dora: Client) -> None:
    """Contract 5.6."""
    for same in ("2131-05-01T01:06:01.999999Z", "2131-05-01 01:06:01", "2131-05-01T03:06:01.5+02:00"):
        assert (await edit(dora, expires=same)).status_code == 200
    for different in ("2131-05-01 01:06:02", "2131-05-01 01:06:00.999999", "2131-05-01", "never", "", "+1 year"):
        assert refusal(await edit(dora, expires=different)) == denied(40320), different
    assert (await stored(served, dora)).expires_at == EXPIRY


async def test_who_never_expires_cannot_choose_to(alice: Client) -> None:
    for same in ("never", "auto", "", None):
        assert (await edit(alice, expires=same)).status_code == 200
    for different in ("+1 year", "9999-12-31", "-1 second"):
        assert refusal(await edit(alice, expires=different)) == denied(40320), different


async def test_fields_are_checked_before_differences(dora: Client) -> None:
    """Contract 5.6: E1, 40010, 40319, 40320."""
    assert broken_fields(await edit(dora, active=False, expires="someday", about="a" * 1025)) == {
        "expirationDate": 41014,
        "about": 40003,
    }
    assert (await edit(dora, active=False, permissions=["nothing"])).json()["code"] == 40010
    wrong = password_fields("wrong password!")
    assert refusal(await edit(dora, active=False, **wrong)) == denied(40319)


async def test_a_password_is_changed_with_the_current_one(served: Served, alice: Client) -> None:
    """Case 40; every token that was issued stays valid."""
    session = await served.guest().log_in(alice.email)
    generated = await alice.generate()
    assert (await edit(alice, **password_fields(PASSWORD))).status_code == 200
    assert await log_in(served, alice.email, NEW_PASSWORD) == 200
    assert await log_in(served, alice.email, PASSWORD) == 401
    for bearer in (alice, session, generated):
        assert (await bearer.get(TOKENS)).status_code == 200
    assert refusal(await edit(alice, **password_fields(PASSWORD))) == denied(40319)
    assert (await edit(alice, **password_fields(NEW_PASSWORD, new=PASSWORD))).status_code == 200
    assert await log_in(served, alice.email, PASSWORD) == 200


async def test_a_password_is_not_changed_without_the_current_one(served: Served, alice: Client) -> None:
    """Case 41."""
    for fields in (
        password_fields(),
        password_fields(""),
        password_fields("wrong password!"),
        password_fields("short"),
        password_fields(PASSWORD.upper()),
        password_fields(NEW_PASSWORD),
        password_fields(PASSWORD) | {"repeatPassword": f"{NEW_PASSWORD}!"},
        {"password": NEW_PASSWORD, "currentPassword": PASSWORD},
        {"repeatPassword": NEW_PASSWORD, "currentPassword": PASSWORD},
    ):
        answer = await edit(alice, about="new", **fields)
        assert refusal(answer) == denied(40319), fields
        assert PASSWORD not in answer.text
    assert await stored(served, alice) == account(alice)


async def test_of_two_changes_with_the_same_password_one_succeeds(served: Served, alice: Client) -> None:
    """A password that was just changed is not changed again by who knew the old one."""
    words = [f"parallel number {number}!" for number in range(4)]
    answers = await asyncio.gather(*(edit(alice, **password_fields(PASSWORD, new=new)) for new in words))
    statuses = [answer.status_code for answer in answers]
    assert sorted(statuses) == [200, 403, 403, 403]
    assert all(answer.status_code == 200 or refusal(answer) == denied(40319) for answer in answers)
    assert await log_in(served, alice.email, words[statuses.index(200)]) == 200


async def test_a_password_and_texts_are_changed_together_or_not_at_all(served: Served, alice: Client) -> None:
    refused = await edit(alice, about="new", active=False, **password_fields(PASSWORD))
    assert refusal(refused) == denied(40320)
    assert await stored(served, alice) == account(alice)
    assert (await edit(alice, about="new", **password_fields(PASSWORD))).json()["user"]["about"] == "new"
    assert await log_in(served, alice.email, NEW_PASSWORD) == 200


async def test_an_administrator_through_a_scoped_token_is_like_anybody(served: Served, admin: Client) -> None:
    """Contract 13: equal as a set compares with the stored or the shown list, and the stored one stays."""
    user = await served.create_user(ADMINISTRATOR, Permission.UPLOAD_ONCE)
    scoped = await (await served.session(user)).generate(Permission.LOOK_UP_USERS)
    shown = (await scoped.get(f"{USERS}/{user.id}")).json()["user"]["permissions"]
    assert len(shown) == 36
    for same in (shown, shown[::-1], sorted(user.permissions)):
        assert (await edit(scoped, permissions=same)).status_code == 200
        assert (await stored(served, scoped)).permissions == user.permissions
    for different in (shown[1:], shown[:-1], ["security.administrator"], [*shown, Permission.ENFORCE_TAGS]):
        assert refusal(await edit(scoped, permissions=different)) == denied(40320)
    assert refusal(await edit(scoped, **password_fields())) == denied(40319)
    assert (await edit(scoped, about="new", **password_fields(PASSWORD))).status_code == 200
    assert (await admin.get(f"{USERS}/{user.id}")).json()["user"]["about"] == "new"


async def test_what_was_sent_is_compared_with_the_account_as_it_is_now(served: Served, alice: Client) -> None:
    await served.change_user(account(alice), permissions=frozenset({"ROLE_USER"}))
    assert refusal(await edit(alice)) == denied(40320)
    assert (await edit(alice, permissions=["ROLE_USER"])).status_code == 200


async def test_another_tenant_learns_and_changes_nothing(served: Served, alice: Client, charlie: Client) -> None:
    """Case 40: whether an account exists cannot be told from the refusal."""
    await served.change_user(account(alice), expires_at=served.clock() - timedelta(days=1))
    before = await stored(served, alice)
    for fields, code in (({}, 40320), (password_fields(PASSWORD), 40319), ({"repeatPassword": 7}, 40319)):
        answers = [
            await charlie.put(f"{USERS}/{user_id}", json=edit_fields(account(charlie)) | fields)
            for user_id in (alice.id, alice.id.upper(), UNKNOWN, "x", "%00")
        ]
        assert {refusal(answer) for answer in answers} == {denied(code)}
        assert len({answer.content for answer in answers}) == 1
    assert await stored(served, alice) == before
    assert (await served.guest().put(f"{USERS}/{alice.id}", json={})).status_code == 401

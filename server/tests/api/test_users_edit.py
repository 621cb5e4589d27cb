"""An administrator changes accounts (contract 5.6)."""

from __future__ import annotations

from typing import Any

import httpx
from world.accounts import NEW_PASSWORD, edit_fields, password_fields
from world.answers import NO_JSON, NOT_FOUND, READ_ONLY, against_rules, broken_fields, denied, refusal
from world.client import ADMINISTRATOR, TENANT, TOKENS, USERS, Client, Serve, Served, user_fields

from backup_repository.access.model import RESTRICTIONS, Permission
from backup_repository.users.model import User

UNKNOWN = "a11ce000-0000-4000-8000-00000000000f"
FULL: dict[str, Any] = {
    "tags": ("a", "b"),
    "max_allowed_file_size": 161,
    "allowed_ip_addresses": ("198.51.100.0/24",),
    "allowed_user_agents": ("curl",),
    "organization": "Example",
    "about": "A machine",
}


async def edit(client: Client, user: User, **changes: Any) -> httpx.Response:
    return await client.put(f"{USERS}/{user.id}", json=edit_fields(user, **changes))


async def stored(served: Served, user: User) -> User:
    found = await served.instance.accounts.find(user_id=user.id)
    assert found is not None
    return found


async def test_the_whole_record_is_replaced(served: Served, admin: Client) -> None:
    """Case 39."""
    user = await served.create_user(*TENANT, **FULL, expires_at=served.clock())
    data = {"tags": ["c"], "maxAllowedFileSize": 7, "allowedIpAddresses": ["::1"], "allowedUserAgents": ["wget"]}
    answer = await edit(
        admin,
        user,
        permissions=["upload.all"],
        organization="Other",
        about="Another",
        expires="2031-05-01",
        active=False,
        data=data,
    )
    assert answer.status_code == 200
    assert list(answer.json()) == ["message", "status", "user"]
    assert (answer.json()["message"], answer.json()["status"]) == ("User saved", True)
    assert answer.json()["user"] == {
        "id": user.id,
        "email": user.email,
        "active": False,
        "expired": False,
        "expires": "2031-05-01T00:00:00.000000Z",
        "data": {
            "tags": ["c"],
            "max_allowed_filesize": 7,
            "allowed_ip_addresses": ["::1"],
            "allowed_user_agents": ["wget"],
        },
        "permissions": ["upload.all"],
        "organization": "Other",
        "about": "Another",
        "is_administrator": False,
    }
    assert (await admin.get(f"{USERS}/{user.id}")).json()["user"] == answer.json()["user"]


async def test_what_is_left_out_returns_to_its_default(served: Served, admin: Client) -> None:
    """An omitted expiry means never; only `active` stays as it is."""
    for active in (True, False):
        user = await served.create_user(*TENANT, **FULL, expires_at=served.clock(), active=active)
        shown = (await edit(admin, user)).json()["user"]
        assert shown["expires"] == ""
        assert shown["active"] is active
        assert shown["data"] == {
            "tags": [],
            "max_allowed_filesize": 0,
            "allowed_ip_addresses": [],
            "allowed_user_agents": [],
        }
        assert set(shown["permissions"]) == set(TENANT)
    assert (await edit(admin, user, active=None)).json()["user"]["active"] is False
    assert (await edit(admin, user, active=True)).json()["user"]["active"] is True


async def test_the_required_fields_are_required(served: Served, admin: Client) -> None:
    """Case 39."""
    user = await served.create_user(*TENANT, **FULL)
    for name in ("about", "organization", "permissions", "data"):
        assert broken_fields(await edit(admin, user, **{name: ...})) == {name: 50002}
    for name in ("about", "organization", "data"):
        assert broken_fields(await edit(admin, user, **{name: None})) == {name: 50002}
    answer = await admin.put(f"{USERS}/{user.id}", json={})
    assert broken_fields(answer) == dict.fromkeys(("about", "organization", "permissions", "data"), 50002)
    assert await stored(served, user) == user


async def test_email_and_id_never_change(served: Served, admin: Client) -> None:
    user = await served.create_user(*TENANT)
    for email, user_id in (("other@example.org", UNKNOWN), ("no e-mail", "no uuid"), (7, None)):
        shown = (await edit(admin, user, email=email, id=user_id)).json()["user"]
        assert (shown["id"], shown["email"]) == (user.id, user.email)
    assert await stored(served, user) == user


async def test_an_unknown_account_is_not_found(admin: Client, alice: Client) -> None:
    """Case 39; before the fields are looked at."""
    assert alice.user is not None
    for user_id in (UNKNOWN, "x", "%00", f"{alice.id}%00", f"{alice.id}%0A"):
        for body in (edit_fields(alice.user), {}):
            assert refusal(await admin.put(f"{USERS}/{user_id}", json=body)) == NOT_FOUND


async def test_an_id_is_found_in_any_case(admin: Client, alice: Client) -> None:
    assert alice.user is not None
    for client in (admin, alice):
        answer = await client.put(f"{USERS}/{alice.id.upper()}", json=edit_fields(alice.user, about="me"))
        assert (answer.status_code, answer.json()["user"]["id"]) == (200, alice.id)


async def test_the_order_of_checks(served: Served, admin: Client, charlie: Client) -> None:
    """Contract 5.6: not the own account, 404, fields, 40010, 40319, 40320."""
    user = await served.create_user(*TENANT)
    broken = {"about": 7, "permissions": ["nothing"], "password": NEW_PASSWORD}
    assert refusal(await charlie.put(f"{USERS}/{user.id}", content=b"[]")) == NO_JSON
    assert refusal(await edit(charlie, user, **broken)) == denied(40319)
    assert refusal(await edit(charlie, user, **broken | {"password": ""})) == denied(40320)
    assert refusal(await admin.put(f"{USERS}/{UNKNOWN}", json=broken)) == NOT_FOUND
    assert broken_fields(await edit(admin, user, **broken)) == {"about": 50002}
    assert refusal(await edit(admin, user, **broken | {"about": ""})) == against_rules(40010)
    assert admin.user is not None
    last = {"permissions": ["ROLE_USER"], "password": NEW_PASSWORD}
    assert refusal(await edit(admin, admin.user, **last)) == denied(40319)
    assert refusal(await edit(admin, admin.user, **last, repeatPassword=NEW_PASSWORD)) == denied(40320)


async def test_a_refused_edit_changes_nothing(served: Served, admin: Client) -> None:
    user = await served.create_user(*TENANT, **FULL)
    changes = {"organization": "Other", "active": False, "data": {"tags": ["c"]}} | password_fields()
    for wrong in (
        {"permissions": ["nothing"]},
        {"about": "a" * 1025},
        {"repeatPassword": "yet another one!"},
        {"expires": "someday"},
    ):
        assert (await edit(admin, user, **changes | wrong)).status_code in {400, 403}
    assert await stored(served, user) == user


async def test_an_administrator_needs_no_current_password(served: Served, admin: Client, alice: Client) -> None:
    """Also not for their own; tokens that were issued stay valid."""
    assert admin.user is not None
    assert alice.user is not None
    for client in (alice, admin):
        assert client.user is not None
        assert (await edit(admin, client.user, **password_fields())).status_code == 200
        session = await served.guest().log_in(client.email, NEW_PASSWORD)
        for bearer in (session, client):
            assert (await bearer.get(TOKENS)).status_code == 200


async def test_both_fields_of_a_new_password_must_agree(served: Served, admin: Client) -> None:
    """Case 41."""
    user = await served.create_user(*TENANT)
    for fields in (
        {"password": NEW_PASSWORD},
        {"repeatPassword": NEW_PASSWORD},
        {"password": NEW_PASSWORD, "repeatPassword": ""},
        {"password": NEW_PASSWORD, "repeatPassword": f"{NEW_PASSWORD}!"},
    ):
        assert refusal(await edit(admin, user, **fields)) == denied(40319)
    nothing_new = ({"password": "", "repeatPassword": None}, {"currentPassword": "anything"}, {"password": None})
    for absent in nothing_new:
        assert (await edit(admin, user, **absent)).status_code == 200
    assert await stored(served, user) == user


async def test_both_fields_of_a_new_password_must_be_good(served: Served, admin: Client) -> None:
    """Contract 5.6: reported under `password`, the first field's problem first."""
    user = await served.create_user(*TENANT)
    for fields, code in (
        ({"password": "short", "repeatPassword": "lettersonly"}, 40006),
        ({"password": NEW_PASSWORD, "repeatPassword": "lettersonly"}, 40008),
        ({"repeatPassword": "short"}, 40006),
        ({"repeatPassword": 7}, 50002),
    ):
        assert broken_fields(await edit(admin, user, **fields)) == {"password": code}
    assert broken_fields(await edit(admin, user, currentPassword=7)) == {"currentPassword": 50002}


async def test_permissions_given_work_at_once(admin: Client, alice: Client) -> None:
    """Contract 4.2."""
    assert alice.user is not None
    reads = [*TENANT, Permission.LOOK_UP_USERS]
    assert refusal(await alice.get(f"{USERS}/{alice.id}")) == denied(40313)
    assert (await edit(admin, alice.user, permissions=reads)).status_code == 200
    assert (await alice.get(f"{USERS}/{alice.id}")).status_code == 200
    assert (await edit(admin, alice.user)).status_code == 200
    assert refusal(await alice.get(f"{USERS}/{alice.id}")) == denied(40313)


async def test_a_promotion_is_recorded_as_sent(served: Served, admin: Client, alice: Client) -> None:
    """Contract 13: an administrator's expansion is shown, never stored."""
    assert alice.user is not None
    shown = (await edit(admin, alice.user, permissions=["security.administrator"])).json()["user"]
    assert (len(shown["permissions"]), shown["is_administrator"]) == (35, True)
    assert (await stored(served, alice.user)).permissions == {"security.administrator"}
    assert (await alice.get(f"{USERS}/{admin.id}")).status_code == 200


async def test_a_list_that_is_sent_back_as_shown_is_recorded_as_it_was(served: Served, admin: Client) -> None:
    """Contract 13: also when a restriction comes or goes with it, and on creation."""
    user = await served.create_user(ADMINISTRATOR, Permission.UPLOAD_ONCE)
    shown = (await admin.get(f"{USERS}/{user.id}")).json()["user"]["permissions"]
    cases: tuple[tuple[list[str], frozenset[str]], ...] = (
        (shown, user.permissions),
        ([*shown, *shown, Permission.ENFORCE_TAGS], frozenset({"security.administrator", *RESTRICTIONS})),
        (shown[:-1], frozenset({"security.administrator"})),
        (shown[:-2], frozenset(shown[:-2])),
        (shown[1:], frozenset(shown[1:])),
    )
    for sent, kept in cases:
        assert (await edit(admin, user, permissions=sent)).status_code == 200
        assert (await stored(served, user)).permissions == kept
    created = (await admin.post(USERS, json=user_fields(permissions=shown))).json()["user"]
    assert created["permissions"] == shown
    found = await served.instance.accounts.find(user_id=created["id"])
    assert found is not None
    assert found.permissions == user.permissions


async def test_a_token_without_administration_is_no_administrators(admin: Client, alice: Client) -> None:
    """Contract 4.2: the session counts, not the account."""
    assert alice.user is not None
    scoped = await admin.generate(Permission.CREATE_USERS, Permission.DELETE_USERS, Permission.LOOK_UP_USERS)
    assert refusal(await edit(scoped, alice.user)) == denied(40320)
    whole = await admin.generate(ADMINISTRATOR)
    assert (await edit(whole, alice.user, about="by a token")).status_code == 200


async def test_a_read_only_instance_edits_nobody(serve: Serve, admin: Client) -> None:
    """Case 9."""
    assert admin.user is not None
    frozen = await serve(read_only=True).session(admin.user)
    assert refusal(await edit(frozen, admin.user)) == READ_ONLY
    assert refusal(await frozen.put(f"{USERS}/{UNKNOWN}", content=b"[")) == READ_ONLY
    assert (await frozen.get(USERS)).status_code == 200

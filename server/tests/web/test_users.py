"""Accounts and tokens, as people without a script use them."""

from __future__ import annotations

import pytest
from world.client import PASSWORD, Served
from world.visitor import Page, Visitor, visitor

from backup_repository.access.model import Permission

NEW = {"email": "new@example.org", "password": PASSWORD, "repeatPassword": PASSWORD}


async def test_an_administrator_adds_a_user_who_can_sign_in(served: Served, admin: Visitor) -> None:
    page = await admin.does(
        "/user",
        "/user",
        **NEW,
        organization="Bakery",
        expires="+1 year",
        tags="a\nb",
        allowedIpAddresses="198.51.100.0/24",
        maxAllowedFileSize="1000",
        permissions=[Permission.ROLE_USER.value, Permission.UPLOAD_ALL.value],
    )
    assert page.said == ["User account saved"]
    found = (await admin.client.get("/api/stable/auth/user", params={"q": "new@example.org"})).json()["data"][0]
    assert found["data"] == {
        "tags": ["a", "b"],
        "max_allowed_filesize": 1000,
        "allowed_ip_addresses": ["198.51.100.0/24"],
        "allowed_user_agents": [],
    }
    assert found["permissions"] == ["ROLE_USER", "upload.all"]
    signed = await visitor(served).does("/login", "/login", email="NEW@example.org", password=PASSWORD)
    assert "Dashboard" in signed.words


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"email": ""}, ["E-mail is required"]),
        ({"password": "", "repeatPassword": ""}, ["Password is required"]),
        ({"repeatPassword": "another!"}, ["Passwords are not matching"]),
        ({"password": "", "email": ""}, ["E-mail is required", "Password is required"]),
    ],
)
async def test_what_is_missing_is_named(admin: Visitor, changes: dict[str, str], said: list[str]) -> None:
    """Case 74, the server's half."""
    page = await admin.does("/user", "/user", **NEW | changes)
    assert page.said == said


async def test_wrong_fields_are_marked(admin: Visitor) -> None:
    page = await admin.does(
        "/user", "/user", **NEW | {"email": "x", "expires": "soon", "maxAllowedFileSize": "-1"}, tags="x" * 65
    )
    assert "email: Invalid e-mail format" in page.words
    assert "expirationDate: The expiration date is not understood" in page.words
    assert "maxAllowedFileSize: Number cannot be negative, got -1" in page.words
    assert "tags: Each tag must have" in page.words
    page = await admin.does("/user", "/user", **NEW | {"email": "ADMIN@example.org"})
    assert "id: User already exists" in page.words


async def test_saving_a_profile_unchanged_changes_nothing(served: Served, admin: Visitor, alice: Visitor) -> None:
    user = alice.client.user
    assert user is not None
    await served.change_user(user, tags=("a", "b"), about="two\nlines", allowed_user_agents=("x/1 y",))
    path = f"/api/stable/auth/user/{user.id}"
    before = (await admin.client.get(path)).json()
    assert (await admin.does(f"/user/{user.id}", f"/user/{user.id}")).said == ["User account saved"]
    assert (await admin.client.get(path)).json() == before


async def test_people_edit_a_little_of_their_own_profile(served: Served, alice: Visitor) -> None:
    at = f"/user/{alice.client.id}"
    page = await alice.does(at, at, about="me", organization="Bakery")
    assert page.said == ["User account saved"]
    page = await alice.does(at, at, password="another!!", repeatPassword="another!!", currentPassword="wrong")
    assert page.said == ["The password cannot be changed: wrong owner, current password or repetition"]
    page = await alice.does(at, at, password="another!!", repeatPassword="another!!", currentPassword=PASSWORD)
    assert page.said == ["User account saved"]
    signed = await visitor(served).does("/login", "/login", email="alice@example.org", password="another!!")
    assert "Dashboard" in signed.words


async def test_people_are_refused_what_they_force_on_profiles(admin: Visitor, alice: Visitor) -> None:
    own = f"/user/{alice.client.id}"
    page = await alice.page(own)
    form = page.form(own)
    form.fields.append(("permissions", Permission.ADMINISTRATOR.value))
    form.fields.append(("maxAllowedFileSize", "5"))
    await alice.send(form)
    assert (await alice.get("/users")).status_code == 403
    for path in ("/user", f"/user/{admin.client.id}"):
        assert (await alice.get(path)).status_code == 403
    form.action = f"/user/{admin.client.id}"
    assert (await alice.send(form)).status_code == 403
    form.action = f"{own}/delete"
    assert (await alice.send(form, typed="alice@example.org")).status_code == 403
    form.action = "/user"
    assert (await alice.send(form, **NEW)).status_code == 403


async def test_an_account_is_deleted_after_its_email_was_typed(admin: Visitor, alice: Visitor) -> None:
    """Case 75, the server's half."""
    at = f"/user/{alice.client.id}"
    assert "Nothing was deleted" in (await admin.does(at, "/delete", typed="Alice@example.org")).said[0]
    assert (await admin.does(at, "/delete", typed="alice@example.org")).said == ["User account deleted"]
    assert (await alice.get("/overview")).headers["location"] == "/login"


async def test_the_last_administrator_cannot_be_lost(admin: Visitor) -> None:
    at = f"/user/{admin.client.id}"
    assert "last active administrator" in (await admin.does(at, "/delete", typed="admin@example.org")).said[0]
    assert "last active administrator" in (await admin.does(at, at, permissions=["ROLE_USER"])).said[0]


async def test_users_are_searched_and_paged(served: Served, admin: Visitor) -> None:
    for number in range(25):
        await served.create_user(email=f"tenant{number:02}@example.org")
    page = await admin.page("/users?q=tenant&page=2")
    assert "21 to 25 of 25" in page.words
    assert "/users?q=tenant&page=1" in page.links


async def test_a_token_is_shown_once_listed_and_revoked(served: Served, admin: Visitor) -> None:
    """Case 72, without a script."""
    at = "/security/access-tokens"
    page = await admin.does(at, at, description="nightly", ttl="604800")
    assert page.said == ["Access token generated"]
    token = next(word for word in page.words.split() if word.startswith("eyJ"))
    listed = await admin.page(at)
    assert token not in listed.words
    assert "nightly" in listed.words
    machine = served.guest().bearing(token)
    assert (await machine.get("/api/stable/auth/user")).status_code == 200
    entry = next(
        one for one in (await machine.get("/api/stable/auth/token")).json()["data"] if one["description"] == "nightly"
    )
    page = await admin.does(at, f"{entry['token_hash']}/revoke")
    assert page.said == ["Access revoked"]
    assert (await machine.get("/api/stable/version")).json()["code"] == 40324


async def test_a_token_is_limited_to_what_is_ticked(served: Served, admin: Visitor) -> None:
    at = "/security/access-tokens"
    page = await admin.does(at, at, description="", ttl="3600", permissions=[Permission.LIST_COLLECTIONS.value])
    token = next(word for word in page.words.split() if word.startswith("eyJ"))
    machine = served.guest().bearing(token)
    assert (await machine.get("/api/stable/repository/collection")).status_code == 200
    assert (await machine.get("/api/stable/auth/user")).status_code == 403


async def test_forced_tokens_are_refused(alice: Visitor, admin: Visitor) -> None:
    at = "/security/access-tokens"
    page = await alice.does(at, at, ttl="59", description="x" * 1025)
    assert "ttl: The lifetime must be" in page.words
    assert "description: Text is too long" in page.words
    page = await alice.does(at, at, ttl="3600", permissions=[Permission.ADMINISTRATOR.value])
    assert page.said == ["A token cannot be given permissions that its maker does not hold"]
    refused = await alice.get(f"{at}?user={admin.client.id}")
    assert (refused.status_code, Page(refused.text).said) == (403, ["No permission to list the tokens of this user"])


async def test_tokens_of_others_are_listed_and_revoked_by_administrators(admin: Visitor, alice: Visitor) -> None:
    at = f"/security/access-tokens?user={alice.client.id}"
    page = await admin.page(at)
    assert "Granted accesses of alice@example.org" in page.words
    assert (await admin.send(page.form("/revoke"))).headers["location"] == at
    assert (await alice.get("/overview")).headers["location"] == "/login"

"""The audit log (contract 12 and 13, case 118)."""

from __future__ import annotations

from typing import Any

from world.client import API, COLLECTIONS, LOGIN, PASSWORD, TOKENS, USERS, Client, Served, user_fields

AUDIT = f"{API}/audit"
WRONG = "a wrong password!"


async def log(reader: Client, **wanted: Any) -> list[dict[str, Any]]:
    answer = await reader.get(AUDIT, params={"limit": 1000} | wanted)
    assert answer.status_code == 200
    entries: list[dict[str, Any]] = answer.json()["data"]
    return entries


async def actions(reader: Client, **wanted: Any) -> list[str]:
    return [entry["action"] for entry in reversed(await log(reader, **wanted))]


async def test_logins_and_failures_are_recorded_without_secrets(served: Served, admin: Client, alice: Client) -> None:
    """Case 118."""
    guest = served.guest()
    session = await guest.log_in(alice.email)
    await guest.post(LOGIN, json={"username": alice.email, "password": WRONG})
    await guest.post(LOGIN, json={"username": "hunter2 typed in the wrong field", "password": WRONG})
    await guest.post(LOGIN, json={"username": "nobody@example.org", "password": WRONG})
    assert await actions(admin) == ["login", "login.failed", "login.failed", "login.failed"]
    newest, unreadable, known, success = await log(admin)
    assert newest["target"] == "nobody@example.org"
    assert unreadable["target"] == ""
    assert (known["target"], known["result"], known["actor"]) == (alice.id, "401", "")
    assert (success["actor"], success["result"]) == (alice.id, "ok")
    text = (await admin.get(AUDIT)).text
    for secret in (PASSWORD, WRONG, "hunter2", session.token, session.token.split(".")[2]):
        assert secret not in text


async def test_everything_that_changes_is_recorded_with_its_actor_and_address(admin: Client) -> None:
    """Case 118."""
    created = (await admin.post(USERS, json=user_fields(email="eve@example.org"))).json()["user"]
    collection = await admin.create_collection(maxBackupsCount=1)
    path = f"{COLLECTIONS}/{collection['id']}"
    await admin.put(COLLECTIONS, json=_edited(collection))
    await admin.post(f"{path}/access", json={"user": created["id"], "permissions": []})
    await admin.upload(collection["id"], b"one")
    await admin.upload(collection["id"], b"two")
    await admin.delete(f"{path}/versions/latest")
    await admin.delete(f"{path}/access/{created['id']}")
    await admin.delete(f"{path}/access/{created['id']}")
    await admin.delete(path)
    narrowed = await admin.generate("security.search_for_users")
    await narrowed.delete(f"{TOKENS}/current-session")
    await admin.delete(f"{USERS}/{created['id']}")
    assert await actions(admin) == [
        "user.created",
        "collection.created",
        "collection.edited",
        "access.given",
        "version.uploaded",
        "version.uploaded",
        "version.rotated-out",
        "version.deleted",
        "access.withdrawn",
        "collection.deleted",
        "token.generated",
        "token.revoked",
        "user.deleted",
    ]
    entries = await log(admin)
    assert {entry["actor"] for entry in entries} == {admin.id}
    assert {entry["address"] for entry in entries} == {"198.51.100.7"}
    assert {entry["result"] for entry in entries} == {"ok"}
    assert narrowed.token not in (await admin.get(AUDIT)).text


def _edited(collection: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": collection["id"],
        "maxBackupsCount": 1,
        "maxOneVersionSize": "1MB",
        "maxCollectionSize": "10MB",
        "strategy": collection["strategy"],
        "filename": "other.tar.gz",
    }


async def test_an_edit_names_the_properties_and_a_password_only_that_it_changed(served: Served, admin: Client) -> None:
    eve = await served.client("ROLE_USER", email="eve@example.org")
    body = {"permissions": ["ROLE_USER"], "data": {"tags": ["a"]}, "organization": "Eve", "about": ""}
    new = {"password": "another password!", "repeatPassword": "another password!"}
    await admin.put(f"{USERS}/{eve.id}", json=body | new)
    edited, password = await log(admin)
    assert (password["action"], password["detail"]) == ("password.changed", "")
    assert (edited["action"], edited["detail"]) == ("user.edited", "tags, organization")
    assert "another" not in (await admin.get(AUDIT)).text


async def test_refused_accounts_origins_and_tokens_are_recorded(served: Served, admin: Client, alice: Client) -> None:
    assert alice.user is not None
    await served.change_user(alice.user, active=False)
    await alice.get(TOKENS)
    await served.change_user(alice.user, allowed_user_agents=("only this",))
    await alice.get(TOKENS)
    await served.change_user(alice.user)
    await alice.delete(f"{TOKENS}/current-session")
    await alice.get(TOKENS)
    refused = await log(admin, action="access.refused")
    assert [entry["result"] for entry in reversed(refused)] == ["40322", "40323", "40324"]
    assert {entry["actor"] for entry in refused} == {alice.id}


async def test_a_simulated_change_is_not_recorded(admin: Client) -> None:
    collection = await admin.create_collection()
    await admin.upload(collection["id"], b"one")
    before = await actions(admin)
    await admin.delete(f"{COLLECTIONS}/{collection['id']}/versions/v1", params={"simulate": "true"})
    await admin.put(COLLECTIONS, json=_edited(collection), params={"simulate": "1"})
    assert await actions(admin) == before


async def test_a_refused_change_is_not_recorded_as_one(admin: Client, alice: Client) -> None:
    collection = await alice.create_collection()
    await alice.upload(collection["id"], b"one")
    before = await actions(admin)
    assert (await alice.delete(f"{COLLECTIONS}/{collection['id']}")).json()["code"] == 40108
    assert (await alice.upload(collection["id"], b"one")).json()["code"] == 41011
    assert await actions(admin) == before


async def test_the_log_is_paged_and_filtered(served: Served, admin: Client, alice: Client) -> None:
    for name in ("a", "b", "c"):
        await alice.create_collection(filename=name)
    served.clock.advance(days=2)
    assert admin.user is not None
    admin = await served.session(admin.user)
    await admin.create_collection()
    later = served.clock().date().isoformat()
    assert len(await log(admin, actor=alice.id.upper())) == 3
    assert len(await log(admin, **{"from": later})) == 1
    assert len(await log(admin, to=(served.clock().replace(microsecond=0)).date().isoformat())) == 4
    page = (await admin.get(AUDIT, params={"limit": 3, "page": 2})).json()
    assert page["context"]["pagination"] == {"page": 2, "per_page_limit": 3, "max_pages": 2}
    assert len(page["data"]) == 1
    wrong = (await admin.get(AUDIT, params={"action": "x", "from": "y", "to": "z", "page": 0})).json()["fields"]
    assert {name: field["code"] for name, field in wrong.items()} == {
        "action": 50002,
        "from": 41014,
        "to": 41014,
        "page": 50005,
    }


async def test_only_administrators_read_it(guest: Client, alice: Client, charlie: Client) -> None:
    assert (await guest.get(AUDIT)).status_code == 401
    for client in (alice, charlie):
        answer = await client.get(AUDIT)
        assert (answer.status_code, answer.json()["code"]) == (403, 40312)
        assert "data" not in answer.json()

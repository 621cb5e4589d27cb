"""Deleting accounts (contract 5.7)."""

from __future__ import annotations

import asyncio

from world.answers import NOT_FOUND, READ_ONLY, denied, refusal
from world.client import ADMINISTRATOR, COLLECTIONS, PER_COLLECTION, TOKENS, USERS, Client, Serve, Served, user_fields

from backup_repository.access.model import Permission

UNKNOWN = "a11ce000-0000-4000-8000-00000000000f"


async def test_the_answer_shows_the_account_as_it_was_switched_off(served: Served, admin: Client) -> None:
    """Case 43."""
    user = await served.create_user(Permission.ROLE_USER, tags=("a",), organization="Example", about="A machine")
    before = (await admin.get(f"{USERS}/{user.id}")).json()["user"]
    answer = await admin.delete(f"{USERS}/{user.id.upper()}")
    assert answer.status_code == 200
    assert answer.json() == {"message": "User was deleted", "status": True, "user": before | {"active": False}}
    assert before["active"] is True


async def test_a_deleted_account_is_not_found(admin: Client, alice: Client) -> None:
    """Case 43."""
    assert (await admin.delete(f"{USERS}/{alice.id}")).json()["user"]["id"] == alice.id
    assert refusal(await admin.delete(f"{USERS}/{alice.id}")) == NOT_FOUND
    assert refusal(await admin.get(f"{USERS}/{alice.id}")) == NOT_FOUND
    assert refusal(await admin.get(TOKENS, params={"user": alice.id})) == NOT_FOUND
    for user_id in (UNKNOWN, "x", "%00", f"{admin.id}%00", f"{admin.id}%0A"):
        assert refusal(await admin.delete(f"{USERS}/{user_id}")) == NOT_FOUND


async def test_its_tokens_are_worth_nothing_any_more(admin: Client, alice: Client) -> None:
    """Case 28: 401, and not 403 40324, because the account is gone."""
    generated = await alice.generate()
    assert (await admin.delete(f"{USERS}/{alice.id}")).status_code == 200
    for bearer in (alice, generated):
        answer = await bearer.get(TOKENS)
        assert refusal(answer) == (401, 401, "request.auth-error")
        assert answer.json()["message"] == "Invalid JWT Token"


async def test_it_leaves_the_access_lists_and_its_collections_remain(admin: Client, alice: Client, bob: Client) -> None:
    """Case 28."""
    collection = (await alice.create_collection())["id"]
    path = f"{COLLECTIONS}/{collection}"
    assert (await alice.upload(collection, b"precious")).status_code == 200
    await alice.grant(collection, bob, *PER_COLLECTION)
    assert (await admin.delete(f"{USERS}/{alice.id}")).status_code == 200
    assert [member["user_id"] for member in (await admin.get(f"{path}/access")).json()["users"]] == [bob.id]
    assert (await bob.get(f"{path}/versions/latest")).content == b"precious"
    withdrawn = await admin.delete(f"{path}/access/{bob.id}")
    assert withdrawn.json()["data"]["users_count"] == 0


async def test_its_email_and_id_are_free_again(admin: Client, alice: Client) -> None:
    assert (await admin.delete(f"{USERS}/{alice.id}")).status_code == 200
    again = await admin.post(USERS, json=user_fields(email=alice.email.upper(), id=alice.id))
    assert again.status_code == 201
    assert (await alice.get(TOKENS)).json()["code"] == 40324


async def test_without_permission_nobody_is_deleted(admin: Client, alice: Client, charlie: Client) -> None:
    """Case 43: oneself or others."""
    for target in (charlie, alice, admin):
        assert refusal(await charlie.delete(f"{USERS}/{target.id}")) == denied(40303)
        assert (await admin.get(f"{USERS}/{target.id}")).status_code == 200


async def test_an_administrator_is_deleted_by_administrators_only(served: Served, admin: Client) -> None:
    """Case 43; also one that cannot log in."""
    deleter = await served.client(Permission.DELETE_USERS)
    second = await served.create_user(ADMINISTRATOR)
    asleep = await served.create_user(ADMINISTRATOR, active=False)
    scoped = await admin.generate(Permission.DELETE_USERS)
    for target in (admin.id, second.id, asleep.id):
        for somebody in (deleter, scoped):
            assert refusal(await somebody.delete(f"{USERS}/{target}")) == denied(40303)
        assert (await admin.get(f"{USERS}/{target}")).status_code == 200
    for target in (second.id, asleep.id):
        assert (await admin.delete(f"{USERS}/{target}")).status_code == 200


async def test_who_may_delete_may_delete_themselves(served: Served, alice: Client) -> None:
    deleter = await served.client(Permission.DELETE_USERS)
    assert (await deleter.delete(f"{USERS}/{alice.id}")).status_code == 200
    assert (await deleter.delete(f"{USERS}/{deleter.id}")).json()["user"]["id"] == deleter.id
    assert (await deleter.delete(f"{USERS}/{deleter.id}")).status_code == 401


async def test_of_parallel_deletions_one_succeeds(admin: Client, alice: Client) -> None:
    answers = await asyncio.gather(*(admin.delete(f"{USERS}/{alice.id}") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 404, 404, 404]


async def test_another_tenant_learns_nothing(guest: Client, admin: Client, alice: Client, charlie: Client) -> None:
    """Case 43: whether an account exists, or is an administrator, cannot be told from the refusal."""
    targets = (alice.id, admin.id, charlie.id, UNKNOWN, "x", "%00")
    answers = [await charlie.delete(f"{USERS}/{target}") for target in targets]
    assert {refusal(answer) for answer in answers} == {denied(40303)}
    assert len({answer.content for answer in answers}) == 1
    assert (await guest.delete(f"{USERS}/{alice.id}")).status_code == 401


async def test_a_read_only_instance_deletes_nobody(serve: Serve, admin: Client, alice: Client) -> None:
    """Case 9."""
    assert admin.user is not None
    frozen = await serve(read_only=True).session(admin.user)
    for target in (alice.id, UNKNOWN):
        assert refusal(await frozen.delete(f"{USERS}/{target}")) == READ_ONLY
    assert (await frozen.get(f"{USERS}/{alice.id}")).status_code == 200

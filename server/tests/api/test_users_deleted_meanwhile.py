"""Requests of, and about, an account that is deleted at the same moment."""

from __future__ import annotations

import asyncio

from world.client import COLLECTIONS, LOGIN, PASSWORD, TENANT, TOKENS, USERS, Client, Served, collection_fields

ROUNDS = 5


async def test_its_own_requests_succeed_or_find_nobody(served: Served, admin: Client) -> None:
    for _ in range(ROUNDS):
        eve = await served.client(*TENANT)
        body = {"requestedPermissions": [], "ttl": 3600}
        answers = await asyncio.gather(
            eve.post(TOKENS, json=body),
            eve.post(COLLECTIONS, json=collection_fields()),
            served.guest().post(LOGIN, json={"username": eve.email, "password": PASSWORD}),
            admin.delete(f"{USERS}/{eve.id}"),
            eve.post(TOKENS, json=body),
            eve.post(COLLECTIONS, json=collection_fields()),
        )
        assert {answer.status_code for answer in answers} <= {200, 201, 401}


async def test_a_grant_for_it_succeeds_or_finds_no_such_account(served: Served, admin: Client, alice: Client) -> None:
    collection = await alice.create_collection()
    access = f"{COLLECTIONS}/{collection['id']}/access"
    for _ in range(ROUNDS):
        eve = await served.client(*TENANT)
        granted, deleted = await asyncio.gather(
            alice.post(access, json={"user": eve.id, "permissions": []}), admin.delete(f"{USERS}/{eve.id}")
        )
        assert deleted.status_code == 200
        assert granted.status_code in {200, 404}
    members = (await alice.get(access)).json()["users"]
    assert [member["user_id"] for member in members] == [alice.id]

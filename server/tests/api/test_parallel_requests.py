"""Requests that arrive together, at one instance and at two that share a database."""

from __future__ import annotations

import asyncio
from collections import Counter
from uuid import uuid4

import httpx
import pytest
from world.answers import against_rules, broken_fields, refusal
from world.client import (
    COLLECTIONS,
    LOGIN,
    PASSWORD,
    TOKENS,
    USERS,
    Client,
    Serve,
    Served,
    collection_fields,
    user_fields,
)

from backup_repository.access.model import Permission

MANY, FEW = 20, 8


@pytest.fixture
def twin(served: Served, serve: Serve) -> Served:
    """A second instance beside the one under test."""
    assert served.config.database_url
    return serve()


def statuses(answers: list[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


async def test_one_of_many_creations_with_the_same_id_succeeds(twin: Served, admin: Client) -> None:
    chosen = str(uuid4())
    other = twin.guest().bearing(admin.token)
    sent = [
        (admin, other)[number % 2].post(COLLECTIONS, json=collection_fields(id=chosen, description=f"{number}"))
        for number in range(MANY)
    ]
    answers = await asyncio.gather(*sent)
    assert statuses(answers) == {201: 1, 400: MANY - 1}
    assert {refusal(answer) for answer in answers if answer.status_code == 400} == {against_rules(40100)}
    (winner,) = (answer.json()["collection"] for answer in answers if answer.status_code == 201)
    assert (await admin.get(COLLECTIONS)).json()["elements"] == [winner]


async def test_one_of_many_accounts_with_the_same_email_is_made(twin: Served, admin: Client) -> None:
    other = twin.guest().bearing(admin.token)
    sent = [
        (admin, other)[number % 2].post(
            USERS, json=user_fields(email=f"{'DORA' if number % 3 else 'dora'}@example.org")
        )
        for number in range(8)
    ]
    answers = await asyncio.gather(*sent)
    assert statuses(answers) == {201: 1, 400: 7}
    assert [broken_fields(answer) for answer in answers if answer.status_code == 400] == [{"id": 40001}] * 7


async def test_many_people_get_access_at_once(served: Served, twin: Served, alice: Client) -> None:
    collection = await alice.create_collection()
    people = [await served.create_user() for _ in range(MANY)]
    other = twin.guest().bearing(alice.token)
    access = f"{COLLECTIONS}/{collection['id']}/access"
    sent = [
        (alice, other)[number % 2].post(access, json={"user": user.id, "permissions": [Permission.UPLOAD]})
        for number, user in enumerate(people)
    ]
    answers = await asyncio.gather(*sent)
    assert statuses(answers) == {200: MANY}
    counts = sorted(answer.json()["data"]["users_count"] for answer in answers)
    assert counts == list(range(2, MANY + 2))
    listed = (await alice.get(access)).json()["users"]
    assert {user["user_id"] for user in listed} == {alice.id, *(user.id for user in people)}


async def test_one_person_gets_one_entry(twin: Served, alice: Client, bob: Client) -> None:
    """Contract 7: at most one entry per account and collection."""
    collection = await alice.create_collection()
    other = twin.guest().bearing(alice.token)
    access = f"{COLLECTIONS}/{collection['id']}/access"
    names = (Permission.UPLOAD.value, Permission.DOWNLOAD.value)
    sent = [
        (alice, other)[number % 2].put(access, json={"user": bob.id, "permissions": [names[number % 2]]})
        for number in range(MANY)
    ]
    answers = await asyncio.gather(*sent)
    assert statuses(answers) == {200: MANY}
    assert {answer.json()["data"]["users_count"] for answer in answers} == {2}
    listed = (await alice.get(access)).json()["users"]
    assert len(listed) == 2
    (entry,) = (user for user in listed if user["user_id"] == bob.id)
    assert entry["permissions"] in ([names[0]], [names[1]])


async def test_giving_and_withdrawing_at_once_end_in_one_of_the_two(alice: Client, bob: Client) -> None:
    collection = await alice.create_collection()
    access = f"{COLLECTIONS}/{collection['id']}/access"
    given = [alice.post(access, json={"user": bob.id}) for _ in range(MANY // 2)]
    withdrawn = [alice.delete(f"{access}/{bob.id}") for _ in range(MANY // 2)]
    answers = await asyncio.gather(*given, *withdrawn)
    assert statuses(answers) == {200: MANY}
    assert {answer.json()["data"]["users_count"] for answer in answers} <= {1, 2}
    assert len((await alice.get(access)).json()["users"]) in (1, 2)


async def test_a_collection_is_either_deleted_or_still_there(twin: Served, alice: Client, bob: Client) -> None:
    collection = await alice.create_collection()
    other = twin.guest().bearing(alice.token)
    address = f"{COLLECTIONS}/{collection['id']}"
    edits = [alice.put(COLLECTIONS, json=collection_fields(id=collection["id"])) for _ in range(5)]
    grants = [other.post(f"{address}/access", json={"user": bob.id}) for _ in range(5)]
    deletions = [alice.delete(address), other.delete(address)]
    answers = await asyncio.gather(*edits, *deletions, *grants)
    assert set(statuses(answers)) <= {200, 404}
    assert statuses(answers[5:7]) == {200: 1, 404: 1}
    assert (await alice.get(address)).status_code == 404


async def test_of_parallel_edits_one_is_the_last(twin: Served, alice: Client) -> None:
    collection = await alice.create_collection()
    other = twin.guest().bearing(alice.token)
    sent = [
        (alice, other)[number % 2].put(
            COLLECTIONS, json=collection_fields(id=collection["id"], description=f"{number}", filename=f"{number}")
        )
        for number in range(MANY)
    ]
    assert statuses(await asyncio.gather(*sent)) == {200: MANY}
    seen = (await alice.get(f"{COLLECTIONS}/{collection['id']}")).json()["collection"]
    assert seen["description"] == seen["filename"] != collection["filename"]


async def test_many_tokens_and_logins_at_once(twin: Served, alice: Client, guest: Client) -> None:
    other = twin.guest()
    body = {"requestedPermissions": [], "ttl": 60}
    generated = [alice.post(TOKENS, json=body) for _ in range(MANY)]
    credentials = {"username": alice.email, "password": PASSWORD}
    # fewer than the failures that are throttled: an attempt counts until its password turns out right
    logins = [(guest, other)[number % 2].post(LOGIN, json=credentials) for number in range(FEW)]
    answers = await asyncio.gather(*generated, *logins)
    assert statuses(answers) == {200: MANY + FEW}
    tokens = {answer.json()["token"] for answer in answers}
    assert len(tokens) == MANY + FEW
    listed = (await alice.get(TOKENS, params={"perPageLimit": 1000})).json()["data"]
    assert len(listed) == MANY + FEW + 1
    checks = await asyncio.gather(*(guest.bearing(token).get(TOKENS) for token in tokens))
    assert statuses(checks) == {200: MANY + FEW}

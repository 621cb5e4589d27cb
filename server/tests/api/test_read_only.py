"""A read-only instance refuses every write and serves everything else (contract 1.7, case 9)."""

from __future__ import annotations

from typing import Any

import pytest
from world.answers import NOT_FOUND, READ_ONLY, refusal
from world.client import (
    ADMINISTRATOR,
    COLLECTIONS,
    HEALTH,
    LOGIN,
    METRICS,
    PASSWORD,
    TOKENS,
    USERS,
    Client,
    Serve,
    Served,
)


@pytest.fixture
async def collection(alice: Client) -> dict[str, Any]:
    """A collection with one version, from before the instance became read-only."""
    collection = await alice.create_collection()
    assert (await alice.upload(collection["id"], b"abc")).status_code == 200
    return collection


@pytest.fixture
def read_only(serve: Serve) -> Served:
    """The same database and storage, read-only."""
    return serve(read_only=True)


async def test_every_write_is_refused(read_only: Served, collection: dict[str, Any]) -> None:
    """Case 9: also simulated, also with a body that is no JSON, also of what does not exist."""
    admin = await read_only.client(ADMINISTRATOR)
    writes = [
        ("POST", TOKENS),
        ("DELETE", f"{TOKENS}/current-session"),
        ("DELETE", f"{TOKENS}/{'0' * 64}"),
        ("POST", USERS),
        ("PUT", f"{USERS}/{admin.id}"),
        ("DELETE", f"{USERS}/{admin.id}"),
        ("POST", COLLECTIONS),
        ("PUT", COLLECTIONS),
    ]
    for address in (f"{COLLECTIONS}/{collection['id']}", f"{COLLECTIONS}/{admin.id}"):
        writes += [
            ("DELETE", address),
            ("POST", f"{address}/access"),
            ("PUT", f"{address}/access"),
            ("DELETE", f"{address}/access/{admin.id}"),
            ("POST", f"{address}/versions"),
            ("DELETE", f"{address}/versions/latest"),
        ]
    for method, path in writes:
        for query in ({}, {"simulate": "true"}):
            for body in (b"", b"{", b"{}"):
                answer = await admin.request(method, path, params=query, content=body)
                assert refusal(answer) == READ_ONLY, (method, path)


async def test_everything_else_works(read_only: Served, collection: dict[str, Any]) -> None:
    """Case 9: log-ins, listings, downloads, health and metrics."""
    user = await read_only.create_user(ADMINISTRATOR)
    body = {"username": user.email, "password": PASSWORD}
    admin = read_only.guest().bearing((await read_only.guest().post(LOGIN, json=body)).json()["token"])
    address = f"{COLLECTIONS}/{collection['id']}"
    for path in (TOKENS, USERS, COLLECTIONS, address, f"{address}/access", f"{address}/versions"):
        assert (await admin.get(path)).status_code == 200
    assert (await admin.get(f"{address}/versions/latest")).content == b"abc"
    assert (await admin.get(HEALTH, params={"code": "health secret"})).status_code == 200
    assert (await admin.get(METRICS, params={"code": "metrics secret"})).status_code == 200


async def test_a_login_session_is_recorded(read_only: Served) -> None:
    user = await read_only.create_user(ADMINISTRATOR)
    session = await read_only.guest().log_in(user.email)
    assert len((await session.get(TOKENS)).json()["data"]) == 1


async def test_the_order_of_checks(read_only: Served, alice: Client) -> None:
    """Contract 1.4: path, method and token come first, everything else later."""
    guest = read_only.guest()
    assert refusal(await guest.post("/api/stable/unknown")) == NOT_FOUND
    assert (await guest.request("PATCH", COLLECTIONS)).status_code == 405
    assert (await guest.post(COLLECTIONS)).status_code == 401
    nobody = await read_only.client()
    assert refusal(await nobody.post(USERS, json={})) == READ_ONLY
    assert alice.user is not None
    deactivated = await read_only.session(await read_only.change_user(alice.user, active=False))
    assert (await deactivated.post(COLLECTIONS)).json()["code"] == 40322


async def test_nothing_was_changed(
    read_only: Served, served: Served, alice: Client, collection: dict[str, Any]
) -> None:
    assert alice.user is not None
    session = await read_only.session(alice.user)
    address = f"{COLLECTIONS}/{collection['id']}"
    before = (await alice.get(address)).json()
    for method, path in (("POST", f"{address}/versions"), ("DELETE", f"{address}/versions/v1"), ("DELETE", address)):
        assert refusal(await session.request(method, path, content=b"new content")) == READ_ONLY
    assert (await alice.get(address)).json() == before
    assert len([file for file in served.storage.rglob("*") if file.is_file()]) == 1


async def test_another_tenant_learns_nothing(read_only: Served, charlie: Client, collection: dict[str, Any]) -> None:
    """The refusal is the same whether something exists or not."""
    assert charlie.user is not None
    session = await read_only.session(charlie.user)
    known = await session.delete(f"{COLLECTIONS}/{collection['id']}")
    unknown = await session.delete(f"{COLLECTIONS}/{charlie.id}")
    assert known.content == unknown.content
    assert refusal(known) == READ_ONLY

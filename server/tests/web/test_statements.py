"""How much each page asks the database: every panel at once, and no more for much than for little."""

from __future__ import annotations

import pytest
from world.client import Served
from world.statements import heard
from world.visitor import Visitor

pytestmark = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)

OPENED = 1
"""A collection and the reader's entry in it, asked by each part of its page that needs a permission of its own."""
SESSION = 1
"""Who has this session, asked once for each page."""
SURVEY, NEWEST, NUMBERS, DAYS, HEALTH = 1, 1, 1, 1, 1
"""The panels of Overview, each with all it shows."""


async def asked(served: Served, somebody: Visitor, path: str) -> list[str]:
    with heard(served.instance.database) as statements:
        answer = await somebody.get(path)
    assert answer.status_code == 200
    return [statement.text for statement in statements]


async def fill(somebody: Visitor, collections: int, versions: int) -> str:
    for _ in range(collections):
        collection = await somebody.client.create_collection(maxBackupsCount=10)
        for number in range(versions):
            answer = await somebody.client.upload(collection["id"], f"{collection['id']} {number}".encode())
            assert answer.status_code == 200
    return f"/backup/collection/{collection['id']}"


async def test_overview_asks_once_for_each_panel(served: Served, admin: Visitor, alice: Visitor) -> None:
    await fill(alice, 1, 1)
    for _ in range(2):
        assert len(await asked(served, alice, "/overview")) == SESSION + SURVEY + NEWEST
        assert len(await asked(served, admin, "/overview")) == SESSION + SURVEY + NEWEST + NUMBERS + DAYS + HEALTH
        await fill(alice, 3, 3)


async def test_the_session_is_all_that_pages_without_data_ask_for(served: Served, admin: Visitor) -> None:
    for path in ("/logout", "/user", "/backup/collection", f"/user/{admin.client.id}"):
        assert len(await asked(served, admin, path)) == SESSION


async def test_lists_and_collections_ask_as_much_for_many_as_for_few(
    served: Served, admin: Visitor, alice: Visitor
) -> None:
    at = await fill(alice, 1, 1)
    paths = ("/users", "/backup/collections", "/security/access-tokens", at)
    few = {path: len(await asked(served, alice if path == at else admin, path)) for path in paths}
    for number in range(25):
        await served.create_user(email=f"tenant{number}@example.org")
    await fill(alice, 22, 1)
    for number in range(8):
        await alice.client.upload(at.rpartition("/")[2], f"more {number}".encode())
    many = {path: len(await asked(served, alice if path == at else admin, path)) for path in paths}
    assert many == few
    assert few[at] == SESSION + OPENED + 2 * (OPENED + 1)  # the collection; its versions; its members
    assert few["/users"] <= SESSION + 2  # how many there are, and a page of them
    assert few["/backup/collections"] <= SESSION + 2
    assert few["/security/access-tokens"] <= SESSION + 5  # of which two, to find the valid ones first

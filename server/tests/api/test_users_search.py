"""Searching for accounts (contract 5.4, 1.6)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from world.answers import broken_fields, denied, refusal
from world.client import TOKENS, USERS, Client, Served, user_fields

from backup_repository.access.model import Permission
from backup_repository.users.model import User

SEARCHER = (Permission.LOOK_UP_USERS, Permission.SEARCH_USERS)
NOTHING = "zzz nobody holds this zzz"


async def search(client: Client, **query: Any) -> httpx.Response:
    return await client.get(USERS, params=query)


async def found(client: Client, q: str) -> set[str]:
    """Search and give the organizations of who was found."""
    answer = await search(client, q=q, limit=1000)
    assert answer.status_code == 200, answer.text
    people = answer.json()["data"]
    assert answer.json()["message"] == ("Matches found" if people else "No matches found")
    return {user["organization"] for user in people}


async def record(served: Served, *organizations: str) -> None:
    for organization in organizations:
        await served.create_user(organization=organization)


async def test_a_part_of_the_email_finds_the_holder(served: Served, admin: Client, alice: Client) -> None:
    """Case 44."""
    await served.create_user(email="bob@example.org")
    answer = await search(admin, q="ALICE@exam")
    assert answer.status_code == 200
    assert list(answer.json()) == ["message", "status", "data", "context"]
    assert answer.json()["message"] == "Matches found"
    assert answer.json()["status"] is True
    assert answer.json()["context"] == {"pagination": {"page": 1, "per_page_limit": 50, "max_pages": 1}}
    assert [user["id"] for user in answer.json()["data"]] == [alice.id]
    assert answer.json()["data"] == [(await admin.get(f"{USERS}/{alice.id}")).json()["user"]]


async def test_the_name_of_a_permission_finds_its_holders(served: Served, admin: Client) -> None:
    """Case 44; parts of the name and other case will do."""
    await served.create_user(Permission.ROLE_USER, Permission.DELETE_USERS, organization="deletes")
    await served.create_user(Permission.VIEW_METRICS, organization="sees metrics")
    for q in ("security.delete_users", "SECURITY.DELETE", "delete_us"):
        assert await found(admin, q) == {"deletes"}
    assert await found(admin, "view.metrics") == {"sees metrics"}
    assert await found(admin, "role_user") >= {"deletes"}


async def test_every_searched_property_counts_and_no_other(served: Served, admin: Client) -> None:
    user = await served.create_user(organization="Umbrella", about="Keeps the rain off", tags=("wet",))
    for q in (user.id[9:30], user.id.upper(), user.email[:8], "brell", "RAIN OFF", "Keeps the rain off"):
        assert await found(admin, q) == {"Umbrella"}, q
    for q in ("wet", "2020-01", "argon2", "true", user.password_hash[:12], "Umbrella Keeps", f"{user.id}\n"):
        assert await found(admin, q) == set(), q


async def test_punctuation_between_permissions_finds_nobody(served: Served, admin: Client) -> None:
    """Only the names are searched, not the form in which they are recorded."""
    await served.create_user(Permission.ROLE_USER, Permission.UPLOAD_ALL, organization="two")
    for q in ('"', "[", "]", ", ", '["', "ROLE_USERupload", 'ROLE_USER", "upload', "ROLE_USER\nupload", "\n", "\x1f"):
        assert await found(admin, q) == set(), q


async def test_nothing_found_is_an_empty_page(admin: Client) -> None:
    """Case 44."""
    answer = await search(admin, q=NOTHING)
    assert answer.status_code == 200
    assert answer.json() == {
        "message": "No matches found",
        "status": True,
        "data": [],
        "context": {"pagination": {"page": 1, "per_page_limit": 50, "max_pages": 1}},
    }


async def test_characters_with_a_meaning_in_sql_are_matched_literally(served: Served, admin: Client) -> None:
    await record(served, "100%", "1000", "a_b", "axb", "back\\slash", "backslash", "it's", "its", "a[b]*?", "x/%y")
    for q, organizations in (
        ("100%", {"100%"}),
        ("%", {"100%", "x/%y"}),
        ("%%", set()),
        ("a_b", {"a_b"}),
        ("a%b", set()),
        ("\\", {"back\\slash"}),
        ("\\\\", set()),
        ("back\\slash", {"back\\slash"}),
        ("\\%", set()),
        ("/%", {"x/%y"}),
        ("it's", {"it's"}),
        ("[b]", {"a[b]*?"}),
        ("*", {"a[b]*?"}),
    ):
        assert await found(admin, q) == organizations, q


async def test_case_is_ignored_in_every_script(served: Served, admin: Client) -> None:
    await record(served, "École", "Straße", "ΟΔΟΣ", "Łódź", "ДОМ")
    for organization, spellings in (
        ("École", ("École", "ÉCOLE", "école", "éc")),
        ("Straße", ("Straße", "STRASSE", "strasse", "STRAẞE", "ße")),
        ("ΟΔΟΣ", ("ΟΔΟΣ", "οδος", "οδοσ", "Οδο")),
        ("Łódź", ("łódź", "ŁÓDŹ")),
        ("ДОМ", ("дом", "ДОм")),
    ):
        for q in spellings:
            assert await found(admin, q) == {organization}, q
    assert await found(admin, "ecole") == set()


async def test_what_was_changed_is_searched_at_once(served: Served, admin: Client) -> None:
    user = await served.create_user(Permission.ROLE_USER, organization="before", about="old words")
    body = {"permissions": ["upload.all"], "data": {}, "organization": "after", "about": "new words"}
    assert (await admin.put(f"{USERS}/{user.id}", json=body)).status_code == 200
    for q in ("after", "new words", "upload.all"):
        assert await found(admin, q) == {"after"}
    for q in ("before", "old words", "ROLE_USER"):
        assert await found(admin, q) == set()
    assert (await admin.delete(f"{USERS}/{user.id}")).status_code == 200
    assert await found(admin, "after") == set()


async def test_a_text_that_nothing_can_contain_finds_nobody(served: Served, admin: Client) -> None:
    """No failure of the database either: PostgreSQL knows no U+0000, and SQLite bounds its patterns."""
    await record(served, "ab", "a" * 64)
    for q in ("\0", "a\0b", "a" * 65, "a" * 60_000, "%" * 20_000):
        assert await found(admin, q) == set()
    answer = await admin.get(f"{USERS}?q=%FF&q=%ED%A0%80")
    assert (answer.status_code, answer.json()["data"]) == (200, [])


async def test_no_text_matches_everybody_in_the_order_of_their_making(served: Served, admin: Client) -> None:
    moment = served.clock()
    ids = [f"00000000-0000-4000-8000-00000000000{number}" for number in range(6)]
    for number, made in ((3, 1), (5, 0), (0, 1), (4, 2), (1, 1)):
        await served.create_user(id=ids[number], created_at=moment + timedelta(seconds=made))
    for query in ({}, {"q": ""}, {"page": "", "limit": ""}):
        people = (await search(admin, **query)).json()["data"]
        assert [user["id"] for user in people] == [admin.id, ids[5], ids[0], ids[1], ids[3], ids[4]]


async def fifty(served: Served) -> list[User]:
    return [await served.create_user(about="one of fifty") for _ in range(50)]


async def test_fifty_matches_come_in_pages(served: Served, admin: Client) -> None:
    """Case 45."""
    people = await fifty(served)
    seen: list[str] = []
    for page in range(1, 6):
        answer = (await search(admin, q="of FIFTY", limit=10, page=page)).json()
        assert answer["context"] == {"pagination": {"page": page, "per_page_limit": 10, "max_pages": 5}}
        assert len(answer["data"]) == 10
        seen += [user["id"] for user in answer["data"]]
    assert seen == [user.id for user in people]
    for page in (6, 7, 10**6, 2**62):
        answer = (await search(admin, q="of fifty", limit=10, page=page)).json()
        assert answer["data"] == []
        assert answer["message"] == "No matches found"
        assert answer["context"] == {"pagination": {"page": page, "per_page_limit": 10, "max_pages": 5}}
    answer = (await search(admin, q="of fifty", limit=7, page=8)).json()
    assert [user["id"] for user in answer["data"]] == [people[-1].id]
    assert answer["context"]["pagination"]["max_pages"] == 8
    assert len((await search(admin, q="of fifty", limit=1000)).json()["data"]) == 50


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({"limit": 2000}, {"query": 50003}),
        ({"limit": 1001}, {"query": 50003}),
        ({"limit": -10}, {"query": 50004}),
        ({"limit": 0}, {"query": 50004}),
        ({"page": -5}, {"page": 50005}),
        ({"page": 0}, {"page": 50005}),
        ({"limit": 2000, "page": -5}, {"query": 50003, "page": 50005}),
        ({"limit": "-0", "page": "-1"}, {"query": 50004, "page": 50005}),
        ({"limit": "x"}, {"limit": 50002}),
        ({"page": "1.0", "limit": "1e3"}, {"page": 50002, "limit": 50002}),
        ({"page": "\0", "limit": "\uff11"}, {"page": 50002, "limit": 50002}),
        ({"page": 2**63, "limit": 5000}, {"page": 50002, "query": 50003}),
    ],
)
async def test_bounds_of_pages_are_reported_together(admin: Client, query: dict[str, Any], fields: Any) -> None:
    """Case 46."""
    assert broken_fields(await search(admin, **query)) == fields


async def test_the_sentences_of_the_bounds(admin: Client) -> None:
    """Contract 1.5."""
    assert (await search(admin, limit=2000, page=-5)).json()["fields"] == {
        "page": {"message": "Page cannot be negative", "code": 50005},
        "query": {"message": "Limit is too high", "code": 50003},
    }
    assert (await search(admin, limit=-10)).json()["fields"]["query"]["message"] == "Limit is too low"


async def test_both_permissions_are_needed(served: Served, alice: Client) -> None:
    """Case 47."""
    alone = [await served.client(permission) for permission in SEARCHER]
    for somebody in (alice, *alone):
        answer = await search(somebody)
        assert refusal(answer) == denied(40314)
        assert answer.json()["error"] == "No permission to search for users"
    assert (await search(await served.client(*SEARCHER))).status_code == 200


async def test_a_scoped_token_of_an_administrator_searches_and_no_more(admin: Client, alice: Client) -> None:
    """Case 23."""
    scoped = await admin.generate(*SEARCHER)
    assert (await search(scoped, q=alice.email)).json()["data"][0]["id"] == alice.id
    assert refusal(await scoped.post(USERS, json=user_fields())) == denied(40300)
    assert refusal(await scoped.get(TOKENS, params={"user": alice.id})) == denied(40317)
    half = await admin.generate(Permission.SEARCH_USERS)
    assert refusal(await search(half)) == denied(40314)


async def test_another_tenant_learns_nothing(guest: Client, alice: Client, charlie: Client) -> None:
    """Case 47; the permission comes before the bounds (contract 1.4)."""
    answers = [await search(charlie, q=q, limit=limit) for q in (alice.email, NOTHING, "\0") for limit in (10, 2000)]
    assert {refusal(answer) for answer in answers} == {denied(40314)}
    assert len({answer.content for answer in answers}) == 1
    assert (await search(guest, q=alice.email)).status_code == 401

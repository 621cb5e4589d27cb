"""R13: collections are searched and listed (contract 6.7)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from world.answers import broken_fields, denied, refusal
from world.client import COLLECTIONS, TENANT, Client, Served

from backup_repository.access.model import Permission


async def found(somebody: Client, **query: object) -> list[str]:
    """Search and give the descriptions, in their order."""
    answer = await somebody.get(COLLECTIONS, params=query)
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert document["message"] == ("Matches found" if document["elements"] else "No matches found")
    return [collection["description"] for collection in document["elements"]]


async def make(somebody: Client, *descriptions: str) -> list[dict[str, Any]]:
    return [await somebody.create_collection(description=description) for description in descriptions]


async def test_the_form_of_a_listing(alice: Client) -> None:
    (collection,) = await make(alice, "one")
    document = (await alice.get(COLLECTIONS)).json()
    assert list(document) == ["message", "status", "elements", "pagination"]
    assert document == {
        "message": "Matches found",
        "status": True,
        "elements": [collection],
        "pagination": {"page": 1, "per_page_limit": 20, "max_pages": 1},
    }


async def test_an_empty_listing(alice: Client) -> None:
    """Contract 1.2: an empty list is `[]`."""
    answer = await alice.get(COLLECTIONS)
    assert answer.json()["message"] == "No matches found"
    assert '"elements": []' in answer.text


async def test_the_newest_comes_first_page_after_page(alice: Client) -> None:
    names = [f"number {number}" for number in range(7)]
    await make(alice, *names)
    assert await found(alice) == names[::-1]
    pages = [await found(alice, page=page, limit=3) for page in (1, 2, 3, 4)]
    assert pages == [names[6:3:-1], names[3:0:-1], names[0:1], []]
    document = (await alice.get(COLLECTIONS, params={"page": 4, "limit": 3})).json()
    assert document["pagination"] == {"page": 4, "per_page_limit": 3, "max_pages": 3}


async def test_a_collection_is_found_by_its_texts_and_its_dates(served: Served, alice: Client) -> None:
    """Case 64."""
    await make(alice, "Photos uploads directory", "Database of uploads", "something else")
    today = served.clock().date()
    dates = {"createdFrom": today - timedelta(days=1), "createdTo": today + timedelta(days=1)}
    assert len(await found(alice, searchQuery="uploads*", **dates)) == 2
    assert await found(alice, searchQuery="*uploads directory*") == ["Photos uploads directory"]
    assert await found(alice, searchQuery="uploads", page=2, limit=50) == []
    later = {"createdFrom": today + timedelta(days=2)}
    assert await found(alice, searchQuery="uploads", **later) == []


async def test_the_id_and_the_file_name_are_searched_too(alice: Client) -> None:
    first = await alice.create_collection(description="first", filename="wordpress.tar.gz")
    await alice.create_collection(description="second", filename="mail.tar.gz")
    assert await found(alice, searchQuery="wordpress") == ["first"]
    for text in (first["id"], first["id"].upper(), first["id"][4:30]):
        assert await found(alice, searchQuery=text) == ["first"]


async def test_the_case_does_not_matter(alice: Client) -> None:
    await make(alice, "Nightly DUMPS", "Zażółć GĘŚLĄ jaźń")
    for text in ("nightly dumps", "NIGHTLY", "dUmPs"):
        assert await found(alice, searchQuery=text) == ["Nightly DUMPS"]
    for text in ("Zażółć GĘŚLĄ jaźń", "zażółć gęślą jaźń", "ZAŻÓŁĆ GĘŚLĄ JAŹŃ"):
        assert await found(alice, searchQuery=text) == ["Zażółć GĘŚLĄ jaźń"]


async def test_a_search_for_text_takes_it_literally(alice: Client) -> None:
    names = ["100% sure", "a_b", "a\\b", "it's", 'say "x"', "a*b", "{x}"]
    await make(alice, "100 percent sure", "axb", *names)
    for text in ("0% s", "a_b", "a\\b", "'", '"', "a*b", "{x}"):
        assert len(await found(alice, searchQuery=text)) == 1, text
    assert await found(alice, searchQuery="a%b") == []
    for text in ("x' OR '1'='1", "a\0b", "\0", "x" * 60_000):
        assert await found(alice, searchQuery=text) == []


async def test_spaces_and_wildcards_at_both_ends_are_dropped(alice: Client) -> None:
    await make(alice, "uploads", "else")
    for text in ("uploads", " uploads ", "%uploads%", "* %uploads% *", "***uploads"):
        assert await found(alice, searchQuery=text) == ["uploads"]
    for text in ("", " ", "*", "%", " %*% "):
        assert await found(alice, searchQuery=text) == ["else", "uploads"]
    assert await found(alice, searchQuery="_") == []


async def test_dates_include_both_ends(alice: Client) -> None:
    (collection,) = await make(alice, "one")
    moment = datetime.fromisoformat(collection["created_at"])
    step = timedelta(microseconds=1)

    def text(value: datetime) -> str:
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    assert await found(alice, createdFrom=text(moment), createdTo=text(moment)) == ["one"]
    assert await found(alice, createdFrom=text(moment + step)) == []
    assert await found(alice, createdTo=text(moment - step)) == []
    in_warsaw = (moment + timedelta(hours=2)).strftime("%Y-%m-%d %H:%M:%S.%f+02:00")
    assert await found(alice, createdFrom=in_warsaw, createdTo=in_warsaw) == ["one"]


async def test_a_bare_end_date_includes_its_whole_day(served: Served) -> None:
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=2)
    served.clock.advance(seconds=(noon - served.clock()).total_seconds())
    late = await served.session(await served.create_user(*TENANT))
    await make(late, "at noon")
    day, before, after = noon.date(), noon.date() - timedelta(days=1), noon.date() + timedelta(days=1)
    assert await found(late, createdFrom=day, createdTo=day) == ["at noon"]
    assert await found(late, createdTo=f"{day} 00:00") == []
    assert await found(late, createdTo=before) == []
    assert await found(late, createdFrom=after) == []
    assert await found(late, createdFrom=after, createdTo=before) == []


async def test_the_ends_of_time_are_fine(alice: Client) -> None:
    await make(alice, "one")
    for end in ("9999-12-31", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59"):
        assert await found(alice, createdFrom="0001-01-01", createdTo=end) == ["one"]
        assert await found(alice, createdFrom=end) == []


async def test_a_bad_date_is_41014_under_its_own_name(alice: Client) -> None:
    """Case 64; together with bad paging."""
    bad = ("someday", "2021", "2021-13-01", "2021-02-30", "+1 day", "never", "1e9", "2021-05-01T25:00", " ", "\0")
    for text in (*bad, "9999-12-31T23:59:59-02:00"):
        answer = await alice.get(COLLECTIONS, params={"createdFrom": text, "createdTo": text})
        assert broken_fields(answer) == {"createdFrom": 41014, "createdTo": 41014}, text
    answer = await alice.get(COLLECTIONS, params={"createdTo": "x", "page": "0", "limit": "2000"})
    assert broken_fields(answer) == {"createdTo": 41014, "page": 50005, "limit": 50003}


async def test_empty_dates_are_absent_ones(alice: Client) -> None:
    await make(alice, "one")
    assert await found(alice, createdFrom="", createdTo="", searchQuery="") == ["one"]


async def test_only_who_may_search_searches(served: Served) -> None:
    """Case 64; before the parameters are looked at."""
    others = set(Permission) - {Permission.LIST_COLLECTIONS, Permission.ADMINISTRATOR}
    barred = await served.client(*others)
    for query in ({}, {"page": "x", "createdTo": "x"}):
        assert refusal(await barred.get(COLLECTIONS, params=query)) == denied(40304)


async def test_the_own_collections_are_those_one_is_a_member_of(
    served: Served, alice: Client, bob: Client, admin: Client
) -> None:
    """Case 65."""
    first, _second = await make(alice, "first", "second")
    await make(bob, "third")
    assert await found(alice) == ["second", "first"]
    assert await found(bob) == ["third"]
    await alice.grant(first["id"], bob)
    assert await found(bob) == ["third", "first"]
    await alice.delete(f"{COLLECTIONS}/{first['id']}/access/{bob.id}")
    assert await found(bob) == ["third"]
    viewer = await served.client(Permission.LIST_COLLECTIONS, Permission.VIEW_ALL_COLLECTIONS)
    for somebody in (admin, viewer):
        assert await found(somebody) == ["third", "second", "first"]
    modifier = await served.client(Permission.LIST_COLLECTIONS, Permission.MODIFY_ANY_COLLECTION)
    assert await found(modifier) == []


async def test_a_scope_decides_about_seeing_all(admin: Client, alice: Client) -> None:
    await make(alice, "hers")
    narrow = await admin.generate(Permission.LIST_COLLECTIONS)
    assert await found(narrow) == []
    wide = await admin.generate(Permission.LIST_COLLECTIONS, Permission.VIEW_ALL_COLLECTIONS)
    assert await found(wide) == ["hers"]


async def test_another_tenant_learns_nothing(alice: Client, charlie: Client) -> None:
    """Neither collections nor how many there are."""
    (collection, *_others) = await make(alice, *(f"secret {number}" for number in range(25)))
    for query in ({}, {"searchQuery": "secret"}, {"searchQuery": collection["id"]}, {"page": 2}, {"limit": 1}):
        answer = await charlie.get(COLLECTIONS, params=query)
        assert answer.json()["elements"] == []
        assert answer.json()["pagination"]["max_pages"] == 1
        assert "secret" not in answer.text

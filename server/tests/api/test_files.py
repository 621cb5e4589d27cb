"""Stored files of the whole server (contract 9)."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import quote

import pytest
from world.answers import broken_fields, denied, refusal
from world.client import API, TENANT, Client, Serve, Served

from backup_repository.access.model import Permission

LISTING = f"{API}/repository"
FILES = f"{LISTING}/file"
NO_SUCH_FILE = (404, 42000, "app.not-found")


async def listing(client: Client, **query: Any) -> dict[str, Any]:
    answer = await client.get(LISTING, params=query)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def names(client: Client, **query: Any) -> list[str]:
    """Ask for the listing and give the file names without their random parts."""
    return [entry["filename"][10:] for entry in (await listing(client, **query))["results"]]


async def store(client: Client, filename: str, *contents: bytes) -> list[dict[str, Any]]:
    """Upload versions into a new collection and return each VERSION."""
    collection = await client.create_collection(filename=filename)
    answers = [await client.upload(collection["id"], content) for content in contents or (filename.encode(),)]
    return [answer.json()["version"] for answer in answers]


async def tagged(served: Served, *tags: str) -> Client:
    return await served.client(*TENANT, Permission.ENFORCE_TAGS, tags=tags)


async def test_every_version_of_the_server_is_listed(admin: Client, alice: Client, bob: Client) -> None:
    """Case 110."""
    first = (await store(alice, "zsp.net.pl_database.tar.gz", b"abc"))[0]
    second = (await store(bob, "article", b"defg"))[0]
    document = await listing(admin)
    assert list(document) == ["results", "pagination"]
    assert document["pagination"] == {"page": 1, "maxPages": 1, "perPageLimit": 20}
    assert document["results"] == [
        {
            "filename": version["file"]["filename"],
            "content_hash": hashlib.sha256(content).hexdigest(),
            "date_added": version["creation_date"],
            "timezone": "UTC",
            "tags": [],
            "filesize": len(content),
        }
        for version, content in ((second, b"defg"), (first, b"abc"))
    ]
    assert first["file"]["filename"].endswith("zsp.net.pl_database.tar-v1.gz")


async def test_an_empty_server_lists_nothing(admin: Client) -> None:
    assert await listing(admin) == {"results": [], "pagination": {"page": 1, "maxPages": 1, "perPageLimit": 20}}


async def test_a_part_of_the_name_finds_files(admin: Client, alice: Client) -> None:
    """Case 110; regardless of case, every character taken literally."""
    for filename in ("a_b.gz", "aXb.gz", "50$ [x]!.gz", "Db.tar.GZ"):
        await store(alice, filename)
    for text, found in (
        ("A_B", ["a_b-v1.gz"]),
        ("axb", ["aXb-v1.gz"]),
        (".gz", ["Db.tar-v1.GZ", "50$ [x]!-v1.gz", "aXb-v1.gz", "a_b-v1.gz"]),
        ("[X]", ["50$ [x]!-v1.gz"]),
        ("b.tar-V1.gz", ["Db.tar-v1.GZ"]),
        ("%", []),
        ("a%b", []),
        ("\\", []),
        ("a\\_b", []),
        ("*", []),
        ("É", []),
        ("\0", []),
        ("a\0", []),
        ("a" * 60_000, []),
        ("", ["Db.tar-v1.GZ", "50$ [x]!-v1.gz", "aXb-v1.gz", "a_b-v1.gz"]),
    ):
        assert await names(admin, searchQuery=text) == found, text
    whole = (await listing(admin))["results"][2]["filename"]
    assert await names(admin, searchQuery=whole) == ["aXb-v1.gz"]


async def test_tags_filter_files(served: Served, admin: Client, alice: Client) -> None:
    """Cases 98, 110: any of the tags; files of ordinary uploads have none."""
    await store(await tagged(served, "red", "Two words", "red"), "first.gz")
    await store(await tagged(served, "blue", "ü"), "second.gz")
    assert alice.user is not None
    await served.change_user(alice.user, tags=("red",))
    await store(alice, "third.gz")
    everything = ["third-v1.gz", "second-v1.gz", "first-v1.gz"]
    wanted: tuple[tuple[list[str], list[str]], ...] = (
        (["red"], ["first-v1.gz"]),
        (["blue", "red"], ["second-v1.gz", "first-v1.gz"]),
        (["Two words"], ["first-v1.gz"]),
        (["ü", "none"], ["second-v1.gz"]),
        (["none"], []),
        (["re"], []),
        (["%"], []),
        (["red\0"], []),
        (["\0"], []),
        ([""], everything),
        (["", "blue"], ["second-v1.gz"]),
    )
    for tags, found in wanted:
        assert await names(admin, **{"tags[]": tags}) == found, tags
    assert await names(admin) == everything
    assert await names(admin, tags="red") == everything
    shown = [entry["tags"] for entry in (await listing(admin))["results"]]
    assert shown == [[], ["blue", "ü"], ["red", "Two words"]]


async def test_text_and_tags_narrow_together(served: Served, admin: Client) -> None:
    dora = await tagged(served, "red")
    for filename in ("one.gz", "two.gz"):
        await store(dora, filename)
    assert await names(admin, **{"tags[]": ["red", "blue"], "searchQuery": "ONE"}) == ["one-v1.gz"]
    assert await names(admin, **{"tags[]": ["blue"], "searchQuery": "ONE"}) == []


async def test_tags_stay_as_they_were_at_upload(served: Served, admin: Client) -> None:
    dora = await tagged(served, "red")
    collection = (await dora.create_collection())["id"]
    await dora.upload(collection, b"one")
    assert dora.user is not None
    await served.change_user(dora.user, tags=("blue",))
    await dora.upload(collection, b"two")
    assert [entry["tags"] for entry in (await listing(admin))["results"]] == [["blue"], ["red"]]


async def test_the_listing_comes_in_pages(admin: Client, alice: Client) -> None:
    await store(alice, "db", *(str(number).encode() for number in range(5)))
    await store(alice, "other")
    for page, found in ((1, ["db-v5", "db-v4"]), (2, ["db-v3", "db-v2"]), (3, ["db-v1"]), (4, []), (2**62, [])):
        document = await listing(admin, page=page, limit=2, searchQuery="db")
        assert [entry["filename"][-5:] for entry in document["results"]] == found
        assert document["pagination"] == {"page": page, "maxPages": 3, "perPageLimit": 2}
    assert len((await listing(admin, page="", limit=""))["results"]) == 6
    assert len((await listing(admin, limit=1000))["results"]) == 6


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({"limit": 1001}, {"limit": 50003}),
        ({"limit": 0, "page": 0}, {"limit": 50004, "page": 50005}),
        ({"limit": "x", "page": "1.0"}, {"limit": 50002, "page": 50002}),
    ],
)
async def test_bounds_of_pages(admin: Client, query: dict[str, Any], fields: dict[str, int]) -> None:
    """Contract 1.6."""
    assert broken_fields(await admin.get(LISTING, params=query)) == fields


async def test_a_file_is_downloaded_by_its_name(served: Served, alice: Client) -> None:
    """Case 110; every character that a name may have."""
    reader = await served.client(Permission.VIEW_ANY_FILE)
    for filename in ("db.tar.gz", "A-z_+(0)@![x],$ .end", "no extension", ".hidden"):
        version = (await store(alice, filename))[0]
        name = version["file"]["filename"]
        for path in (f"{FILES}/{quote(name)}", version_url(name)):
            answer = await reader.get(path)
            assert (answer.status_code, answer.content) == (200, filename.encode())
        assert answer.headers["etag"] == f'"{hashlib.sha256(filename.encode()).hexdigest()}"'
        assert answer.headers["content-disposition"] == f'attachment; filename="{name[10:]}"'
        head = await reader.request("HEAD", path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(filename))


def version_url(filename: str) -> str:
    return f"{FILES}/" + "".join(f"%{ord(character):02X}" for character in filename)


async def test_an_unknown_name_is_no_stored_file(admin: Client, alice: Client) -> None:
    """Case 110; names are compared exactly."""
    name = (await store(alice, "Db.gz"))[0]["file"]["filename"]
    for other in ("x", name.upper(), name[10:], f"{name}%00", "%00", f"{name}%0A", f"{name} ", "%FF", "..%5C", "%25"):
        assert refusal(await admin.get(f"{FILES}/{other}")) == NO_SUCH_FILE, other


async def test_a_deleted_version_is_no_stored_file(admin: Client, alice: Client) -> None:
    collection = (await alice.create_collection())["id"]
    versions = f"{API}/repository/collection/{collection}/versions"
    name = (await alice.upload(collection, b"abc")).json()["version"]["file"]["filename"]
    assert (await alice.delete(f"{versions}/latest")).status_code == 200
    assert refusal(await admin.get(f"{FILES}/{name}")) == NO_SUCH_FILE
    assert (await listing(admin))["results"] == []


async def test_each_route_needs_its_own_permission(served: Served, admin: Client, alice: Client) -> None:
    """Case 110."""
    name = (await store(alice, "db.gz"))[0]["file"]["filename"]
    lister = await served.client(Permission.LIST_FILES)
    reader = await served.client(Permission.VIEW_ANY_FILE)
    assert len((await listing(lister))["results"]) == 1
    assert refusal(await lister.get(f"{FILES}/{name}")) == denied(40302)
    assert (await reader.get(f"{FILES}/{name}")).content == b"db.gz"
    assert refusal(await reader.get(LISTING)) == denied(40304)
    scoped = await admin.generate(Permission.LIST_FILES)
    assert len((await listing(scoped))["results"]) == 1
    assert refusal(await scoped.get(f"{FILES}/{name}")) == denied(40302)


async def test_another_tenant_learns_nothing(guest: Client, alice: Client, charlie: Client) -> None:
    """Case 110: not even the owner; the permission comes before bounds and existence (contract 1.4)."""
    name = (await store(alice, "db.gz"))[0]["file"]["filename"]
    for somebody in (charlie, alice):
        refused = [await somebody.get(f"{FILES}/{file}") for file in (name, "unknown", "%00", "%FF")]
        assert {refusal(answer) for answer in refused} == {denied(40302)}
        assert len({answer.content for answer in refused}) == 1
        for query in ({}, {"searchQuery": "db"}, {"limit": 5000}, {"tags[]": "\0"}):
            assert refusal(await somebody.get(LISTING, params=query)) == denied(40304)
    for path in (LISTING, f"{FILES}/{name}"):
        assert (await guest.get(path)).status_code == 401


async def test_a_read_only_instance_lists_and_serves_files(serve: Serve, admin: Client, alice: Client) -> None:
    """Case 9."""
    name = (await store(alice, "db.gz"))[0]["file"]["filename"]
    assert admin.user is not None
    frozen = await serve(read_only=True).session(admin.user)
    assert len((await listing(frozen))["results"]) == 1
    assert (await frozen.get(f"{FILES}/{name}")).content == b"db.gz"

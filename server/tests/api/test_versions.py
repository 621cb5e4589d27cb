"""Listing and deleting versions (contract 8.6, 8.8), on both databases."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import pytest
from world.answers import broken_fields, refusal
from world.client import COLLECTIONS, PER_COLLECTION, Client, Served
from world.statements import heard

from backup_repository.access.model import Permission

UNKNOWN = "00000000-0000-4000-8000-000000000000"
FORBIDDEN = "request.auth-error"
MISSING = (404, 404, "app.not-found")
NAMINGS = ("backup", "backups", "version", "versions")


async def filled(client: Client, *contents: bytes, **fields: Any) -> tuple[str, list[dict[str, Any]]]:
    """Create a collection, upload contents and return the path of its versions and each VERSION."""
    collection = (await client.create_collection(**fields))["id"]
    uploaded = [(await client.upload(collection, content)).json()["version"] for content in contents]
    return f"{COLLECTIONS}/{collection}/versions", uploaded


async def test_an_empty_collection_lists_nothing(alice: Client) -> None:
    """Case 101."""
    versions, _ = await filled(alice)
    answer = await alice.get(versions)
    assert answer.json() == {"message": answer.json()["message"], "status": True, "versions": {}}
    assert '"versions": {}' in answer.text


async def test_versions_are_listed_by_number_with_their_address(alice: Client, admin: Client) -> None:
    """Case 101; the address needs a permission of its own, and is percent-encoded."""
    versions, uploaded = await filled(
        alice, *(b"%d" % number for number in range(11)), filename="my db [1].gz", maxBackupsCount=10
    )
    listed = (await alice.get(versions)).json()["versions"]
    assert list(listed) == [str(number) for number in range(2, 12)]
    assert [entry["details"] for entry in listed.values()] == uploaded[1:]
    address = listed["2"]["url"]
    assert re.fullmatch(r"http://server/api/stable/repository/file/[0-9a-f]{10}my%20db%20%5B1%5D-v2\.gz", address)
    assert (await admin.get(address.removeprefix("http://server"))).content == b"1"
    assert refusal(await alice.get(address.removeprefix("http://server"))) == (403, 40302, FORBIDDEN)


async def test_all_naming_words_list_alike_and_head_has_no_body(alice: Client) -> None:
    """Case 78 and contract 1.1."""
    versions, _ = await filled(alice, b"x")
    bodies = {(await alice.get(versions.removesuffix("versions") + naming)).text for naming in NAMINGS}
    assert len(bodies) == 1
    head = await alice.request("HEAD", versions)
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) == len(bodies.pop())
    assert (await alice.get(f"{versions}/")).status_code == 404


@pytest.mark.parametrize(
    ("address", "headers", "expected"),
    [
        ("198.51.100.7", {}, "https://repository.example.org:8443"),
        (
            "198.51.100.7",
            {"X-Forwarded-Proto": "ftp", "X-Forwarded-Host": "evil"},
            "https://repository.example.org:8443",
        ),
        (
            "10.1.2.3",
            {"X-Forwarded-Proto": "http", "X-Forwarded-Host": "public.example.org"},
            "http://public.example.org",
        ),
        ("10.1.2.3", {"X-Forwarded-Prefix": "/backups/"}, "https://repository.example.org:8443/backups"),
        ("10.1.2.3", {"X-Forwarded-Port": "443"}, "https://repository.example.org"),
        ("10.1.2.3", {"X-Forwarded-Port": "444"}, "https://repository.example.org:444"),
    ],
)
async def test_without_a_base_url_addresses_follow_the_request(
    alice: Client, serve: Callable[..., Served], address: str, headers: dict[str, str], expected: str
) -> None:
    """Case 101: a trusted proxy's word counts, anybody else's does not."""
    versions, _ = await filled(alice, b"x")
    served = serve(base_url="", trusted_proxies=(ip_network("10.0.0.0/8"),))
    asking = served.guest(address, url="https://repository.example.org:8443").bearing(alice.token)
    (entry,) = (await asking.get(versions, headers=headers)).json()["versions"].values()
    assert entry["url"].partition("/api/")[0] == expected


async def test_pages_of_versions(alice: Client) -> None:
    """Case 102; asking for neither page nor size gives everything and no pagination."""
    versions, _ = await filled(alice, b"1", b"2", b"3", b"4", b"5")

    async def page(query: str) -> tuple[list[str], dict[str, int] | None]:
        body = (await alice.get(f"{versions}?{query}")).json()
        return list(body["versions"]), body.get("pagination")

    assert await page("limit=2&page=2") == (["3", "4"], {"page": 2, "per_page_limit": 2, "max_pages": 3})
    assert await page("page=1") == (["1", "2", "3", "4", "5"], {"page": 1, "per_page_limit": 20, "max_pages": 1})
    assert await page("limit=2") == (["1", "2"], {"page": 1, "per_page_limit": 2, "max_pages": 3})
    assert await page("limit=2&page=9") == ([], {"page": 9, "per_page_limit": 2, "max_pages": 3})
    assert await page("limit=&page=") == (["1", "2", "3", "4", "5"], None)
    assert await page("other=7") == (["1", "2", "3", "4", "5"], None)
    assert broken_fields(await alice.get(f"{versions}?limit=1001&page=0")) == {"limit": 50003, "page": 50005}
    assert broken_fields(await alice.get(f"{versions}?limit=0&page=x")) == {"limit": 50004, "page": 50002}
    versions, _ = await filled(alice)
    assert await page("limit=2") == ([], {"page": 1, "per_page_limit": 2, "max_pages": 1})


async def test_a_listing_asks_who_it_is_whether_they_may_and_for_the_page(served: Served, alice: Client) -> None:
    """However many there are; versions and their number come in one answer, and so are of one moment."""
    for contents in ((), (b"1", b"2", b"3")):
        versions, _ = await filled(alice, *contents)
        for query in ("", "?limit=2", "?page=9"):
            with heard(served.instance.database) as statements:
                assert (await alice.get(versions + query)).status_code == 200
            assert len(statements) == 3
            assert "versions_count" in statements[-1].text


@pytest.mark.parametrize("name", ["v2", "latest", "recent", "{id}", "{ID}"])
async def test_a_version_is_deleted_by_any_of_its_names(alice: Client, name: str) -> None:
    """Case 108: numbers of the others do not change, and the space is free again."""
    versions, uploaded = await filled(alice, b"one", b"four")
    path = f"{versions}/{name.format(id=uploaded[1]['id'], ID=uploaded[1]['id'].upper())}"
    answer = await alice.delete(path)
    assert (answer.status_code, answer.json()) == (200, {"message": "OK, object deleted", "status": True})
    assert list((await alice.get(versions)).json()["versions"]) == ["1"]
    assert (await alice.get(f"{versions}/v2")).status_code == 404
    collection = (await alice.get(versions.removesuffix("/versions"))).json()["collection"]
    assert (collection["versions_count"], collection["used_space_bytes"]) == (1, 3)
    if name not in {"latest", "recent"}:
        assert refusal(await alice.delete(path)) == MISSING


async def test_the_first_version_is_deleted_by_that_name(alice: Client) -> None:
    versions, _ = await filled(alice, b"one", b"two")
    for remaining in (["2"], []):
        assert (await alice.delete(f"{versions}/first")).status_code == 200
        assert list((await alice.get(versions)).json()["versions"]) == remaining
    assert refusal(await alice.delete(f"{versions}/first")) == MISSING


async def test_simulated_deletion_changes_nothing(alice: Client) -> None:
    """Case 63: every check is made all the same."""
    versions, _ = await filled(alice, b"one")
    for query, status in (("simulate=true", 200), ("simulate=1", 200)):
        answer = await alice.delete(f"{versions}/v1?{query}")
        assert (answer.status_code, answer.json()["message"]) == (status, "OK, object deleted")
    assert refusal(await alice.delete(f"{versions}/v2?simulate=true")) == MISSING
    assert (await alice.get(f"{versions}/v1")).content == b"one"
    assert (await alice.delete(f"{versions}/v1?simulate=yes")).status_code == 200
    assert refusal(await alice.get(f"{versions}/v1")) == MISSING


async def test_a_version_of_another_collection_is_not_deleted_here(alice: Client) -> None:
    """Case 108."""
    here, _ = await filled(alice, b"here")
    there, uploaded = await filled(alice, b"there")
    for written in (uploaded[0]["id"], uploaded[0]["id"].upper()):
        assert refusal(await alice.delete(f"{here}/{written}")) == (400, 41013, "validation.error")
    assert (await alice.get(f"{there}/v1")).content == b"there"


@pytest.mark.parametrize(
    "name",
    [
        "v0",
        "v01",
        "v2",
        "7",
        "foo",
        "V1",
        "LATEST",
        "v",
        "v-1",
        "v1%20",
        "v1%00",
        "%00",
        UNKNOWN,
        "v" + "9" * 30,
        "%ff",
    ],
)
async def test_what_names_no_version_is_not_found(alice: Client, name: str) -> None:
    """Contract 8.7 and 13; the same for downloads and deletions."""
    versions, _ = await filled(alice, b"one")
    assert refusal(await alice.get(f"{versions}/{name}")) == MISSING
    assert refusal(await alice.delete(f"{versions}/{name}")) == MISSING
    assert list((await alice.get(versions)).json()["versions"]) == ["1"]


async def test_a_collection_can_be_deleted_when_its_last_version_is(alice: Client) -> None:
    """Case 66; the blobs of deleted versions do not hold it."""
    versions, _ = await filled(alice, b"one")
    collection = versions.removesuffix("/versions")
    assert refusal(await alice.delete(collection)) == (400, 40108, "validation.error")
    assert (await alice.delete(f"{versions}/v1")).status_code == 200
    assert (await alice.delete(collection)).status_code == 200
    assert refusal(await alice.get(versions)) == MISSING
    assert refusal(await alice.delete(f"{versions}/v1")) == MISSING


@pytest.mark.parametrize(
    ("permission", "method", "name", "code"),
    [
        (Permission.LIST_VERSIONS, "GET", "", 40311),
        (Permission.DOWNLOAD, "GET", "/v1", 40310),
        (Permission.DOWNLOAD, "HEAD", "/latest", 40310),
        (Permission.DELETE_VERSIONS, "DELETE", "/v1", 40309),
    ],
)
async def test_each_right_is_given_per_collection(
    alice: Client, bob: Client, permission: Permission, method: str, name: str, code: int
) -> None:
    """Contract 4.4: all the other seven do not help."""
    versions, _ = await filled(alice, b"one")
    collection = versions.split("/")[-2]
    await alice.grant(collection, bob, *(other for other in PER_COLLECTION if other != permission.value))
    refused = await bob.request(method, versions + name)
    assert refused.status_code == 403
    if method != "HEAD":
        assert refusal(refused) == (403, code, FORBIDDEN)
    await alice.grant(collection, bob, permission.value)
    assert (await bob.request(method, versions + name)).status_code == 200


async def test_another_tenant_learns_nothing(alice: Client, charlie: Client, guest: Client) -> None:
    """Every route of versions says the same of what is there and of what is not."""
    versions, uploaded = await filled(alice, b"secret")
    mine, _ = await filled(charlie, b"mine")
    collection = versions.split("/")[-2]
    for method, code in (("GET", 40310), ("HEAD", 40310), ("DELETE", 40309)):
        names = ["v1", "v2", "latest", uploaded[0]["id"], UNKNOWN, "foo"]
        answers = [await charlie.request(method, f"{versions}/{name}") for name in names]
        assert {(answer.status_code, answer.text) for answer in answers} == {(403, answers[0].text)}
        assert method == "HEAD" or refusal(answers[0]) == (403, code, FORBIDDEN)
        for name in names:
            assert (await guest.request(method, f"{versions}/{name}")).status_code == 401
    assert refusal(await charlie.get(versions)) == (403, 40311, FORBIDDEN)
    assert refusal(await charlie.get(f"{versions}?page=0")) == (403, 40311, FORBIDDEN)
    for name in (uploaded[0]["file"]["filename"], "0123456789db.tar-v1.gz"):
        answer = await charlie.get(f"/api/stable/repository/file/{name}")
        assert refusal(answer) == (403, 40302, FORBIDDEN)
    assert refusal(await charlie.get(f"{mine}/{uploaded[0]['id']}")) == MISSING
    assert (await alice.get(f"{COLLECTIONS}/{collection}/versions/v1")).content == b"secret"

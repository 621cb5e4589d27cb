"""How JSON bodies are read, whatever they are about (contract 1.1, 13)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from world.answers import NO_JSON, broken_fields, refusal
from world.client import COLLECTIONS, LOGIN, TOKENS, USERS, Client, collection_fields, user_fields

# Nothing of this is left to the database.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

MEBIBYTE = 1024 * 1024
BODIED = [("POST", LOGIN), ("POST", USERS), ("POST", TOKENS), ("POST", COLLECTIONS), ("PUT", COLLECTIONS)]
"""Routes with a JSON body that address nothing by their path."""
TOO_LARGE = (413, 413, "app.fatal-error")

NOT_JSON = {
    "empty": b"",
    "blank": b" \n",
    "cut off": b'{"username": "a"',
    "list": b"[]",
    "text": b'"username"',
    "number": b"5",
    "null": b"null",
    "form": b"username=a&password=b",
    "single quotes": b"{'username': 'a'}",
    "trailing comma": b'{"username": "a",}',
    "two objects": b"{}{}",
    "comment": b"{} // none",
    "byte-order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"username": "a"}'.encode("utf-16"),
    "broken UTF-8": b'{"username": "\xff"}',
    "raw line break in a text": b'{"username": "a\nb"}',
    "NaN": b'{"maxBackupsCount": NaN}',
    "Infinity": b'{"unknown": -Infinity}',
    "deep lists": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep and cut off": b"[" * 500_000,
    "U+0000 for a body": b"\0",
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
async def test_what_is_no_json_object_is_refused_everywhere(admin: Client, body: bytes) -> None:
    """Case 3."""
    collection = await admin.create_collection()
    access = f"{COLLECTIONS}/{collection['id']}/access"
    for method, path in [*BODIED, ("POST", access), ("PUT", access)]:
        answer = await admin.request(method, path, content=body)
        assert refusal(answer) == NO_JSON, (method, path)


async def test_a_body_may_have_a_mebibyte_and_no_byte_more(guest: Client) -> None:
    body = json.dumps({"username": "nobody@example.org", "password": "x"}).encode()

    async def chunked(size: int) -> AsyncIterator[bytes]:
        filler = b" " * 100_000
        yield body
        for start in range(len(body), size, len(filler)):
            yield filler[: size - start]

    for size, status in ((MEBIBYTE, 401), (MEBIBYTE + 1, 413)):
        assert (await guest.post(LOGIN, content=body.ljust(size))).status_code == status
        assert (await guest.post(LOGIN, content=chunked(size))).status_code == status


async def test_a_larger_body_is_refused_everywhere(admin: Client) -> None:
    cases: list[tuple[str, str]] = BODIED
    for method, path in cases:
        answer = await admin.request(method, path, content=b"{}".ljust(MEBIBYTE + 1))
        assert refusal(answer) == TOO_LARGE


async def test_a_large_body_of_a_guest_is_no_reason_to_read_it(guest: Client) -> None:
    answer = await guest.post(COLLECTIONS, content=b"{}".ljust(MEBIBYTE + 1))
    assert answer.status_code == 401


async def test_the_content_type_does_not_matter(alice: Client) -> None:
    cases: list[str] = ["", "text/plain", "multipart/form-data", "application/xml; charset=utf-16"]
    for content_type in cases:
        body = json.dumps(collection_fields(description="zażółć")).encode()
        answer = await alice.post(COLLECTIONS, content=body, headers={"Content-Type": content_type})
        assert answer.status_code == 201
        assert answer.json()["collection"]["description"] == "zażółć"


async def test_text_may_be_escaped_or_not(alice: Client) -> None:
    escaped = json.dumps(collection_fields(description='zażółć 💾 "\\')).encode("ascii")
    answer = await alice.post(COLLECTIONS, content=escaped)
    assert answer.json()["collection"]["description"] == 'zażółć 💾 "\\'


async def test_of_repeated_keys_the_last_counts(alice: Client) -> None:
    body = json.dumps(collection_fields(maxBackupsCount=3)).removesuffix("}") + ', "maxBackupsCount": 4}'
    answer = await alice.post(COLLECTIONS, content=body)
    assert answer.json()["collection"]["max_backups_count"] == 4
    answer = await alice.post(COLLECTIONS, content=body.removesuffix("}") + ', "maxBackupsCount": -1}')
    assert broken_fields(answer) == {"maxBackupsCount": 42016}


async def test_unknown_keys_are_ignored(alice: Client, admin: Client) -> None:
    strange = {
        "max_backups_count": "x",
        "MAXBACKUPSCOUNT": 1,
        "creationDate": [],
        "": None,
        "\ud800": "\ud800",
        "a\0b": {},
    }
    body = json.dumps(collection_fields() | strange)
    assert (await alice.post(COLLECTIONS, content=body)).status_code == 201
    body = json.dumps(user_fields(data=strange) | strange)
    assert (await admin.post(USERS, content=body)).status_code == 201


async def test_snake_case_keys_are_unknown_keys(alice: Client) -> None:
    fields = collection_fields(maxBackupsCount=...) | {"max_backups_count": 5}
    assert broken_fields(await alice.post(COLLECTIONS, json=fields)) == {"maxBackupsCount": 50002}


async def test_bodies_of_get_and_delete_are_ignored(alice: Client) -> None:
    collection = await alice.create_collection()
    address = f"{COLLECTIONS}/{collection['id']}"
    for body in (b"{", b'{"id": "other"}', b"x" * (MEBIBYTE + 1)):
        assert (await alice.request("GET", address, content=body)).status_code == 200
        assert (await alice.request("HEAD", address, content=body)).status_code == 200
        withdrawn = await alice.request(
            "DELETE", f"{address}/access/{alice.id}", content=body, params={"simulate": "1"}
        )
        assert withdrawn.status_code == 200
    assert (await alice.request("DELETE", address, content=b"{")).status_code == 200

"""Types of fields and query parameters: strict, with the leniencies of contract 1.1 and 13."""

from __future__ import annotations

import json
from typing import Any

from world.answers import NO_JSON, broken_fields, refusal
from world.client import COLLECTIONS, LOGIN, TENANT, TOKENS, USERS, Client, Served, collection_fields, user_fields

BEYOND = 2**63
"""The first integer that has no place in 64 bits."""
HUGE = "1" + "0" * 5000
"""More digits than Python converts by itself."""


async def post_raw(somebody: Client, path: str, fields: dict[str, Any], field: str, value: str) -> dict[str, int]:
    """Send a body in which one field is a literal of JSON; give the codes of broken fields."""
    body = json.dumps(fields | {field: "@"}).replace('"@"', value)
    return broken_fields(await somebody.post(path, content=body))


async def test_an_integer_may_be_a_string_of_digits(alice: Client) -> None:
    """Case 5."""
    cases: list[object] = [5, "5", "005"]
    for count in cases:
        fields = collection_fields(maxBackupsCount=count, maxOneVersionSize=1_000_000)
        collection = (await alice.post(COLLECTIONS, json=fields)).json()["collection"]
        assert collection["max_backups_count"] == 5
        assert collection["max_one_backup_version_size"] == "1.00MB"
        assert collection["max_one_backup_version_size_bytes"] == 1_000_000


async def test_what_is_no_integer_is_a_wrong_type(alice: Client, admin: Client) -> None:
    cases: list[str] = [
        "5.0",
        "5e0",
        '"5.0"',
        '"5 "',
        '" 5"',
        '"+5"',
        '"\\u0665"',
        '"0x5"',
        '""',
        '"five"',
        "true",
        "false",
        "null",
        "[]",
        "[5]",
        "{}",
    ]
    for literal in cases:
        broken = await post_raw(alice, COLLECTIONS, collection_fields(), "maxBackupsCount", literal)
        assert broken == {"maxBackupsCount": 50002}
        ttl: dict[str, object] = {"requestedPermissions": []}
        assert await post_raw(alice, TOKENS, ttl, "ttl", literal) == {"ttl": 50002}
        if literal != "null":  # which is 0 there
            data = f'{{"maxAllowedFileSize": {literal}}}'
            assert await post_raw(admin, USERS, user_fields(), "data", data) == {"data.maxAllowedFileSize": 50002}


async def test_integers_beyond_64_bits_are_a_wrong_type(alice: Client, admin: Client) -> None:
    for number in (str(BEYOND), str(-BEYOND - 1), HUGE, f"-{HUGE}", "1e400"):
        for literal in (number, f'"{number}"'):
            broken = await post_raw(alice, COLLECTIONS, collection_fields(), "maxBackupsCount", literal)
            assert broken == {"maxBackupsCount": 50002}
            broken = await post_raw(alice, COLLECTIONS, collection_fields(), "maxCollectionSize", literal)
            assert broken == {"maxCollectionSize": 42010}
    most = {"maxAllowedFileSize": BEYOND - 1}
    answer = await admin.post(USERS, json=user_fields(data=most))
    assert answer.json()["user"]["data"]["max_allowed_filesize"] == BEYOND - 1
    broken = await post_raw(alice, COLLECTIONS, collection_fields(), "maxBackupsCount", str(-BEYOND))
    assert broken == {"maxBackupsCount": 42016}


async def test_an_unused_huge_number_does_no_harm(alice: Client) -> None:
    body = json.dumps(collection_fields(unknown="@")).replace('"@"', HUGE)
    assert (await alice.post(COLLECTIONS, content=body)).status_code == 201


async def test_what_is_no_text_is_a_wrong_type(alice: Client, admin: Client, guest: Client) -> None:
    cases: list[object] = [5, 1.5, True, [], ["x"], {}, {"a": 1}]
    for value in cases:
        assert broken_fields(await guest.post(LOGIN, json={"username": value, "password": value})) == {
            "username": 50002,
            "password": 50002,
        }
        texts = ("description", "password", "filename", "strategy")
        answer = await alice.post(COLLECTIONS, json=collection_fields(**dict.fromkeys(texts, value)))
        assert broken_fields(answer) == dict.fromkeys(texts, 50002)
        of_users = ("email", "password", "organization", "about", "id")
        answer = await admin.post(USERS, json=user_fields(**dict.fromkeys(of_users, value)))
        assert broken_fields(answer) == dict.fromkeys(of_users, 50002)


async def test_texts_hold_no_u0000_and_no_lone_surrogates(alice: Client, admin: Client, guest: Client) -> None:
    cases: list[str] = ["a\0b", "\0", "\ud83d", "a\udc00"]
    for text in cases:
        answer = await guest.post(LOGIN, json={"username": text, "password": text})
        assert broken_fields(answer) == {"username": 50002, "password": 50002}
        answer = await alice.post(COLLECTIONS, json=collection_fields(description=text, filename=text, strategy=text))
        assert broken_fields(answer) == {"description": 50002, "filename": 50002, "strategy": 50002}
        answer = await admin.post(COLLECTIONS, json=collection_fields(id=text))
        assert broken_fields(answer) == {"id": 50002}
        answer = await admin.put(COLLECTIONS, json=collection_fields(id=text))
        assert broken_fields(answer) == {"id": 50002}
        answer = await alice.post(TOKENS, json={"requestedPermissions": [text], "ttl": 60, "description": text})
        assert broken_fields(answer) == {"requestedPermissions": 50002, "description": 50002}
        fields = user_fields(
            email=text, password=f"12345678!{text}", permissions=[text], about=text, id=text, expires=text
        )
        data = {"tags": [text], "allowedUserAgents": [text], "allowedIpAddresses": [text]}
        assert broken_fields(await admin.post(USERS, json=fields | {"data": data})) == {
            "email": 50002,
            "password": 50002,
            "permissions": 50002,
            "about": 50002,
            "id": 50002,
            "expirationDate": 41014,
            "data.tags": 50002,
            "data.allowedUserAgents": 50002,
            "data.allowedIpAddresses": 50002,
        }


async def test_what_is_no_list_of_texts_is_a_wrong_type(alice: Client, admin: Client) -> None:
    """Case 4."""
    cases: list[object] = ["x", "", {}, {"0": "x"}, 5, True, [5], [None], [["x"]]]
    for value in cases:
        collection = await alice.create_collection()
        answer = await admin.post(USERS, json=user_fields(permissions=value))
        assert broken_fields(answer) == {"permissions": 50002}
        answer = await alice.post(TOKENS, json={"requestedPermissions": value, "ttl": 60})
        assert broken_fields(answer) == {"requestedPermissions": 50002}
        body = {"user": alice.id, "permissions": value}
        answer = await alice.post(f"{COLLECTIONS}/{collection['id']}/access", json=body)
        assert broken_fields(answer) == {"permissions": 50002}


async def test_missing_required_fields_are_all_named(admin: Client, guest: Client) -> None:
    """Cases 4, 11, 18, 36."""
    assert broken_fields(await guest.post(LOGIN, json={})) == {"username": 50002, "password": 50002}
    assert broken_fields(await admin.post(TOKENS, json={})) == {"requestedPermissions": 50002, "ttl": 50002}
    assert broken_fields(await admin.post(USERS, json={})) == {
        "email": 40005,
        "password": 40006,
        "permissions": 50002,
        "data": 50002,
    }
    assert broken_fields(await admin.post(COLLECTIONS, json={})) == {
        "maxBackupsCount": 50002,
        "maxOneVersionSize": 42010,
        "maxCollectionSize": 42010,
        "strategy": 42021,
        "filename": 42011,
    }
    collection = await admin.create_collection()
    answer = await admin.post(f"{COLLECTIONS}/{collection['id']}/access", json={})
    assert broken_fields(answer) == {"user": 50002}


async def test_null_for_a_required_field_is_no_value(admin: Client, guest: Client) -> None:
    assert broken_fields(await guest.post(LOGIN, json={"username": None, "password": None})) == {
        "username": 50002,
        "password": 50002,
    }
    fields = ("maxBackupsCount", "maxOneVersionSize", "maxCollectionSize", "strategy", "filename")
    assert broken_fields(await admin.post(COLLECTIONS, json=dict.fromkeys(fields))) == {
        "maxBackupsCount": 50002,
        "maxOneVersionSize": 42010,
        "maxCollectionSize": 42010,
        "strategy": 42021,
        "filename": 42011,
    }
    answer = await admin.post(USERS, json=user_fields(email=None, password=None, data=None))
    assert broken_fields(answer) == {"email": 40005, "password": 40006, "data": 50002}


async def test_null_for_an_optional_field_is_an_absent_field(alice: Client, admin: Client) -> None:
    fields = collection_fields(description=None, password=None, id=None)
    collection = (await alice.post(COLLECTIONS, json=fields)).json()["collection"]
    assert collection["description"] == ""
    optional = ("organization", "about", "expires", "active", "id")
    data = dict.fromkeys(("tags", "maxAllowedFileSize", "allowedIpAddresses", "allowedUserAgents"))
    answer = await admin.post(USERS, json=user_fields(data=data, **dict.fromkeys(optional)))
    user = answer.json()["user"]
    assert (user["organization"], user["about"], user["expires"], user["active"]) == ("", "", "", True)
    assert user["data"] == {
        "tags": [],
        "max_allowed_filesize": 0,
        "allowed_ip_addresses": [],
        "allowed_user_agents": [],
    }
    body = {"requestedPermissions": [], "ttl": 60, "description": None}
    assert (await alice.post(TOKENS, json=body)).status_code == 200


async def test_null_for_a_list_is_an_empty_list(alice: Client, bob: Client, admin: Client) -> None:
    assert (await admin.post(USERS, json=user_fields(permissions=None))).json()["user"]["permissions"] == []
    collection = await alice.create_collection()
    access = f"{COLLECTIONS}/{collection['id']}/access"
    assert (await alice.post(access, json={"user": bob.id, "permissions": None})).status_code == 200
    assert {user["user_id"]: user["permissions"] for user in (await alice.get(access)).json()["users"]}[bob.id] == []


async def test_an_empty_list_counts_as_an_empty_object(admin: Client) -> None:
    assert (await admin.post(USERS, json=user_fields(data=[]))).status_code == 201
    others: list[object] = ["", "x", 5, False, [1], [[]]]
    for other in others:
        assert broken_fields(await admin.post(USERS, json=user_fields(data=other))) == {"data": 50002}


async def test_the_body_itself_is_no_such_object(admin: Client) -> None:
    assert refusal(await admin.post(USERS, json=[])) == NO_JSON


async def test_an_empty_id_is_an_absent_one(served: Served, alice: Client) -> None:
    """Case 62; nobody needs a permission for no choice."""
    cases: list[object] = ["", None]
    for value in cases:
        collection = await alice.create_collection(id=value)
        assert len(collection["id"]) == 36
        creator = await served.client("security.create_unlimited_accounts")
        answer = await creator.post(USERS, json=user_fields(id=value))
        assert len(answer.json()["user"]["id"]) == 36


async def test_a_boolean_is_nothing_else(admin: Client) -> None:
    cases: list[object] = ["true", "false", 0, 1, "", []]
    for value in cases:
        assert broken_fields(await admin.post(USERS, json=user_fields(active=value))) == {"active": 50002}


async def test_paging_is_bounded(alice: Client) -> None:
    cases: list[tuple[str, dict[str, int]]] = [
        ("page=0", {"page": 50005}),
        ("page=-5", {"page": 50005}),
        ("page=x", {"page": 50002}),
        ("page=1.0", {"page": 50002}),
        ("page=%201", {"page": 50002}),
        ("page=9223372036854775808", {"page": 50002}),
        ("page=true", {"page": 50002}),
        ("page=%00", {"page": 50002}),
        ("SIZE=1001", {"SIZE": 50003}),
        ("SIZE=0", {"SIZE": 50004}),
        ("SIZE=-10", {"SIZE": 50004}),
        ("SIZE=ten", {"SIZE": 50002}),
        ("page=-1&SIZE=2000", {"page": 50005, "SIZE": 50003}),
        ("page=x&SIZE=y", {"page": 50002, "SIZE": 50002}),
    ]
    for query, codes in cases:
        for path, size in ((TOKENS, "perPageLimit"), (COLLECTIONS, "limit")):
            answer = await alice.get(f"{path}?{query.replace('SIZE', size)}")
            assert broken_fields(answer) == {name.replace("SIZE", size): code for name, code in codes.items()}


async def test_the_sentences_of_paging_are_literal(alice: Client) -> None:
    """Contract 1.5."""
    for query, name, sentence in (
        ("page=0", "page", "Page cannot be negative"),
        ("limit=1001", "limit", "Limit is too high"),
        ("limit=0", "limit", "Limit is too low"),
    ):
        answer = await alice.get(f"{COLLECTIONS}?{query}")
        assert answer.json()["fields"][name]["message"] == sentence


async def test_absent_and_empty_parameters_take_their_defaults(alice: Client) -> None:
    for query in ("", "?page=&limit=", "?page=01&limit=020", "?unknown=x&PAGE=7&perPageLimit=x"):
        answer = await alice.get(f"{COLLECTIONS}{query}")
        assert answer.json()["pagination"] == {"page": 1, "per_page_limit": 20, "max_pages": 1}


async def test_a_page_past_the_end_is_empty(served: Served, alice: Client) -> None:
    await alice.create_collection()
    for page in (2, 2**63 - 1):
        listed = (await alice.get(COLLECTIONS, params={"page": page, "limit": 1000})).json()
        assert listed["elements"] == []
        assert listed["pagination"] == {"page": page, "per_page_limit": 1000, "max_pages": 1}
        listed = (await alice.get(TOKENS, params={"page": page})).json()
        assert listed["data"] == []
        assert listed["context"]["pagination"] == {"page": page, "per_page_limit": 20, "max_pages": 1}
    nobody = await served.client(*TENANT)
    assert (await nobody.get(COLLECTIONS)).json()["pagination"]["max_pages"] == 1


async def test_only_true_and_1_simulate(alice: Client) -> None:
    """Contract 1.1."""
    cases: list[str] = ["", "false", "0", "TRUE", "True", "yes", "on", "2", " true", "1.0"]
    for value in cases:
        collection = (await alice.post(COLLECTIONS, params={"simulate": value}, json=collection_fields())).json()[
            "collection"
        ]
        assert (await alice.get(f"{COLLECTIONS}/{collection['id']}")).status_code == 200


async def test_a_bare_simulate_is_off(alice: Client) -> None:
    answer = await alice.post(f"{COLLECTIONS}?simulate", json=collection_fields())
    assert (await alice.get(f"{COLLECTIONS}/{answer.json()['collection']['id']}")).status_code == 200

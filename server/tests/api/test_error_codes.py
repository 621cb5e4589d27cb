"""Each error code of accounts, tokens, collections and access: its smallest request, status, type and place (1.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from world.answers import against_rules, broken_fields, denied, refusal
from world.client import (
    ADMINISTRATOR,
    COLLECTIONS,
    LOGIN,
    PASSWORD,
    TENANT,
    TOKENS,
    USERS,
    Client,
    Served,
    collection_fields,
    user_fields,
)
from world.sources import ROOT

UNKNOWN = "00000000-0000-4000-8000-000000000000"
DOCUMENTED = re.compile(r"^\| (\d{5}) \|", re.MULTILINE)

ELSEWHERE = frozenset(
    # uploads, versions and stored files: test_uploads*, test_downloads*, test_versions*, test_files*
    {40109, 41010, 41011, 41012, 41013, 42000, 42001, 42002, 42003, 42004, 42006, 42008, 42009, 42013, 42023, 42024}
    | {40310, 40311, 40309}
    # reading and editing accounts, their permissions, the report: test_users_*, test_permissions, test_metrics*
    | {40312, 40313, 40314, 40319, 40320, 40321}
    # test_throttling, test_read_only, test_authentication
    | {40325, 42005, 40322, 40323, 40324}
)


@dataclass(frozen=True)
class Sent:
    """A request that must be refused with one code."""

    code: int
    who: str
    method: str
    path: str
    body: Any = None
    where: str = ""
    """The field; empty: the code stands at the top."""
    query: dict[str, str] = field(default_factory=dict)


def creation(code: int, where: str, **fields: Any) -> Sent:
    return Sent(code, "admin", "POST", USERS, user_fields(**fields), where)


def collection(code: int, where: str = "", who: str = "alice", **fields: Any) -> Sent:
    return Sent(code, who, "POST", COLLECTIONS, collection_fields(**fields), where)


def edit(code: int, who: str = "alice", **fields: Any) -> Sent:
    return Sent(code, who, "PUT", COLLECTIONS, collection_fields(id="FULL", **fields))


def token(code: int, where: str = "", *names: str, **fields: Any) -> Sent:
    return Sent(code, "alice", "POST", TOKENS, {"requestedPermissions": list(names), "ttl": 60} | fields, where)


ADDRESS = f"{COLLECTIONS}/FULL"
REQUESTS = (
    creation(40001, "id", email="alice@example.org"),
    creation(40001, "id", id="ALICE"),
    creation(40003, "about", about="x" * 1025),
    creation(40003, "organization", organization="x" * 65),
    collection(40003, "description", description="x" * 10_001),
    creation(40005, "email", email="x"),
    creation(40006, "password", password="short!"),
    creation(40007, "password", password="!" * 1025),
    creation(40008, "password", password="letters only"),
    creation(40009, "password", password=" begins with white space!"),
    creation(40010, "", permissions=["nothing"]),
    creation(40021, "id", id="x"),
    creation(41014, "expirationDate", expires="someday"),
    creation(42016, "data.maxAllowedFileSize", data={"maxAllowedFileSize": -5}),
    creation(50002, "permissions", permissions="x"),
    collection(40100, who="admin", id="FULL"),
    collection(40101, who="admin", id="x"),
    collection(40102, maxBackupsCount=11),
    collection(40103, maxOneVersionSize="26GB"),
    collection(40104, maxCollectionSize="151GB"),
    collection(40105, maxOneVersionSize="11MB"),
    collection(40106, maxOneVersionSize="10MB"),
    edit(40107, maxBackupsCount=1, maxOneVersionSize="2B", maxCollectionSize="3B"),
    Sent(40108, "alice", "DELETE", ADDRESS),
    collection(42010, "maxOneVersionSize", maxOneVersionSize="x"),
    collection(42010, "maxCollectionSize", maxCollectionSize="x"),
    collection(42011, "filename", filename=""),
    collection(42012, "filename", filename="/"),
    collection(42016, "maxBackupsCount", maxBackupsCount=-1),
    collection(42021, "strategy", strategy="x"),
    Sent(50002, "guest", "POST", LOGIN, {"password": PASSWORD}, "username"),
    Sent(40010, "alice", "POST", f"{ADDRESS}/access", {"user": "ALICE", "permissions": ["upload.all"]}),
    token(40003, "description", description="x" * 1025),
    token(40010, "", "nothing"),
    token(40316, "", "security.delete_users"),
    token(41014, "ttl", ttl=59),
    Sent(41014, "alice", "GET", COLLECTIONS, None, "createdFrom", {"createdFrom": "someday"}),
    Sent(41014, "alice", "GET", COLLECTIONS, None, "createdTo", {"createdTo": "someday"}),
    Sent(50003, "alice", "GET", COLLECTIONS, None, "limit", {"limit": "1001"}),
    Sent(50004, "alice", "GET", TOKENS, None, "perPageLimit", {"perPageLimit": "0"}),
    Sent(50005, "alice", "GET", TOKENS, None, "page", {"page": "0"}),
    Sent(40300, "alice", "POST", USERS, user_fields()),
    Sent(40301, "creator", "POST", USERS, user_fields(id=UNKNOWN)),
    Sent(40315, "creator", "POST", USERS, user_fields(permissions=[ADMINISTRATOR])),
    Sent(40302, "charlie", "GET", ADDRESS),
    Sent(40303, "charlie", "DELETE", ADDRESS),
    Sent(40304, "creator", "GET", COLLECTIONS),
    collection(40305, id=UNKNOWN),
    collection(40306, who="creator"),
    collection(40306, maxBackupsCount=0),
    edit(40307, who="charlie"),
    Sent(40307, "charlie", "GET", f"{ADDRESS}/access"),
    Sent(40308, "charlie", "POST", f"{ADDRESS}/access", {"user": "ALICE"}),
    Sent(40308, "charlie", "DELETE", f"{ADDRESS}/access/ALICE"),
    Sent(40315, "warden", "POST", f"{ADDRESS}/access", {"user": "ALICE", "permissions": ["UPLOAD"]}),
    Sent(40317, "alice", "GET", TOKENS, None, "", {"user": UNKNOWN}),
    Sent(40318, "charlie", "DELETE", f"{TOKENS}/HASH"),
    Sent(50000, "alice", "POST", COLLECTIONS, []),
)


@pytest.fixture
async def people(served: Served, guest: Client, admin: Client, alice: Client, charlie: Client) -> dict[str, Client]:
    """Everybody who sends something."""
    return {
        "guest": guest,
        "admin": admin,
        "alice": alice,
        "charlie": charlie,
        "creator": await served.client("security.create_unlimited_accounts"),
        "warden": await served.client(*TENANT),
    }


async def test_each_code_has_its_status_type_and_place(people: dict[str, Client]) -> None:
    admin, alice = people["admin"], people["alice"]
    full = await alice.create_collection()
    for content in (b"a", b"bbb"):
        assert (await alice.upload(full["id"], content)).status_code == 200
    await alice.grant(full["id"], people["warden"], "collections.manage_users_in_allowed_collections")
    (listed,) = (await admin.get(TOKENS, params={"user": alice.id})).json()["data"]
    real = {
        "FULL": full["id"],
        "ALICE": alice.id,
        "HASH": listed["token_hash"],
        "UPLOAD": "collections.upload_to_allowed_collections",
    }

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: filled(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [filled(inner) for inner in value]
        return re.sub("|".join(real), lambda match: real[match[0]], value) if isinstance(value, str) else value

    for sent in REQUESTS:
        answer = await people[sent.who].request(
            sent.method, filled(sent.path), json=filled(sent.body), params=sent.query
        )
        if sent.where:
            assert broken_fields(answer) == {sent.where: sent.code}, sent
            assert answer.json()["type"] == "validation.error"
        elif sent.code == 50000:
            assert refusal(answer) == (400, 50000, "request.format-error")
        else:
            expected = denied(sent.code) if sent.code // 100 == 403 else against_rules(sent.code)
            assert refusal(answer) == expected, sent


def test_no_documented_code_is_forgotten() -> None:
    """A code is provoked here or belongs to the tests named above; none does both."""
    documented = {int(code) for code in DOCUMENTED.findall((ROOT / "docs/reference/errors.md").read_text())}
    here = {sent.code for sent in REQUESTS}
    assert here | ELSEWHERE == documented
    assert here & ELSEWHERE == set()

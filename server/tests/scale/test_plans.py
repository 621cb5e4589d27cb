"""How every listing and every number is found among many rows (contract 3.6, 5.4, 6.7, 8.6, 9.1, 10.2, 12).

The statements are those that the real routes send. On PostgreSQL they are planned and run again: no table that grows
with the versions is read from end to end, and no step looks at more rows than the case says. Where a case allows more
than a page, its comment says what the rows are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest
from sqlalchemy import select
from world.client import API, COLLECTIONS, LOGIN, METRICS, PASSWORD, TOKENS, USERS, Client, Served
from world.crowd import AUDITOR, ENDLESS, LONELY, QUIET, ROBOT, Crowd, collection_id, user_id
from world.plans import too_much
from world.statements import Statement, heard, steps, words

from backup_repository.database.tables import versions
from backup_repository.users import store as users_store

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("scale")]

PAGE = 300
"""Rows that a page and its surroundings may take."""
AUDIT, FILES, REPORT = f"{API}/audit", f"{API}/repository", f"{API}/metrics"


@dataclass(frozen=True)
class Case:
    """One request, and how much may be looked at for it."""

    name: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    rows: int = PAGE
    """The most rows that one step looks at."""
    who: int | None = None
    """Number of the account; None: an administrator."""
    all_names: bool = False
    """It reads every stored file name once."""


def cases(crowd: Crowd) -> Iterator[Case]:
    """List the requests; pages pass over the rows before or behind them, whichever are fewer, in an index."""
    users, collections, files, endless = crowd.users + 100, crowd.collections + 100, crowd.versions, crowd.endless
    one, large = f"{COLLECTIONS}/{collection_id(7)}", f"{COLLECTIONS}/{collection_id(ENDLESS)}"
    # tokens of one account are counted
    yield Case("tokens", TOKENS, {"user": user_id(9)})
    robot, last = crowd.robot_tokens + 100, crowd.robot_tokens // 20
    yield Case("tokens of a robot", TOKENS, {"user": user_id(ROBOT)}, rows=robot)
    yield Case("last tokens of a robot", TOKENS, {"user": user_id(ROBOT), "page": str(last)}, rows=robot)
    # accounts are searched through, and counted
    yield Case("accounts", USERS, {}, rows=users)
    yield Case("last accounts", USERS, {"page": str(crowd.users // 50)}, rows=users)
    yield Case("accounts by text", USERS, {"q": "person77"}, rows=users)
    yield Case("accounts by permission", USERS, {"q": "security.list"}, rows=users)
    yield Case("account", f"{USERS}/{user_id(9)}")
    # the entries of one account
    yield Case("permissions", f"{API}/auth/permissions", {"limits": "auth"}, rows=2 * collections, who=AUDITOR)
    # collections are searched through, and counted where there is a condition
    yield Case("collections", COLLECTIONS)
    yield Case("last collections", COLLECTIONS, {"page": str(crowd.collections // 20)}, rows=collections)
    yield Case("collections by text", COLLECTIONS, {"searchQuery": "department 77"}, rows=collections)
    yield Case("collections by date", COLLECTIONS, {"createdFrom": "2020-01-01"}, rows=collections)
    yield Case("collections of a member of all", COLLECTIONS, rows=2 * collections, who=AUDITOR)
    yield Case("collections of a member of one", COLLECTIONS, who=LONELY, rows=collections)
    yield Case("collection", one)
    yield Case("members", f"{one}/access")
    yield Case("versions", f"{one}/versions", {"limit": "20"})
    yield Case("all versions", f"{one}/versions")
    yield Case("versions of a large collection", f"{large}/versions", {"limit": "20"})
    yield Case("its last versions", f"{large}/versions", {"page": str(endless // 20)}, rows=endless)
    yield Case("stored files", FILES)
    yield Case("last stored files", FILES, {"page": str(files // 20)})
    yield Case("stored files in the middle", FILES, {"page": str(files // 40)}, rows=files // 2 + 100)
    yield Case("stored files past the end", FILES, {"page": str(files)})
    yield Case("stored files by tag", FILES, {"tags[]": "label7"}, rows=files // 10)
    # a part of a name is looked for in every name: one pass, some tenths of a second for a million
    unknown = {"searchQuery": "no such name"}
    yield Case("stored files by name", FILES, unknown, rows=files + 100, all_names=True)
    yield Case("numbers", REPORT, rows=users + 2 * crowd.users)
    yield Case("numbers for nobody", REPORT, who=LONELY)
    yield Case("newest versions for a member of all", REPORT, who=AUDITOR, rows=2 * collections)
    yield Case("numbers as a line", METRICS, {"code": "metrics secret"}, rows=users + 2 * crowd.users)
    yield Case("audit log", AUDIT)
    yield Case("end of the audit log", AUDIT, {"page": str((files + files // 4) // 50)})
    yield Case("audit log by action", AUDIT, {"action": "version.uploaded"})
    yield Case("audit log by actor", AUDIT, {"actor": user_id(ROBOT)})
    yield Case("audit log by actor and action", AUDIT, {"actor": user_id(ROBOT), "action": "access.given"})
    # the entries of that time are counted, in an index
    yield Case("audit log of a while", AUDIT, {"from": "2023-11-15T00:00:00Z", "to": "2023-11-15T00:10:00Z"}, rows=700)


async def asked(served: Served, admin: Client, case: Case) -> list[Statement]:
    """Send the request and return what it asked the database."""
    client = admin
    if case.who is not None:
        async with served.instance.database.reading() as tx:
            user = await users_store.by_id(tx, user_id(case.who))
        assert user is not None
        client = await served.session(user)
    with heard(served.instance.database) as statements:
        answer = await client.get(case.path, params=case.query)
    assert answer.status_code == 200, answer.text
    return statements


async def faults(served: Served, statements: list[Statement], case: Case) -> list[str]:
    """Say which statements look at too much."""
    return await too_much(served.instance.database, statements, rows=case.rows, all_names=case.all_names)


async def test_no_listing_looks_at_more_than_it_must(crowded: Served, admin: Client, crowd: Crowd) -> None:
    found = {}
    for case in cases(crowd):
        wrong = await faults(crowded, await asked(crowded, admin, case), case)
        if wrong:
            found[case.name] = wrong
    assert found == {}


@pytest.mark.parametrize("text", ["database7", "DATABASE77.", "database7_", "-v3."])
async def test_files_are_found_and_counted_by_a_part_of_their_name(crowded: Served, admin: Client, text: str) -> None:
    """Few and many alike, on the first page and on the last."""
    async with crowded.instance.database.reading() as tx:
        names = list((await tx.execute(select(versions.c.filename))).scalars())
    matching = sum(text.lower() in name.lower() for name in names)
    pages = max(1, math.ceil(matching / 20))
    for page, size in ((1, min(20, matching)), (pages, matching - (pages - 1) * 20)):
        found = (await admin.get(FILES, params={"searchQuery": text, "page": str(page)})).json()
        assert found["pagination"]["maxPages"] == pages
        assert len([file for file in found["results"] if text.lower() in file["filename"].lower()]) == size


async def test_tokens_before_a_page_are_passed_over_in_an_index(crowded: Served, admin: Client, crowd: Crowd) -> None:
    """Only the tokens of the page are looked up in the table, on whichever page; valid ones and others alike."""
    database = crowded.instance.database
    for page in (1, 2, crowd.robot_tokens // 200, crowd.robot_tokens // 40, crowd.robot_tokens // 20):
        case = Case("tokens", TOKENS, {"user": user_id(ROBOT), "page": str(page)})
        statements = [one for one in await asked(crowded, admin, case) if "issued_at DESC" in one.text]
        assert statements
        for statement in statements:
            if database.name == "sqlite":
                passing = [line for line in await words(database, statement) if "(user_id=?" in line]
                assert [line for line in passing if "COVERING" not in line] == []
                assert passing
            else:
                found = await steps(database, statement)
                looked_up = [one.rows for one in found if one.table == "tokens" and one.kind != "Index Only Scan"]
                assert sum(looked_up) <= 20
                assert max(one.rows for one in found) <= crowd.robot_tokens // 2 + 20


@pytest.mark.parametrize(
    ("path", "size"),
    [
        (f"{TOKENS}?user={user_id(ROBOT)}", "perPageLimit"),
        (USERS, "limit"),
        (COLLECTIONS, "limit"),
        (f"{COLLECTIONS}/{collection_id(ENDLESS)}/versions", "limit"),
        (FILES, "limit"),
        (AUDIT, "limit"),
    ],
)
async def test_a_long_page_takes_hardly_more_statements_than_a_short_one(
    crowded: Served, admin: Client, path: str, size: str
) -> None:
    """A page of tokens on which valid ones and others stand takes one more than a page of either."""
    counts = []
    for rows in (10, 1000):
        with heard(crowded.instance.database) as statements:
            answer = await admin.get(f"{path}{'&' if '?' in path else '?'}{size}={rows}")
        assert answer.status_code == 200
        counts.append(len(statements))
    assert counts[1] <= 5
    assert counts[1] == counts[0] + (path.startswith(TOKENS))


async def test_the_newest_versions_take_the_same_statements_for_few_and_many_collections(
    crowded: Served, admin: Client
) -> None:
    counts = {
        who: len(await asked(crowded, admin, Case("newest", REPORT, who=who))) for who in (AUDITOR, LONELY, ROBOT + 9)
    }
    assert len(set(counts.values())) == 1


async def test_an_upload_looks_at_as_little_in_a_large_collection_as_in_a_small_one(
    crowded: Served, admin: Client
) -> None:
    counts = []
    for number in (QUIET, 7, ENDLESS):
        with heard(crowded.instance.database) as statements:
            answer = await admin.upload(collection_id(number), f"not yet stored in {number}".encode())
        assert answer.status_code == 200, answer.text
        counts.append(len(statements))
        assert await faults(crowded, statements, Case("upload", "", rows=20)) == []
    assert len(set(counts)) == 1


async def test_a_download_and_a_deletion_look_at_little(crowded: Served, admin: Client) -> None:
    versions = f"{COLLECTIONS}/{collection_id(ENDLESS)}/versions"
    requests = [("GET", f"{versions}/{name}") for name in ("latest", "first", "v3")] + [("DELETE", f"{versions}/v5")]
    for method, path in requests:
        with heard(crowded.instance.database) as statements:
            answer: httpx.Response = await admin.request(method, path)
        assert answer.status_code == 200 or answer.json()["code"] == 42002  # whose bytes nobody stored
        assert await faults(crowded, statements, Case("version", "", rows=20)) == []


async def test_a_login_looks_at_little(crowded: Served, admin: Client) -> None:
    with heard(crowded.instance.database) as statements:
        assert (await admin.post(LOGIN, json={"username": admin.email, "password": PASSWORD})).status_code == 200
    assert await faults(crowded, statements, Case("log-in", "", rows=20)) == []


async def test_the_sweep_finds_the_retired_blobs_among_many(crowded: Served) -> None:
    with heard(crowded.instance.database) as statements:
        swept = await crowded.instance.sweep.run(0, dry_run=True)
    assert len(swept.retired) >= 1000
    assert await faults(crowded, statements, Case("sweep", "", rows=2000)) == []

"""How the pages of the web console are found among many rows: as the API's listings are (see `test_plans.py`).

The statements are those that the pages send, seen on a day two weeks after most of the uploads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from world.client import Served
from world.crowd import AUDITOR, ENDLESS, FIRST_UPLOAD, LONELY, ROBOT, Crowd, collection_id, user_id
from world.plans import too_much
from world.statements import Statement, heard
from world.visitor import Visitor, signed_in, with_console

from backup_repository.access.model import Permission
from backup_repository.users import store as users_store

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("scale")]

PAGE = 300
DAYS = 15 * 86_400


@dataclass(frozen=True)
class Screen:
    """One page, and how much one step may look at for it."""

    path: str
    rows: int = PAGE
    who: int | None = None
    """Number of the account; None: an administrator."""


def screens(crowd: Crowd) -> Iterator[Screen]:
    users, collections, endless = crowd.users + 100, crowd.collections + 100, crowd.endless
    # collections are judged by what is kept with them, accounts and valid tokens are counted; of two weeks a part of the
    # uploads, in an index
    yield Screen("/overview", rows=crowd.versions // 3 + 2 * users)
    yield Screen("/overview", who=AUDITOR, rows=2 * collections)
    yield Screen("/overview", who=LONELY, rows=PAGE)
    yield Screen("/overview", who=ROBOT + 9, rows=PAGE)
    yield Screen("/overview/uploading", rows=20)
    # the same searches as the API's
    yield Screen("/users?q=person77", rows=users)
    yield Screen(f"/users?page={crowd.users // 20}", rows=users)
    yield Screen("/backup/collections")
    yield Screen("/backup/collections?q=department+77", rows=collections)
    yield Screen(f"/backup/collections?page={crowd.collections // 20}", rows=collections)
    yield Screen(f"/security/access-tokens?user={user_id(ROBOT)}", rows=crowd.robot_tokens + 100)
    # candidates for access: the first accounts, and how many there are
    yield Screen(f"/backup/collection/{collection_id(7)}", rows=users)
    yield Screen(f"/backup/collection/{collection_id(ENDLESS)}", rows=users)
    # numbers before a page are passed over in an index
    yield Screen(f"/backup/collection/{collection_id(ENDLESS)}?page={endless // 20}", rows=endless)


@pytest.fixture
def two_weeks_later(crowded: Served, crowd: Crowd) -> Served:
    """The instance on a day on which the survey's two weeks hold a part of the uploads."""
    last = FIRST_UPLOAD + crowd.versions
    crowded.clock.advance(seconds=last - crowded.clock().timestamp() + DAYS - 2 * 86_400)
    return with_console(crowded)


async def visitor(served: Served, number: int | None) -> Visitor:
    if number is None:
        return await signed_in(served, await served.client(Permission.ADMINISTRATOR))
    async with served.instance.database.reading() as tx:
        user = await users_store.by_id(tx, user_id(number))
    assert user is not None
    return await signed_in(served, await served.session(user))


async def asked(served: Served, somebody: Visitor, path: str) -> list[Statement]:
    with heard(served.instance.database) as statements:
        answer = await somebody.get(path)
    assert answer.status_code == 200, answer.text
    return statements


async def test_no_page_looks_at_more_than_it_must(two_weeks_later: Served, crowd: Crowd) -> None:
    found = {}
    for screen in screens(crowd):
        statements = await asked(two_weeks_later, await visitor(two_weeks_later, screen.who), screen.path)
        wrong = await too_much(two_weeks_later.instance.database, statements, rows=screen.rows)
        if wrong:
            found[screen] = wrong
    assert found == {}


async def test_a_look_at_all_collections_takes_as_many_statements_as_one_at_a_single_one(
    two_weeks_later: Served, crowd: Crowd
) -> None:
    for number, count in ((LONELY, 1), (AUDITOR, crowd.collections + 2)):
        somebody = await visitor(two_weeks_later, number)
        statements = await asked(two_weeks_later, somebody, "/overview")
        assert len([one for one in statements if "due_at <" in one.text]) == 2
        assert f"of {count} collection" in (await somebody.page("/overview")).words


async def test_a_member_sees_the_newest_versions_of_all_collections(two_weeks_later: Served) -> None:
    """The one statement for it gives what the API gives, for a member of one collection, of many and of all."""
    for number in (LONELY, ROBOT + 9, AUDITOR):
        somebody = await visitor(two_weeks_later, number)
        actor = await two_weeks_later.instance.sessions.identify(somebody.client.token, address="", user_agent="")
        expected = await two_weeks_later.instance.files.recent(actor, 10)
        newest = await two_weeks_later.instance.surveys.newest(actor, 10)
        assert [(one.collection_id, one.number) for one in newest] == [
            (one.collection_id, one.number) for one in expected
        ]
        assert newest[0].filename in (await somebody.page("/overview")).words

"""The first steps of an empty installation."""

from __future__ import annotations

import asyncio

import pytest
from world.client import PASSWORD, Serve, Served
from world.visitor import Page, Visitor, visitor

from backup_repository.access.first_run import code_of
from backup_repository.users import store as users_store

FIELDS = {
    "administratorEmail": "root@example.org",
    "administratorPassword": PASSWORD,
    "administratorRepeat": PASSWORD,
    "organization": "Example collective",
    "organizationEmail": "backups@example.org",
    "organizationPassword": PASSWORD,
    "organizationRepeat": PASSWORD,
    "filename": "wiki.tar.age",
    "maxBackupsCount": "3",
    "maxOneVersionSize": "1MB",
    "maxCollectionSize": "3MB",
}

pytestmark = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def code(served: Served) -> str:
    """What `serve` would print."""
    return code_of(served.keys)


async def test_an_empty_installation_ends_with_a_token_that_only_uploads(
    served: Served, guest: Visitor, code: str
) -> None:
    page = await guest.does("/", "/first-run", **FIELDS, code=code.lower().replace("-", " "))
    assert "Ready for the first backup" in page.words
    token = next(word for word in page.words.split() if word.startswith("eyJ"))
    collection = page.words.split("--collection ")[1].split()[0]
    assert f"http://backups.example.org/api/stable/repository/collection/{collection}/versions" in page.words
    machine = served.guest().bearing(token)
    assert (await machine.upload(collection, b"first")).status_code == 200
    for refused in (
        await machine.get(f"/api/stable/repository/collection/{collection}/versions/latest"),
        await machine.get("/api/stable/repository/collection"),
        await machine.delete(f"/api/stable/repository/collection/{collection}/versions/latest"),
    ):
        assert refused.status_code == 403
    admin = await visitor(served).does("/login", "/login", email="root@example.org", password=PASSWORD)
    assert "Dashboard" in admin.words


async def test_there_is_no_first_run_once_an_account_exists(served: Served, guest: Visitor, code: str) -> None:
    form = (await guest.page("/")).form("/first-run")
    await served.create_user()
    answer = await guest.send(form, **FIELDS, code=code)
    assert answer.status_code == 404
    assert not (await guest.page("/")).offers("/first-run")


async def test_of_two_who_try_at_once_one_becomes_the_administrator(served: Served, code: str) -> None:
    people = [visitor(served), visitor(served)]
    forms = [(await one.page("/")).form("/first-run") for one in people]
    answers = await asyncio.gather(
        *(
            one.send(form, **FIELDS | {"administratorEmail": f"root{number}@example.org"}, code=code)
            for number, (one, form) in enumerate(zip(people, forms, strict=True))
        )
    )
    async with served.instance.database.reading() as tx:
        found = (await users_store.search(tx, "security.administrator", offset=0, limit=10)).total
    assert found == 1
    assert min(answer.status_code for answer in answers) == 200


async def test_a_wrong_code_creates_nothing(served: Served, guest: Visitor, code: str) -> None:
    page = await guest.does("/", "/first-run", **FIELDS, code=code[:-1] + ("A" if code[-1] != "A" else "B"))
    assert page.said == ["Please correct what is marked"]
    assert "This is not the code that the server printed when it started" in page.words
    assert await served.instance.first_run.due()
    assert code not in page.words


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"administratorEmail": "x"}, "administratorEmail: Invalid e-mail format"),
        ({"organizationPassword": "short"}, "organizationPassword: Password is too short"),
        ({"administratorRepeat": "another!"}, "administratorPassword: Passwords are not matching"),
        ({"organizationEmail": "ROOT@example.org"}, "organizationEmail: The two accounts need two e-mails"),
        ({"filename": "a/b"}, "filename: Up to 200 characters"),
        ({"maxCollectionSize": "2MB"}, "it needs 3.00MB"),
    ],
)
async def test_mistakes_are_named_and_create_nothing(
    served: Served, guest: Visitor, code: str, changes: dict[str, str], expected: str
) -> None:
    page = await guest.does("/", "/first-run", **{**FIELDS, **changes}, code=code)
    assert expected in page.words
    assert await served.instance.first_run.due()


async def test_a_read_only_instance_takes_no_first_steps(serve: Serve, code: str) -> None:
    guest = visitor(serve(read_only=True))
    page = await guest.does("/", "/first-run", **FIELDS, code=code)
    assert page.said == ["This instance is read-only"]


async def test_the_first_page_is_one_for_guests(guest: Visitor) -> None:
    answer = await guest.get("/")
    assert answer.status_code == 200
    assert "Set-up code" in Page(answer.text).words

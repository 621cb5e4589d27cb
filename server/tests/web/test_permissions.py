"""For every kind of account: what it may not do is not offered, and is refused when forced.

The kinds are made from the list of permissions, the things from the screens. Whatever a page offers must not be
refused, and whatever is not refused must be offered wherever the page itself may be seen. A forced request is made
so that it changes nothing where it is let in: a name not typed, a file name that is not possible.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from world.client import ADMINISTRATOR, Client, Served
from world.visitor import Form, Page, Visitor, signed_in

from backup_repository.access.model import COLLECTION_PERMISSIONS, GRANTS, Permission

FORBIDDEN = 403
ALL = tuple(sorted(GRANTS - {Permission.ADMINISTRATOR}))
ELSEWHERE = frozenset(
    {
        Permission.ROLE_USER,
        Permission.OVERWRITE,
        Permission.TECHNICAL_ENDPOINTS,
        Permission.FILES_FROM_ALL_TAGS,
        Permission.ADMIN_METADATA,
        Permission.VIEW_ANY_FILE,
        Permission.LIST_FILES,
        Permission.LIST_PERMISSIONS,
        Permission.CHOOSE_USER_IDS,
        Permission.CHOOSE_COLLECTION_IDS,
    }
)
"""Allow nothing, or nothing that the console does; each of them is tried alone."""
USED = tuple(permission for permission in ALL if permission not in ELSEWHERE)


@dataclass(frozen=True)
class Kind:
    """A kind of session."""

    name: str
    permissions: tuple[Permission, ...] = ()
    """Of the account."""
    entry: tuple[Permission, ...] | None = None
    """In the collection; None: no member."""
    scope: tuple[Permission, ...] = ()
    """Of a generated token; none: a log-in."""


@dataclass(frozen=True)
class Thing:
    """Something to do."""

    at: str
    """The page that offers it."""
    offer: str
    """The end of the address that stands there."""
    forced: str = ""
    """The address when it is forced; empty: the offered one."""
    fields: dict[str, str] | None = None
    """What is sent; None: it is an address to look at."""
    within: str = ""
    """A word of the part of the page in which it stands, which not everybody sees who sees the page."""


Kinds = Callable[[], Iterator[Kind]]


def alone() -> Iterator[Kind]:
    yield Kind("nothing")
    yield Kind("administrator", (ADMINISTRATOR,))
    for permission in Permission:
        yield Kind(f"only {permission}", (permission,))


def without_one() -> Iterator[Kind]:
    yield Kind("everything but administration", ALL, COLLECTION_PERMISSIONS)
    for permission in USED:
        rest = tuple(one for one in ALL if one is not permission)
        inside = tuple(one for one in COLLECTION_PERMISSIONS if one is not permission)
        yield Kind(f"everything but {permission}", rest, inside)


def tokens() -> Iterator[Kind]:
    for scope in (*((one,) for one in USED), (Permission.UPLOAD_ALL, Permission.UPLOAD)):
        yield Kind(f"a token for {' '.join(scope)}", (ADMINISTRATOR,), COLLECTION_PERMISSIONS, scope)


def members() -> Iterator[Kind]:
    accounts = {
        "nobody": (),
        "an uploader": (Permission.UPLOAD_ALL,),
        "a looker": (Permission.VIEW_ALL_COLLECTIONS,),
        "a modifier": (Permission.MODIFY_ANY_COLLECTION, Permission.VIEW_ALL_COLLECTIONS, Permission.UPLOAD_ALL),
    }
    for name, permissions in accounts.items():
        for entry in ((), *((one,) for one in COLLECTION_PERMISSIONS), COLLECTION_PERMISSIONS):
            yield Kind(f"{name} with {', '.join(entry)} there", permissions, entry)
        yield Kind(f"{name} with all eight anywhere", (*permissions, *COLLECTION_PERMISSIONS))


every_group = pytest.mark.parametrize("kinds", [alone, without_one, tokens, members])


@dataclass
class World:
    """What there is to do something with."""

    admin: Visitor
    collection: str = ""
    other: Client | None = None
    things: list[Thing] = field(default_factory=list)

    async def fill(self, served: Served) -> None:
        collection = await self.admin.client.create_collection(filename="there.tar")
        await self.admin.client.upload(collection["id"], b"the only version")
        self.collection = collection["id"]
        self.other = await served.client(Permission.ROLE_USER, email="other@example.org")
        self.things = list(self._things())

    def _things(self) -> Iterator[Thing]:
        assert self.other is not None
        nobody = "00000000-0000-4000-8000-000000000000"
        for address in ("/users", "/security/access-tokens", "/backup/collections"):
            yield Thing("/overview", address)
        yield Thing("/users", "/user")
        yield Thing("/user", "/user", fields={"email": "", "password": ""})
        yield Thing("/users", f"/user/{self.other.id}")
        for somebody in (self.other, self.admin.client):
            yield Thing(f"/user/{somebody.id}", f"/user/{somebody.id}", fields={"maxAllowedFileSize": "-1"})
        for somebody, within in ((self.other, ""), (self.admin.client, ONLY_OFFERS)):
            at = f"/user/{somebody.id}"
            yield Thing(at, f"{at}/delete", fields={"typed": ""}, within=within)
        tokens = "/security/access-tokens"
        yield Thing(tokens, tokens, fields={"ttl": "1"})
        yield Thing(f"/user/{self.other.id}", f"{tokens}?user={self.other.id}")
        yield Thing("/backup/collections", "/backup/collection")
        yield Thing("/backup/collection", "/backup/collection", fields={"filename": "a/b"})
        at = f"/backup/collection/{self.collection}"
        yield Thing(at, at, fields={"filename": "a/b"})
        yield Thing(at, f"{at}/uploaded", f"{at}/upload-token", fields={})
        listed, members, owner = "SHA-256", "admin@example.org", f"{at}/access/{self.admin.client.id}"
        yield Thing(at, f"{at}/versions/v1", within=listed)
        yield Thing(at, f"{at}/versions/v1/delete", fields={"typed": ""}, within=listed)
        yield Thing(at, f"{at}/access", fields={"user": nobody}, within=members)
        yield Thing(at, owner, f"{at}/access/{nobody}", fields={}, within=members)
        yield Thing(at, f"{owner}/withdraw", f"{at}/access/{nobody}/withdraw", fields={}, within=members)


@pytest.fixture
async def world(served: Served, admin: Visitor) -> World:
    made = World(admin)
    await made.fill(served)
    return made


async def somebody(served: Served, world: World, kind: Kind) -> Visitor:
    client = await served.client(*kind.permissions)
    if kind.entry is not None:
        await world.admin.client.grant(world.collection, client, *kind.entry)
    if kind.scope:
        client = await client.generate(*kind.scope)
    return await signed_in(served, client)


def offers(page: Page, thing: Thing) -> bool:
    if thing.fields is None:
        return thing.offer in page.links
    return any(form.method == "post" and form.action == thing.offer for form in page.forms)


async def forced(visitor: Visitor, thing: Thing, csrf: str) -> int:
    address = thing.forced or thing.offer
    if thing.fields is None:
        return (await visitor.get(address)).status_code
    form = Form("post", address, [("csrf", csrf), *thing.fields.items()])
    return (await visitor.send(form)).status_code


ONLY_OFFERS = "no page says this"
"""What is wrong with a forced request is found before it is refused, so only what is offered is looked at."""
OF_A_PROFILE = "maxAllowedFileSize"
"""The form of a profile stands there also for those who may only look, without the means to change anything."""


async def judged(visitor: Visitor, world: World) -> tuple[list[str], int]:
    """Say what is offered and refused, or not offered and not refused; and how much was refused."""
    overview = await visitor.page("/overview")
    csrf = dict(overview.form("/logout").fields)["csrf"]
    pages: dict[str, Page | None] = {}
    wrong, refused = [], 0
    for thing in world.things:
        if thing.at not in pages:
            answer = await visitor.get(thing.at)
            assert answer.status_code in {200, 403}
            pages[thing.at] = Page(answer.text) if answer.status_code == 200 else None
        page = pages[thing.at]
        offered = page is not None and offers(page, thing)
        if thing.fields and OF_A_PROFILE in thing.fields:
            offered = offered and page is not None and "New password" in page.words
        status = await forced(visitor, thing, csrf)
        refused += status == FORBIDDEN
        if offered and status == FORBIDDEN:
            wrong.append(f"{thing.at} offers {thing.offer}, which is refused")
        if not offered and status != FORBIDDEN and page is not None and thing.within in page.words:
            wrong.append(f"{thing.at} does not offer {thing.offer}, which is not refused but {status}")
    return wrong, refused


async def shown(visitor: Visitor, world: World, version: str) -> list[str]:
    """Say what pages show that the API does not, and what they hide."""
    at, api = f"/backup/collection/{world.collection}", f"/api/stable/repository/collection/{world.collection}"
    words = (await visitor.page(at)).words
    wrong = []
    for text, path in (("there.tar", ""), (version, "/versions"), ("admin@example.org", "/access")):
        if (text in words) != ((await visitor.client.get(api + path)).status_code == 200):
            wrong.append(f"{at} about {text}")
    numbers = "Used space" in (await visitor.page("/overview")).words
    if numbers != ((await visitor.client.get("/api/stable/metrics?format=influxdb")).status_code == 200):
        wrong.append("the numbers of the server")
    return wrong


@every_group
async def test_what_one_may_not_do_is_neither_shown_nor_offered_and_is_refused_when_forced(
    served: Served, world: World, kinds: Kinds
) -> None:
    versions = f"/api/stable/repository/collection/{world.collection}/versions"
    version = (await world.admin.client.get(versions)).json()["versions"]["1"]["details"]["id"]
    found, refusals = {}, {}
    for kind in kinds():
        visitor = await somebody(served, world, kind)
        wrong, refusals[kind.name] = await judged(visitor, world)
        wrong += await shown(visitor, world, version)
        if wrong:
            found[kind.name] = wrong
    assert found == {}
    assert refusals.get("administrator", 1) == 1  # an upload from the browser into what is not one's own
    assert refusals.get("nothing", len(world.things)) > 15
    assert list((await world.admin.client.get(versions)).json()["versions"]) == ["1"]


async def test_deleting_an_administrator_is_offered_to_administrators_alone(served: Served, world: World) -> None:
    second = await served.client(ADMINISTRATOR, email="second@example.org")
    at = f"/user/{second.id}"
    deleting = await signed_in(served, await served.client(Permission.LOOK_UP_USERS, Permission.DELETE_USERS))
    page = await deleting.page(at)
    assert not page.offers(f"{at}/delete")
    forged = Form("post", f"{at}/delete", [page.form("/logout").fields[0], ("typed", "second@example.org")])
    assert (await deleting.send(forged)).status_code == FORBIDDEN
    assert (await world.admin.does(at, f"{at}/delete", typed="second@example.org")).said == ["User account deleted"]


@pytest.mark.parametrize("kinds", [without_one])
async def test_whoever_is_offered_to_revoke_a_token_can(served: Served, world: World, kinds: Kinds) -> None:
    assert world.other is not None
    offers_made = 0
    for kind in kinds():
        visitor = await somebody(served, world, kind)
        for owner in (world.other.user, world.admin.client.user, visitor.client.user):
            assert owner is not None
            token_hash = hashlib.sha256((await served.session(owner)).token.encode()).hexdigest()
            answer = await visitor.get(f"/security/access-tokens?user={owner.id}")
            address = f"/security/access-tokens/{token_hash}/revoke"
            if answer.status_code == 200 and Page(answer.text).offers(address):
                offers_made += 1
                sent = await visitor.send(Page(answer.text).form(address))
                assert (kind.name, sent.status_code) == (kind.name, 303)
    assert offers_made > 10

"""A walk over every route that the description lists, as everybody who has no business there.

A route that is added is walked as well. Whoever may come in at all is named here: `PUBLIC` for everybody, `OWN` for the
bearers of good tokens, who get no more than what is theirs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from world.answers import READ_ONLY, refusal
from world.client import (
    ADMINISTRATOR,
    COLLECTIONS,
    STRANGER,
    TENANT,
    TOKENS,
    USERS,
    Client,
    Serve,
    Served,
)
from world.document import Described, operations

# Who may come in is decided above the database.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PUBLIC = frozenset({"logIn", "showLandingPage", "showDocument", "showDocumentPage"})
"""What the contract opens to everybody."""
OWN = frozenset(
    {
        *("generateToken", "createCollection", "searchCollections"),  # a stranger's own things
        *("showVersion", "report"),  # for any token; the numbers are null
    }
)
"""What a stranger with a good token is answered, about what is theirs."""
OF_MEMBERS = frozenset({"viewCollection"})
"""What membership alone allows; no scope takes it away (contract 4.2)."""
NAMINGS = ("backup", "backups", "version", "versions")
CONTENT = b"the tenant's own bytes"


@dataclass(frozen=True, slots=True)
class Tenant:
    """Somebody with one of everything."""

    client: Client
    collection: dict[str, Any]
    version: dict[str, Any]
    token: dict[str, Any]

    @property
    def words(self) -> set[str]:
        """What nobody else may learn."""
        assert self.client.user is not None
        return {
            *(self.client.id, self.client.email, self.client.user.organization, self.client.user.about),
            *(self.collection["id"], self.collection["description"], self.collection["filename"]),
            *(self.version["id"], self.version["file"]["filename"], self.version["checksum"]["value"]),
            *(
                self.token["token_hash"],
                self.token["token_shortcut"],
                self.token["description"],
                self.token["event_id"],
            ),
            CONTENT.decode(),
        }


@pytest.fixture
async def tenant(served: Served) -> Tenant:
    """Somebody with a collection, a version, a token and a profile."""
    client = await served.client(
        *TENANT, email="tina@tenant.example", organization="Tenant & sons", about="Tina's nightly dumps", tags=("tina",)
    )
    collection = await client.create_collection(description="Tina's treasures", filename="treasures.tar.gz")
    version = (await client.upload(collection["id"], CONTENT)).json()["version"]
    await client.generate(description="Tina's token")
    listed = (await client.get(TOKENS)).json()["data"]
    token = next(token for token in listed if token["description"] == "Tina's token")
    return Tenant(client, collection, version, token)


Visitor = Callable[[Served, Tenant], Awaitable[Client]]


async def nobody(served: Served, _tenant: Tenant) -> Client:
    return served.guest()


async def with_damaged_token(served: Served, tenant: Tenant) -> Client:
    head, payload, signature = tenant.client.token.split(".")
    return served.guest().bearing(f"{head}.{payload}.{signature[:-9]}{signature[-9:][::-1]}")


async def with_expired_token(served: Served, tenant: Tenant) -> Client:
    assert tenant.client.user is not None
    return await served.session(tenant.client.user, seconds=-1)


async def with_revoked_token(served: Served, tenant: Tenant) -> Client:
    assert tenant.client.user is not None
    session = await served.session(tenant.client.user)
    assert (await session.delete(f"{TOKENS}/current-session")).status_code == 200
    return session


async def deactivated(served: Served, _tenant: Tenant) -> Client:
    client = await served.client(ADMINISTRATOR)
    assert client.user is not None
    await served.change_user(client.user, active=False)
    return client


async def deleted(served: Served, _tenant: Tenant) -> Client:
    client, admin = await served.client(ADMINISTRATOR), await served.client(ADMINISTRATOR)
    assert (await admin.delete(f"{USERS}/{client.id}")).status_code == 200
    return client


async def elsewhere(served: Served, _tenant: Tenant) -> Client:
    return await served.client(ADMINISTRATOR, allowed_ip_addresses=("203.0.113.1",))


async def stranger(served: Served, _tenant: Tenant) -> Client:
    return await served.client(*STRANGER, email="charlie@example.org")


async def administrator_with_a_narrow_token(served: Served, _tenant: Tenant) -> Client:
    return await (await served.client(ADMINISTRATOR)).generate("ROLE_USER")


async def tenant_with_a_narrow_token(_served: Served, tenant: Tenant) -> Client:
    return await tenant.client.generate("ROLE_USER")


SHUT_OUT: tuple[Visitor, ...] = (
    *(nobody, with_damaged_token, with_expired_token, with_revoked_token, deactivated, deleted, elsewhere),
)
"""Whose token is none, or no good."""


def requests_to(operation: Described, tenant: Tenant) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give requests to an operation that address what is the tenant's: method, path and the rest."""
    namings = NAMINGS if "{naming}" in operation.path else ("versions",)
    version_ids = (tenant.version["id"], "latest", "first", "v1") if "{versionId}" in operation.path else ("latest",)
    rest = {"params": asked_for(operation, tenant), **sent_to(operation, tenant)}
    for method in {operation.method, "HEAD" if operation.method == "GET" else operation.method}:
        for naming in namings:
            for version_id in version_ids:
                path = operation.at(
                    id=tenant.collection["id"],
                    userId=tenant.client.id,
                    tokenHash=tenant.token["token_hash"],
                    filename=tenant.version["file"]["filename"],
                    naming=naming,
                    versionId=version_id,
                )
                yield method, path, rest


def asked_for(operation: Described, tenant: Tenant) -> dict[str, str]:
    """Ask for the tenant's things by name where the query lets one."""
    wanted = {"user": tenant.client.id, "q": "tina", "searchQuery": "treasures", "actor": tenant.client.id}
    names = {parameter["name"] for parameter in operation.details.get("parameters", ()) if parameter["in"] == "query"}
    return {name: value for name, value in wanted.items() if name in names}


def sent_to(operation: Described, tenant: Tenant) -> dict[str, Any]:
    """Send the example of a body, about the tenant's things; to an upload bytes."""
    if operation.example is None:
        return {"content": b"other bytes"} if "requestBody" in operation.details else {}
    ours = {
        "id": tenant.collection["id"],
        "user": tenant.client.id,
        "username": tenant.client.email,
        "password": "wrong horse battery!",
    }
    return {"json": {name: ours.get(name, value) for name, value in operation.example.items()}}


def leaked(answer: httpx.Response, words: set[str]) -> set[str]:
    """Return what an answer says about the tenant that the request did not say itself."""
    asked = unquote(str(answer.request.url)) + answer.request.content.decode()
    said = answer.text + str(answer.headers.multi_items())
    return {word for word in words if word in said and word not in asked}


async def everything(admin: Client, tenant: Tenant) -> list[Any]:
    """Look at all that the tenant has, as an administrator."""
    address = f"{COLLECTIONS}/{tenant.collection['id']}"
    paths = (address, f"{address}/access", f"{address}/versions", f"{USERS}/{tenant.client.id}")
    found: list[Any] = [(await admin.get(path)).json() for path in paths]
    tokens = (await admin.get(TOKENS, params={"user": tenant.client.id, "perPageLimit": 1000})).json()["data"]
    return [*found, next(token for token in tokens if token["event_id"] == tenant.token["event_id"])]


async def walked(visitor: Client, tenant: Tenant) -> AsyncIterator[tuple[Described, httpx.Response]]:
    """Send every request to every operation."""
    for operation in operations():
        for method, path, rest in requests_to(operation, tenant):
            yield operation, await visitor.request(method, path, **rest)


@pytest.mark.parametrize("make", SHUT_OUT, ids=lambda make: make.__name__)
async def test_without_a_good_token_nothing_opens(served: Served, tenant: Tenant, make: Visitor) -> None:
    """Case 2, on every route."""
    admin, visitor = await served.client(ADMINISTRATOR), await make(served, tenant)
    before = await everything(admin, tenant)
    async for operation, answer in walked(visitor, tenant):
        asked = (operation.id, answer.request.method, answer.request.url)
        if operation.id in PUBLIC:
            assert answer.status_code in {200, 401}, asked
        else:
            assert answer.status_code in {401, 403}, asked
        assert leaked(answer, tenant.words) == set(), asked
    assert await everything(admin, tenant) == before


@pytest.mark.parametrize("make", [stranger, administrator_with_a_narrow_token], ids=lambda make: make.__name__)
async def test_a_good_token_of_somebody_else_opens_nothing_of_the_tenant(
    served: Served, tenant: Tenant, make: Visitor
) -> None:
    """Another tenant learns nothing, on every route."""
    admin, visitor = await served.client(ADMINISTRATOR), await make(served, tenant)
    before = await everything(admin, tenant)
    async for operation, answer in walked(visitor, tenant):
        asked = (operation.id, answer.request.method, answer.request.url)
        assert leaked(answer, tenant.words) == set(), asked
        if operation.id not in PUBLIC | OWN:
            assert answer.status_code in {403, 404}, asked
    assert await everything(admin, tenant) == before


async def test_a_narrow_token_opens_what_its_scope_names(served: Served, tenant: Tenant) -> None:
    """Of the tenant's own things: what membership alone allows, and to log out."""
    admin, visitor = await served.client(ADMINISTRATOR), await tenant_with_a_narrow_token(served, tenant)
    before = await everything(admin, tenant)
    async for operation, answer in walked(visitor, tenant):
        if operation.id not in PUBLIC | OWN | OF_MEMBERS:
            assert answer.status_code == 403, (operation.id, answer.request.method, answer.request.url)
    assert await everything(admin, tenant) == before


async def test_the_tenant_gets_in_by_the_same_requests(served: Served, tenant: Tenant) -> None:
    """The walk asks for what is there: an administrator is answered what others are refused."""
    admin = await served.client(ADMINISTRATOR)
    opened, learnt = set(), set()
    for operation in operations():
        if operation.method == "GET" or operation.id in {
            "createUser",
            "editCollection",
            "grantAccess",
            "uploadVersion",
        }:
            for method, path, rest in requests_to(operation, tenant):
                answer = await admin.request(method, path, **rest)
                opened |= {operation.id} if answer.is_success else set()
                learnt |= leaked(answer, tenant.words)
    reading = {
        operation.id for operation in operations() if operation.method == "GET" and "bearer" in operation.schemes
    }
    assert opened >= reading | {"createUser", "editCollection", "grantAccess"}
    assert learnt >= {tenant.client.email, tenant.version["id"], tenant.token["token_hash"], CONTENT.decode()}


async def test_every_write_is_refused_on_a_read_only_instance(serve: Serve, tenant: Tenant) -> None:
    """Case 9, on every route: whatever is no GET and no log-in is a write."""
    read_only = serve(read_only=True)
    admin = await read_only.client(ADMINISTRATOR)
    before = await everything(admin, tenant)
    async for operation, answer in walked(admin, tenant):
        if operation.method == "GET" or operation.id in PUBLIC:
            assert answer.status_code != 503, operation.id
            assert not operation.writes
        else:
            assert refusal(answer) == READ_ONLY, operation.id
            assert operation.writes
    assert await everything(admin, tenant) == before

"""An instance served without sockets, and clients that speak to it as somebody.

`serving` builds the real application from settings; only the transport is replaced: requests go straight to it, as
from any address. The clock may be put forward. Accounts and sessions are made below the routes, so that a test pays
for Argon2 only where it is about log-ins.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from json import dumps
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import httpx
from argon2 import PasswordHasher
from starlette.applications import Starlette

from backup_repository import clock, main
from backup_repository.access import signing, store
from backup_repository.access.keys import KeyPair, load_keys
from backup_repository.access.model import COLLECTION_PERMISSIONS, Permission, TokenKind
from backup_repository.api.app import create_app
from backup_repository.config.model import Config
from backup_repository.instance import Instance
from backup_repository.storage.staging import own_staging
from backup_repository.users import store as users_store
from backup_repository.users.model import User

API = "/api/stable"
LOGIN = f"{API}/login_check"
TOKENS = f"{API}/auth/token"
USERS = f"{API}/auth/user"
COLLECTIONS = f"{API}/repository/collection"
HEALTH = "/health"
METRICS = "/metrics/backup_repository_report/influxdb"

PASSWORD = "correct horse battery!"
ADMINISTRATOR = Permission.ADMINISTRATOR
PER_COLLECTION = tuple(permission.value for permission in COLLECTION_PERMISSIONS)
"""The eight names that can be given per collection."""
TENANT = (
    Permission.ROLE_USER,
    Permission.UPLOAD_ALL,
    Permission.CREATE_COLLECTIONS,
    Permission.LIST_COLLECTIONS,
    Permission.SEE_OWN_TOKENS,
    Permission.REVOKE_OWN_TOKENS,
    Permission.GENERATE_TOKENS,
)
"""What an ordinary customer holds: enough for collections of their own."""
STRANGER = (*TENANT, *COLLECTION_PERMISSIONS)
"""A customer who holds the eight everywhere, and yet is a member of no collection but their own."""

ADDRESS = "198.51.100.7"
"""Where clients come from unless a test says otherwise; nobody's proxy."""

Body = bytes | str | AsyncIterator[bytes] | None


class AdjustableClock:
    """The real time, put forward by as much as a test wants, or held where it is."""

    def __init__(self) -> None:
        self._ahead = timedelta()
        self._held: datetime | None = None

    def __call__(self) -> datetime:
        """Give the present moment of the instance."""
        return (self._held or clock.now()) + self._ahead

    def hold(self) -> None:
        """Let time pass no more but by `advance`; the present second begins just now."""
        self._held = clock.now().replace(microsecond=0)

    def advance(self, **span: float) -> None:
        """Put the clock forward (or back), in the words of `timedelta`."""
        self._ahead += timedelta(**span)


@functools.cache
def cheap_hash(password: str) -> str:
    """Hash a password with next to no work; the parameters stand in the hash, so it can be checked like any other."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password)


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody who sends requests: a guest, or the bearer of a token."""

    http: httpx.AsyncClient
    user: User | None = None
    """Who it is; None: a guest."""
    token: str = ""

    @property
    def id(self) -> str:
        """The id of the account; empty for a guest."""
        return "" if self.user is None else self.user.id

    @property
    def email(self) -> str:
        """The e-mail of the account; empty for a guest."""
        return "" if self.user is None else self.user.email

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: Body = None,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        **options: Any,
    ) -> httpx.Response:
        """Send one request; `json` and `content` are the body, `params` the query, repeated headers go as pairs."""
        sent = httpx.Headers(list(headers.items() if isinstance(headers, Mapping) else headers))
        if self.token and "authorization" not in sent:
            sent["authorization"] = f"Bearer {self.token}"
        if json is not None:
            # escaped, so that tests may send what no encoding can hold
            content = dumps(json)
            sent.setdefault("content-type", "application/json")
        request = self.http.build_request(method, path, content=content, headers=sent, **options)
        return await self.http.send(request)

    async def get(self, path: str, **options: Any) -> httpx.Response:
        """Send a GET; the options are those of `request`."""
        return await self.request("GET", path, **options)

    async def post(self, path: str, **options: Any) -> httpx.Response:
        """Send a POST; the options are those of `request`."""
        return await self.request("POST", path, **options)

    async def put(self, path: str, **options: Any) -> httpx.Response:
        """Send a PUT; the options are those of `request`."""
        return await self.request("PUT", path, **options)

    async def delete(self, path: str, **options: Any) -> httpx.Response:
        """Send a DELETE; the options are those of `request`."""
        return await self.request("DELETE", path, **options)

    def bearing(self, token: str) -> Client:
        """The same somebody with another token."""
        return replace(self, token=token)

    async def log_in(self, email: str, password: str = PASSWORD) -> Client:
        """Log in through the route and return the session, which knows no account.

        Raises:
            PermissionError: the server refused; the text is its answer.
        """
        return self.bearing(await self._token_of(LOGIN, {"username": email, "password": password}))

    async def generate(self, *names: str, ttl: int = 3600, description: str = "") -> Client:
        """Generate a token through the route and return the same somebody bearing it.

        Raises:
            PermissionError: the server refused; the text is its answer.
        """
        body = {"requestedPermissions": list(names), "ttl": ttl, "description": description}
        return self.bearing(await self._token_of(TOKENS, body))

    async def create_collection(self, **fields: Any) -> dict[str, Any]:
        """Create a collection through the route and return the COLLECTION.

        Raises:
            PermissionError: the server refused; the text is its answer.
        """
        answer = await self.post(COLLECTIONS, json=collection_fields(**fields))
        collection: dict[str, Any] = _checked(answer, 201)["collection"]
        return collection

    async def grant(self, collection_id: str, to: Client, *names: str) -> None:
        """Give somebody access through the route, replacing what they had.

        Raises:
            PermissionError: the server refused; the text is its answer.
        """
        body = {"user": to.id, "permissions": list(names)}
        _checked(await self.post(f"{COLLECTIONS}/{collection_id}/access", json=body), 200)

    async def upload(self, collection_id: str, content: Body, **options: Any) -> httpx.Response:
        """Upload a raw body; the options are those of `request`."""
        return await self.post(f"{COLLECTIONS}/{collection_id}/versions", content=content, **options)

    async def _token_of(self, path: str, body: Mapping[str, Any]) -> str:
        token: str = _checked(await self.post(path, json=body), 200)["token"]
        return token


def collection_fields(**changes: Any) -> dict[str, Any]:
    """The body of a small collection, changed as wanted; a change to `...` leaves the field out."""
    body: dict[str, Any] = {
        "maxBackupsCount": 5,
        "maxOneVersionSize": "1MB",
        "maxCollectionSize": "10MB",
        "strategy": "delete_oldest_when_adding_new",
        "filename": "db.tar.gz",
        "description": "",
    }
    return {name: value for name, value in (body | changes).items() if value is not ...}


def user_fields(**changes: Any) -> dict[str, Any]:
    """The body of an ordinary account, changed as wanted; a change to `...` leaves the field out."""
    body: dict[str, Any] = {
        "email": f"{uuid4()}@example.org",
        "password": PASSWORD,
        "permissions": [Permission.ROLE_USER.value],
        "data": {},
    }
    return {name: value for name, value in (body | changes).items() if value is not ...}


@dataclass(frozen=True, slots=True)
class Served:
    """One instance that answers requests."""

    instance: Instance
    app: Starlette
    clock: AdjustableClock
    hooks: tuple[Any, ...] = ()
    """Called with each answer before the test sees it."""
    _clients: list[httpx.AsyncClient] = field(default_factory=list)

    @property
    def config(self) -> Config:
        """The settings it runs under."""
        return self.instance.config

    @property
    def storage(self) -> Path:
        """The directory of its storage."""
        directory: Path = self.config.fs_rw.directory  # type: ignore[union-attr] # tests store locally
        return directory

    @property
    def keys(self) -> KeyPair:
        """What it signs tokens with."""
        config = self.config
        return load_keys(config.jwt_secret_key, config.jwt_public_key, config.jwt_passphrase)

    def guest(
        self, address: str | None = ADDRESS, *, url: str = "http://testserver", failures_surface: bool = True
    ) -> Client:
        """Somebody without a token.

        Args:
            address: where the requests come from; None: a Unix socket.
            url: the scheme and `Host` of the requests.
            failures_surface: unforeseen exceptions of the application end the test; else only the answer is seen.
        """
        peer: Any = None if address is None else (address, 50_000)
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=failures_surface, client=peer)
        hooks = {"response": list(self.hooks)}
        http = httpx.AsyncClient(transport=transport, base_url=url, event_hooks=hooks, trust_env=False)
        self._clients.append(http)
        return Client(http)

    async def create_user(self, *permissions: str, **fields: Any) -> User:
        """Record an account with PASSWORD, below the routes; fields are those of the record."""
        record: dict[str, Any] = {
            "id": str(uuid4()),
            "email": f"{uuid4()}@example.org",
            "password_hash": cheap_hash(PASSWORD),
            "permissions": frozenset(Permission(name).value for name in permissions),
            "tags": (),
            "max_allowed_file_size": 0,
            "allowed_ip_addresses": (),
            "allowed_user_agents": (),
            "organization": "",
            "about": "",
            "expires_at": None,
            "active": True,
            "created_at": self.clock(),
        }
        user = User(**record | fields)
        async with self.instance.database.transaction() as tx:
            await users_store.add(tx, user)
        return user

    async def change_user(self, user: User, **fields: Any) -> User:
        """Replace properties of an account below the routes and return it as it is then."""
        changed = replace(user, **fields)
        async with self.instance.database.transaction() as tx:
            await users_store.save(tx, changed)
        return changed

    async def session(self, user: User, *, address: str | None = ADDRESS, seconds: int = 7200) -> Client:
        """Open a recorded login session of an account, below the routes."""
        text, token = signing.sign(
            self.keys,
            user,
            TokenKind.SESSION,
            frozenset(Permission(name) for name in user.permissions),
            lifetime=seconds,
            description="Login",
            now=self.clock(),
        )
        async with self.instance.database.transaction() as tx:
            await store.add_token(tx, token)
        return replace(self.guest(address), user=user, token=text)

    async def client(self, *permissions: str, **fields: Any) -> Client:
        """A login session of a new account with these permissions; fields are those of the record."""
        return await self.session(await self.create_user(*permissions, **fields))

    async def close(self) -> None:
        """Let go of every connection."""
        for http in self._clients:
            await http.aclose()
        await self.instance.database.close()


class Serve(Protocol):
    """Serves one more instance on the test's database; keywords are settings by their lower-case names."""

    def __call__(self, **settings: Any) -> Served:
        """Serve it until the test ends."""


@contextlib.contextmanager
def serving(config: Config, *, hooks: tuple[Any, ...] = ()) -> Iterator[Served]:
    """Build an instance and serve it; the database is migrated by whoever made it, and closed with `close`."""
    adjustable = AdjustableClock()
    with own_staging(config.temp_directory) as staging:
        instance = main.build(config, staging, now=adjustable)
        yield Served(instance, create_app(instance, contextlib.nullcontext), adjustable, hooks)


def _checked(answer: httpx.Response, status: int) -> dict[str, Any]:
    if answer.status_code != status:
        raise PermissionError(f"{answer.status_code} {answer.text}")
    document: dict[str, Any] = answer.json()
    return document

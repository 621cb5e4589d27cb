"""Who is calling: the named types that handlers take.

`Public` anybody · `Authenticated` the bearer of a token · `Writing` one on an instance that may be written. Each is
made by the wrapper of the same name in lower case, so a handler cannot get into the route table without its check.
The wrapper also leaves word of that check for the API's description (`Access`), beside what the handler says of itself.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from backup_repository.access.model import Actor
from backup_repository.api.described import Described, Operation
from backup_repository.api.errors import ProtocolRefusal
from backup_repository.api.paging import simulates
from backup_repository.api.peer import client_address
from backup_repository.errors import ReadOnlyInstance, Unauthenticated
from backup_repository.instance import Instance

FRESH = {"Cache-Control": "no-store"}
"""What every answer of a code-protected route carries, refusals too (contract 10)."""

_NO_TOKEN = "JWT Token not found"  # noqa: S105 - the contract's sentence
_PARTS = 2


@dataclass(frozen=True, slots=True)
class Public:
    """A request of anybody."""

    request: Request
    instance: Instance

    @property
    def query(self) -> QueryParams:
        """The request's query parameters."""
        return self.request.query_params

    @property
    def simulate(self) -> bool:
        """Whether the request only asks what would happen."""
        return simulates(self.request.query_params)

    def path(self, name: str) -> str:
        """Return a part of the path by its name in the route."""
        value: str = self.request.path_params[name]
        return value


@dataclass(frozen=True, slots=True)
class Authenticated(Public):
    """A request of a token's bearer (contract 3.4)."""

    actor: Actor


@dataclass(frozen=True, slots=True)
class Writing(Authenticated):
    """A request of a token's bearer that changes stored state; a read-only instance refuses it (contract 1.7)."""


class Access(Enum):
    """Who may call an endpoint."""

    PUBLIC = auto()
    AUTHENTICATED = auto()
    WRITING = auto()
    HEALTH_CODE = auto()
    METRICS_CODE = auto()
    SCRAPING = auto()
    """With the metrics code, in the query or as a bearer."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What the route table holds: a handler behind its check."""

    access: Access
    name: str
    """The handler's."""
    operation: Operation
    serve: Callable[[Request], Awaitable[Response]]


def public(handler: Described[Public]) -> Endpoint:
    """Let anybody in."""

    async def serve(request: Request) -> Response:
        return await handler.handle(Public(request, _instance(request)))

    return Endpoint(Access.PUBLIC, handler.name, handler.operation, serve)


def authenticated(handler: Described[Authenticated]) -> Endpoint:
    """Let the bearers of good tokens in."""

    async def serve(request: Request) -> Response:
        instance = _instance(request)
        return await handler.handle(Authenticated(request, instance, await _actor(request, instance)))

    return Endpoint(Access.AUTHENTICATED, handler.name, handler.operation, serve)


def writing(handler: Described[Writing]) -> Endpoint:
    """Let the bearers of good tokens in, unless the instance is read-only."""

    async def serve(request: Request) -> Response:
        instance = _instance(request)
        actor = await _actor(request, instance)
        if instance.config.read_only:
            raise ReadOnlyInstance
        return await handler.handle(Writing(request, instance, actor))

    return Endpoint(Access.WRITING, handler.name, handler.operation, serve)


def with_health_code(handler: Described[Public]) -> Endpoint:
    """Let those in who know the health code."""

    async def serve(request: Request) -> Response:
        instance = _instance(request)
        _check_code(request, instance.config.health_check_code)
        return await handler.handle(Public(request, instance))

    return Endpoint(Access.HEALTH_CODE, handler.name, handler.operation, serve)


def with_metrics_code(handler: Described[Public]) -> Endpoint:
    """Let those in who know the metrics code."""

    async def serve(request: Request) -> Response:
        instance = _instance(request)
        _check_code(request, instance.config.metrics_code)
        return await handler.handle(Public(request, instance))

    return Endpoint(Access.METRICS_CODE, handler.name, handler.operation, serve)


def scraping(handler: Described[Public]) -> Endpoint:
    """Let those in who know the metrics code and send it in the query or, as Prometheus prefers, as a bearer."""

    async def serve(request: Request) -> Response:
        instance = _instance(request)
        if not _bears(request, instance.config.metrics_code):
            _check_code(request, instance.config.metrics_code)
        return await handler.handle(Public(request, instance))

    return Endpoint(Access.SCRAPING, handler.name, handler.operation, serve)


def _instance(request: Request) -> Instance:
    instance: Instance = request.app.state.instance
    return instance


async def _actor(request: Request, instance: Instance) -> Actor:
    headers = request.headers.getlist("authorization")
    parts = headers[0].split(" ") if len(headers) == 1 else []
    if len(parts) != _PARTS or parts[0].lower() != "bearer" or not parts[1]:
        raise Unauthenticated(_NO_TOKEN)
    actor = await instance.sessions.identify(
        parts[1],
        address=client_address(request, instance.config.trusted_proxies),
        user_agent=request.headers.get("user-agent", ""),
    )
    request.state.actor = actor.user.id
    return actor


def _bears(request: Request, expected: str) -> bool:
    """Compare the one bearer's word in constant time; an empty setting is nobody's word."""
    headers = request.headers.getlist("authorization")
    scheme, _, given = headers[0].partition(" ") if len(headers) == 1 else ("", "", "")
    same = hmac.compare_digest(given.strip().encode("latin-1", "replace"), expected.encode())
    return same and scheme.lower() == "bearer" and expected != ""


def _check_code(request: Request, expected: str) -> None:
    """Compare the one `code` of the query in constant time; an empty setting closes the endpoint (contract 10)."""
    given = request.query_params.getlist("code")
    same = len(given) == 1 and hmac.compare_digest(given[0].encode(errors="replace"), expected.encode())
    if not (same and expected):
        raise ProtocolRefusal(403, "Access denied", FRESH)

"""One path of the route table with its methods (contract 1.1): HEAD and OPTIONS for free, 405 with `Allow`."""

from __future__ import annotations

import re

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from backup_repository.api.caller import Endpoint
from backup_repository.api.errors import ProtocolRefusal

NAMINGS = ("versions", "version", "backups", "backup")
"""The four spellings of a collection's versions; any other word is an unknown path."""


class _Naming(Convertor[str]):
    """One of the four spellings."""

    regex = "|".join(NAMINGS)

    def convert(self, value: str) -> str:
        """Take the word as it stands."""
        return value

    def to_string(self, value: str) -> str:
        """Write the word as it stands."""
        return value


# a route is compiled when it is made, so the word must be known before the route table is
register_url_convertor("naming", _Naming())


class Resource:
    """A path, and an endpoint per method."""

    def __init__(self, path: str, **endpoints: Endpoint) -> None:
        self.path = path
        """With `{name}` for the variable parts."""
        self.endpoints = endpoints
        """By method, without HEAD and OPTIONS."""

    @property
    def allowed(self) -> tuple[str, ...]:
        """Every method that is offered, sorted."""
        return tuple(sorted({*self.endpoints, "OPTIONS", *(["HEAD"] if "GET" in self.endpoints else [])}))

    def route(self) -> Route:
        """Return the route for the router; it takes every method, so that refusing one is ours."""
        route = Route(self.path, self)
        # the framework's `$` lets a line feed follow, which makes a different path
        route.path_regex = re.compile(route.path_regex.pattern.removesuffix("$") + r"\Z")
        return route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive, send)
        request.state.route = self.path.replace(":naming", "")
        endpoint = self.endpoints.get("GET" if request.method == "HEAD" else request.method)
        allow = {"Allow": ", ".join(self.allowed)}
        if endpoint is not None:
            response = await endpoint.serve(request)
        elif request.method == "OPTIONS":
            response = Response(status_code=204, headers=allow)
        else:
            raise ProtocolRefusal(405, "This method is not offered here", allow)
        await response(scope, receive, send)

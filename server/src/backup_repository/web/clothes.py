"""Puts failures into the console's clothes, for people: what the API's envelopes say becomes a page.

What is said of a failure is decided by the API alone, in one table. Programs, scripts that ask for JSON, and whoever
asks the API, `/health` or `/metrics` keep the envelope.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backup_repository.web.doors import Doors
from backup_repository.web.failures import bad, failure_page
from backup_repository.web.visit import Visit

_log = logging.getLogger(__name__)

_MACHINES = ("/api", "/health", "/metrics", "/assets")
"""Below these nothing is a page."""
_FIRST_FAILURE = 400
_OF_THE_BODY = frozenset({"content-type", "content-length"})


def is_for_people(scope: Scope) -> bool:
    """Whether a browser asks for a page."""
    path: str = scope["path"]
    below = any(path == machine or path.startswith(f"{machine}/") for machine in _MACHINES)
    return not below and "text/html" in Headers(scope=scope).get("accept", "")


class Clothes:
    """Turns envelopes of failures into pages on their way to a browser."""

    def __init__(self, app: ASGIApp, *, doors: Doors) -> None:
        self._app = app
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or not is_for_people(scope):
            await self._app(scope, receive, send)
            return
        held: Message | None = None
        body = bytearray()

        async def watch_send(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and _is_envelope(message):
                held = message
                return
            if held is None:
                await send(message)
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body", False):
                visit = self._doors.visit_of(Request(scope, receive))
                page = _dressed(visit, held["status"], bytes(body), Headers(raw=held["headers"]))
                await page(scope, receive, send)

        await self._app(scope, receive, watch_send)


def dress_the_unforeseen(app: Starlette, doors: Doors) -> None:
    """Show a page about failures that nobody foresaw, too; their traces go to the log alone, as before."""
    plain: Callable[[Request, Exception], Awaitable[Response]] = app.exception_handlers[Exception]

    async def handle(request: Request, error: Exception) -> Response:
        response = await plain(request, error)
        if not is_for_people(request.scope):
            return response
        try:
            return _dressed(
                doors.visit_of(request), response.status_code, bytes(response.body), Headers(raw=response.raw_headers)
            )
        except Exception:  # noqa: BLE001 - the clothes themselves may be what has failed
            _log.exception("no page could be made about a failure")
            return response

    app.add_exception_handler(Exception, handle)


def _is_envelope(message: Message) -> bool:
    kind = Headers(raw=list(message["headers"])).get("content-type", "")
    return message["status"] >= _FIRST_FAILURE and kind.startswith("application/json")


def _dressed(visit: Visit, status: int, envelope: bytes, headers: Headers) -> Response:
    said = json.loads(envelope)
    response = failure_page(visit, status, bad(said["error"]), said.get("code"))
    for name, value in headers.items():  # such as `Allow` or `Retry-After`
        if name not in _OF_THE_BODY and name not in response.headers:
            response.headers[name] = value
    return response

"""What every request goes through before the routes, in plain ASGI.

* `Linger`: an answer that is ready before the body was read reaches the client whole; what still comes in is discarded
  for a bounded time, then the connection is closed (contract 8.4).
* `KnownHosts`: only configured names are served (`TRUSTED_HOSTS`).
* `Cut`: a request that the end of the grace time cuts is answered like any other failure (contract 12: 503).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backup_repository.api.errors import ProtocolRefusal, refusal_response

_PORT = re.compile(r":[0-9]*$")
_LINGER_SECONDS = 30
"""How long a sender that goes on sending is listened to after its answer."""
_SILENCE_SECONDS = 2
"""How long one that has fallen silent is waited for."""


class Linger:
    """Answers early without cutting the sender's connection under the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or not _has_body(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        whole = False
        lingering = False

        async def watch_receive() -> Message:
            nonlocal whole
            message = await receive()
            whole = message["type"] == "http.disconnect" or not message.get("more_body", False)
            return message

        async def hold_send(message: Message) -> None:
            nonlocal lingering
            if message["type"] == "http.response.start" and not whole:
                lingering = True
                message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
            if lingering and message["type"] == "http.response.body" and not message.get("more_body", False):
                await send({**message, "more_body": True})
                await _discard(receive)
                message = {"type": "http.response.body", "body": b"", "more_body": False}
            await send(message)

        await self._app(scope, watch_receive, hold_send)


async def _discard(receive: Receive) -> None:
    try:
        async with asyncio.timeout(_LINGER_SECONDS):
            while True:
                async with asyncio.timeout(_SILENCE_SECONDS):
                    message = await receive()
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


class KnownHosts:
    """Refuses requests for names that are not ours."""

    def __init__(self, app: ASGIApp, *, names: Sequence[str]) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in names if not name.startswith("*."))
        self._suffixes = tuple(name[1:].lower() for name in names if name.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http" and (self._names or self._suffixes):
            name = _PORT.sub("", Headers(scope=scope).get("host", "").lower())
            if name not in self._names and not name.endswith(self._suffixes):
                refusal = refusal_response(ProtocolRefusal(400, "This host name is not served here"))
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


class Cut:
    """Ends requests that are cancelled, which happens only when the server stops, in the contract's form."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; what an unfinished answer lacks, the closed connection tells."""
        started = False

        async def watch_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watch_send)
        except asyncio.CancelledError:
            if scope["type"] != "http":
                raise
            if not started:
                refusal = refusal_response(ProtocolRefusal(503, "Internal server error", {"Connection": "close"}))
                await refusal(scope, receive, send)

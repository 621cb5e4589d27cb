"""One log line per request: who, which route, how it ended. Never a query, a header or a body."""

from __future__ import annotations

import logging
import secrets
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger("backup_repository.requests")

_UNKNOWN = "(unknown path)"


class RequestLog:
    """Times every request, gives it an id, and logs it when it is over.

    What inner parts learn they leave in the request's state: `route` (the path's pattern), `actor` (the account's id).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        state = scope.setdefault("state", {})
        begun = time.monotonic()
        status, received, sent = 0, 0, 0

        async def count_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message

        async def count_send(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], (b"x-request-id", request_id.encode())]}
            sent += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, count_receive, count_send)
        finally:
            fields = {
                "request": request_id,
                "actor": state.get("actor", ""),
                "method": scope["method"],
                "route": state.get("route", _UNKNOWN),
                "status": status,
                "received": received,
                "sent": sent,
                "seconds": round(time.monotonic() - begun, 3),
            }
            _log.info("request", extra={"fields": fields})

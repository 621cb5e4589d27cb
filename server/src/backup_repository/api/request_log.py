"""One log line per request: who, which route, how it ended. Never a query, a header or a body. Here it also counts."""

from __future__ import annotations

import logging
import secrets
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backup_repository.metrics.counters import Counters

_log = logging.getLogger("backup_repository.requests")

UNKNOWN = "(unknown path)"
"""Stands for the pattern of any path that has none."""


class RequestLog:
    """Times every request, gives it an id, and logs and counts it when it is over.

    What inner parts learn they leave in the request's state: `route` (the path's pattern), `actor` (the account's id).
    """

    def __init__(self, app: ASGIApp, *, counters: Counters) -> None:
        self._app = app
        self._counters = counters

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
            sent += len(message.get("body", b"")) + message.get("count", 0)  # a file's, which the kernel sends
            await send(message)

        try:
            await self._app(scope, count_receive, count_send)
        except RuntimeError as error:
            self._counters.failure(error.__cause__)  # what a download broke off with
            raise
        finally:
            seconds = time.monotonic() - begun
            outcome = {
                "method": scope["method"],
                "route": state.get("route", UNKNOWN),
                "status": status,
                "received": received,
                "sent": sent,
            }
            self._counters.request(**outcome, seconds=seconds)
            fields = {"request": request_id, "actor": state.get("actor", ""), **outcome, "seconds": round(seconds, 3)}
            _log.info("request", extra={"fields": fields})

"""What the HTTP server itself answers, in the contract's form (contract 1.3 E6, 8.4), and to whom; bounded heads.

uvicorn parses strictly but answers in plain text, reads request heads of any length, and drops the answer to a client
that has closed its sending side, although such a client may still listen. Nor does it know of files: see `sendfile`.
"""

from __future__ import annotations

import http
import json
from collections.abc import Awaitable, Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from backup_repository.cli import sendfile

_MAX_HEAD = 64 * 1024
"""Bytes of a request line and its headers."""


class ContractProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 with the contract's envelopes."""

    _head_bytes = 0
    _in_head = True
    _ended = False
    """Whether the client has closed its sending side."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.app = self._breaking_off(self.app)

    def eof_received(self) -> bool:  # type: ignore[override] # uvicorn's returns nothing, which closes
        """Keep the connection open as long as an answer is owed (contract 8.4: "if still deliverable")."""
        owing: Any = self.cycle  # None before the first request, which uvicorn's types do not say
        if not owing or owing.response_complete:
            return False
        self._ended = True
        owing.keep_alive = False
        owing.message_event.set()
        return True

    def data_received(self, data: bytes) -> None:
        """Take bytes off the connection; a head that goes on for too long ends it."""
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > _MAX_HEAD and not self.transport.is_closing():
            self._refuse(431, f"The request line and headers may have at most {_MAX_HEAD} bytes")

    def on_message_begin(self) -> None:
        """Begin to count the next head."""
        self._in_head = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop counting; what follows is the body."""
        self._in_head = False
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be parsed as HTTP."""
        del msg
        self._refuse(400, "The request is not valid HTTP")

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Answer a request; the kernel may send files in the answer."""
        super()._start_asgi_task(cycle, sendfile.offering(cycle, app))

    def _breaking_off(self, app: Any) -> Any:
        """Wrap an ASGI application so that a body whose rest will never come ends for it like a lost connection."""

        async def wrapped(scope: Any, receive: Callable[[], Awaitable[Any]], send: Any) -> None:
            async def watch() -> Any:
                message = await receive()
                if self._ended and message["type"] == "http.request" and message.get("more_body", False):
                    return {"type": "http.disconnect"}
                return message

            await app(scope, watch, send)

        return wrapped

    def _refuse(self, status: int, message: str) -> None:
        answering: Any = self.cycle  # None before the first request, which uvicorn's types do not say
        if self.pipeline or (answering and answering.response_started and not answering.response_complete):
            self.transport.close()  # an answer is under way; a second one would be taken for its body
            return
        content: dict[str, Any] = {"error": message, "code": status, "type": "app.fatal-error"}
        body = json.dumps(content, indent=4).encode()
        head = (
            f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

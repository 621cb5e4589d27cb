"""An answer whose body is an open blob (contract 8.7, B 1.2).

* A local file is sent by the kernel where the HTTP server offers that (ASGI's `http.response.zerocopysend`); anything
  else is streamed.
* Nothing is read for a client that is gone, or that took nothing for too long.
* A body that breaks off leaves the answer unfinished, which the client sees: its connection ends before its length.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing
from functools import partial
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from backup_repository.api.ranges import Slice
from backup_repository.errors import StorageCorrupt, StorageUnavailable
from backup_repository.storage.base import OpenFile

_SENT_FILE = "http.response.zerocopysend"
_PART = 4 * 1024 * 1024
"""Bytes of a file that the HTTP server is given at once."""


class OpenedContent(Response):
    """The answer; that its body is already open lets a missing blob be refused properly."""

    def __init__(
        self,
        stack: AsyncExitStack,
        chunks: AsyncIterator[bytes],
        span: Slice,
        status: int,
        headers: Mapping[str, str],
        *,
        idle_seconds: float,
    ) -> None:
        """Take what closes the blob, its bytes, where they lie in it, and how long a client may take nothing."""
        super().__init__(None, status, dict(headers))
        self._stack = stack
        self._chunks = chunks
        self._span = span
        self._idle_seconds = idle_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the headers, then part after part, until the client is gone or takes nothing for too long."""
        async with self._stack, aclosing(self._parts(scope)) as parts:
            leaving = asyncio.create_task(_disconnected(receive))
            try:
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                async for part in parts:
                    if leaving.done():
                        return
                    try:
                        async with asyncio.timeout(self._idle_seconds) as silence:
                            with _reading():
                                await send({**part, "moved": partial(self._go_on, silence)})
                    except TimeoutError:
                        return  # the HTTP server closes the connection under the unfinished answer
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            finally:
                leaving.cancel()

    async def _parts(self, scope: Scope) -> AsyncGenerator[dict[str, Any], None]:
        if isinstance(self._chunks, OpenFile) and _SENT_FILE in scope.get("extensions", {}):
            for start in range(self._span.start, self._span.end, _PART):
                count = min(_PART, self._span.end - start)
                yield {"type": _SENT_FILE, "file": self._chunks, "offset": start, "count": count, "more_body": True}
        else:
            async for chunk in self._chunks:
                yield {"type": "http.response.body", "body": chunk, "more_body": True}

    def _go_on(self, silence: asyncio.Timeout) -> None:
        """Begin to wait anew, for the client has taken a piece of a part."""
        silence.reschedule(asyncio.get_running_loop().time() + self._idle_seconds)


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    """Say what the HTTP server found out about the file in the words of the domain.

    Raises:
        StorageError: in place of what sending a file raises.
    """
    try:
        yield
    except EOFError as error:
        raise StorageCorrupt from error
    except OSError as error:
        raise StorageUnavailable from error


async def _disconnected(receive: Receive) -> None:
    """Wait until the client is gone; the HTTP server itself would go on taking the bytes for nobody."""
    while (await receive())["type"] != "http.disconnect":
        pass

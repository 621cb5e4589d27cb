"""Files that the kernel sends by itself: ASGI's `http.response.zerocopysend` on uvicorn's connections.

* A thread lets the kernel send until the connection takes no more; then the event loop alone waits for it. So a slow
  reader holds neither a thread nor memory, and a slow disk does not hold up the loop.
* What the transport still has to send goes first.
* After bytes that could not be sent nothing else is: the connection ends, and the client sees an unfinished answer.

The answer needs a `Content-Length`. In the message `offset` and `count` are required, and so is `moved`, of which ASGI
knows nothing: it is called whenever the connection has taken bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from collections.abc import Iterator
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from backup_repository.storage.threads import Threads

_EXTENSION = "http.response.zerocopysend"
"""What ASGI calls it."""

_THREADS = 32
_BLOCK = 256 * 1024
"""Bytes that are copied at once where the kernel cannot send."""
_CANNOT_SEND = frozenset({errno.EINVAL, errno.ENOSYS})
"""What the kernel says of file systems whose files it cannot send."""

_threads = Threads("sending", _THREADS)


class _ClientGone(Exception):
    """The connection takes nothing any more."""


def offering(cycle: RequestResponseCycle, app: Any) -> Any:
    """Wrap an ASGI application so that it may let the kernel send the body of one answer; not through TLS."""
    if cycle.scope["scheme"] != "http":
        return app

    async def offered(scope: Any, receive: Any, send: Any) -> None:
        async def send_either(message: Any) -> None:
            if message["type"] != _EXTENSION:
                await send(message)
                return
            await _send_part(cycle, message)
            if not message.get("more_body", False):
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        scope.setdefault("extensions", {})[_EXTENSION] = {}
        await app(scope, receive, send_either)

    return offered


async def _send_part(cycle: RequestResponseCycle, message: Any) -> None:
    """Send a part of an open file as a part of the body; to a client that is gone, nothing.

    Raises:
        EOFError: the file ends before.
        OSError: it cannot be read.
        RuntimeError: there is no such part in this answer.
    """
    if not cycle.response_started or cycle.response_complete or cycle.chunked_encoding:
        raise RuntimeError("A file can be sent only in an answer that is under way and has a Content-Length")
    if cycle.scope["method"] == "HEAD":
        return
    if message["count"] > cycle.expected_content_length:
        raise RuntimeError("Response content longer than Content-Length")
    await _flush(cycle)
    if not _is_lost(cycle):
        with _own_descriptor(cycle) as connection:
            await _send_all(cycle, connection, message)
    if _is_lost(cycle):
        cycle.disconnected = True
        cycle.message_event.set()
        await asyncio.sleep(0)  # so that the application learns of it before it gives the next part


async def _send_all(cycle: RequestResponseCycle, connection: int, message: Any) -> None:
    file, offset, end = message["file"].fileno(), message["offset"], message["offset"] + message["count"]
    while offset < end and not _is_lost(cycle):
        try:
            sent = await _threads.complete(_push, connection, file, offset, end)
        except _ClientGone:
            cycle.transport.abort()
            return
        offset += sent
        cycle.expected_content_length -= sent
        message["moved"]()
        if offset < end:
            await _writable(cycle, connection)


async def _flush(cycle: RequestResponseCycle) -> None:
    """Wait until the transport has nothing to send any more, or the connection is lost."""
    if cycle.transport.get_write_buffer_size():
        cycle.transport.set_write_buffer_limits(0)
        try:
            await cycle.flow.drain()
        finally:
            if not cycle.transport.is_closing():
                cycle.transport.set_write_buffer_limits()


@contextlib.contextmanager
def _own_descriptor(cycle: RequestResponseCycle) -> Iterator[int]:
    """Give a descriptor of the connection that the transport does not close under a thread, and the loop may watch."""
    descriptor = os.dup(cycle.transport.get_extra_info("socket").fileno())
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _is_lost(cycle: RequestResponseCycle) -> bool:
    return cycle.disconnected or cycle.transport.is_closing()


async def _writable(cycle: RequestResponseCycle, connection: int) -> None:
    """Wait until the connection takes bytes again or is lost, which the protocol tells the same flow control."""
    if _is_lost(cycle):  # and was told before
        return
    loop = asyncio.get_running_loop()
    cycle.flow.pause_writing()
    loop.add_writer(connection, cycle.flow.resume_writing)
    try:
        await cycle.flow.drain()
    finally:
        loop.remove_writer(connection)
        cycle.flow.resume_writing()


def _push(connection: int, file: int, offset: int, end: int) -> int:
    """Send until the end or until the connection takes no more; return the number of bytes.

    Raises:
        _ClientGone: the connection is broken.
        EOFError: the file ends before.
        OSError: it cannot be read.
    """
    begun = offset
    while offset < end:
        try:
            sent = _move(connection, file, offset, end - offset)
        except BlockingIOError:
            break
        except OSError as error:
            os.pread(file, 1, offset)  # to tell which of the two is broken
            raise _ClientGone from error
        if not sent:
            raise EOFError("The file is shorter than what was announced of it")
        offset += sent
    return offset - begun


def _move(connection: int, file: int, offset: int, count: int) -> int:
    try:
        return os.sendfile(connection, file, offset, count)
    except OSError as error:
        if error.errno not in _CANNOT_SEND:
            raise
        return os.write(connection, os.pread(file, min(count, _BLOCK), offset))

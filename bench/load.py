"""Small requests, as many as a server answers: one thread waits for all connections, so that little is spent here."""

from __future__ import annotations

import select
import socket
import time
from dataclasses import dataclass

from bench.client import Refused, Request, connect

_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"
_BLOCK = 1 << 18
_PATIENCE = 60.0
"""Seconds without an answer after which a server counts as broken."""


@dataclass(slots=True)
class _Line:
    """One lasting connection with one request on its way."""

    connection: socket.socket
    asked: float = 0.0
    received: bytes = b""


def repeat(request: Request, times: int, connections: int, body: bytes | None = None) -> list[float]:
    """Send a request again and again on lasting connections; return the seconds that each one took.

    Raises:
        Refused: an answer is no success, or there is none.
    """
    message = request.head(None if body is None else len(body)) + (body or b"")
    lines = {line.connection.fileno(): line for line in (_Line(connect(request)) for _ in range(connections))}
    taken: list[float] = []
    with select.epoll() as ready:
        for number, line in lines.items():
            ready.register(number, select.EPOLLIN)
            _ask(line, message)
        while len(taken) < times:
            events = ready.poll(_PATIENCE)
            if not events:
                raise Refused(f"{request.path}: no answer")
            for number, _ in events:
                line = lines[number]
                if _answered(line, request):
                    taken.append(time.perf_counter() - line.asked)
                    _ask(line, message)
    for line in lines.values():
        line.connection.close()
    return taken


def _ask(line: _Line, message: bytes) -> None:
    line.received = b""
    line.asked = time.perf_counter()
    line.connection.sendall(message)


def _answered(line: _Line, request: Request) -> bool:
    """Read what came and tell whether it is a whole answer.

    Raises:
        Refused: it is no success, or the server closed the connection.
    """
    came = line.connection.recv(_BLOCK)
    line.received += came
    head, found, rest = line.received.partition(_END)
    if not came or (found and not head.startswith(b"HTTP/1.1 2")):
        raise Refused(f"{request.path}: {line.received[:2000].decode(errors='replace') or 'the connection was closed'}")
    if not found:
        return False
    length = head.lower().partition(_LENGTH)[2].partition(b"\r\n")[0]
    return len(rest) >= int(length)

"""The one client of all measurements: as cheap as a sender and a receiver can be, so that the servers are measured.

A body goes from a file to the socket by `sendfile`, a download into one block that is overwritten again and again.
"""

from __future__ import annotations

import http.client
import os
import socket
import struct
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_BLOCK = 1 << 20
_AT_ONCE = 1 << 30
"""Bytes that one call of `sendfile` may send."""
_PATIENCE = 300
"""Seconds without a byte after which a server counts as broken."""


class Refused(Exception):
    """The server did not do what is measured; the text is its answer."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a server on this machine."""

    method: str
    port: int
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def head(self, length: int | None = None) -> bytes:
        """Write the request line and the headers; with a length they announce a body."""
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        return "\r\n".join([*lines, "", ""]).encode()


def upload(request: Request, source: Path) -> bytes:
    """Send a file and return the body of the answer.

    Raises:
        Refused: the answer is no success.
    """
    with _connect(request.port) as connection, source.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        connection.sendall(request.head(size))
        sent = 0
        while sent < size:
            sent += os.sendfile(connection.fileno(), file.fileno(), sent, min(size - sent, _AT_ONCE))
        return _read(_answer(connection, request))


def download(request: Request) -> int:
    """Receive a body, keep nothing, and return its length in bytes.

    Raises:
        Refused: the answer is no success, or the body breaks off.
    """
    with _connect(request.port) as connection:
        connection.sendall(request.head())
        answer = _answer(connection, request)
        announced = answer.length
        block, count = bytearray(_BLOCK), 0
        while size := answer.readinto(block):
            count += size
        if announced is not None and count != announced:
            raise Refused(f"{count} of {announced} bytes came")
        return count


def repeat(request: Request, times: int, connections: int) -> list[float]:
    """Send a small request again and again on lasting connections; return the seconds that each one took.

    Raises:
        Refused: an answer is no success.
    """
    taken: list[float] = []
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            with _connect(request.port) as connection:
                for _ in range(times // connections):
                    start = time.perf_counter()
                    connection.sendall(request.head())
                    _read(_answer(connection, request))
                    taken.append(time.perf_counter() - start)
        except (OSError, Refused) as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise Refused(str(failures[0]))
    return taken


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    # Time-outs of the kernel's: those of Python would make the socket non-blocking, with one `poll` more per call.
    patience = struct.pack("ll", _PATIENCE, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, patience)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, patience)
    return connection


def _answer(connection: socket.socket, request: Request) -> http.client.HTTPResponse:
    answer = http.client.HTTPResponse(connection, method=request.method)
    answer.begin()
    if not 200 <= answer.status < 300:
        raise Refused(f"{request.method} {request.path}: {answer.status} {answer.read(2000).decode(errors='replace')}")
    return answer


def _read(answer: http.client.HTTPResponse) -> bytes:
    body = answer.read()
    answer.close()
    return body

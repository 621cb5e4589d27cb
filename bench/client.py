"""The one client of all measurements: as cheap as a sender and a receiver can be, so that the servers are measured.

A body goes from a file to the socket by `sendfile`, a download into one block that is overwritten again and again.
"""

from __future__ import annotations

import functools
import http.client
import mmap
import os
import socket
import ssl
import struct
from collections.abc import Callable, Iterable, Mapping
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
    host: str = ""
    """The name asked for; empty: the address."""
    certificate: Path | None = None
    """Speak TLS with the server that has this one."""
    unix: Path | None = None
    """Where the server listens when it is a Unix socket; the port means nothing then."""

    def head(self, length: int | None = None) -> bytes:
        """Write the request line and the headers; with a length they announce a body."""
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {self.host or f'127.0.0.1:{self.port}'}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        return "\r\n".join([*lines, "", ""]).encode()


def upload(request: Request, source: Path) -> bytes:
    """Send a file and return the body of the answer.

    Raises:
        Refused: the answer is no success.
    """
    with connect(request) as connection, source.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        connection.sendall(request.head(size))
        if isinstance(connection, ssl.SSLSocket):
            _send_mapped(connection, file.fileno(), size)
        else:
            _send_file(connection, file.fileno(), size)
        return _read(_answer(connection, request))


def send(request: Request, size: int, blocks: Iterable[memoryview]) -> bytes:
    """Send a body of so many bytes that is made block by block, and return the body of the answer.

    Raises:
        Refused: the answer is no success.
    """
    with connect(request) as connection:
        connection.sendall(request.head(size))
        for block in blocks:
            connection.sendall(block)
        return _read(_answer(connection, request))


def download(request: Request, see: Callable[[memoryview], None] | None = None) -> int:
    """Receive a body, keep nothing, and return its length in bytes.

    Args:
        request: what to ask for.
        see: gets every block before it is overwritten.

    Raises:
        Refused: the answer is no success, or the body breaks off.
    """
    with connect(request) as connection:
        connection.sendall(request.head())
        answer = _answer(connection, request)
        announced = answer.length
        block, count = memoryview(bytearray(_BLOCK)), 0
        while size := answer.readinto(block):
            if see is not None:
                see(block[:size])
            count += size
        if announced is not None and count != announced:
            raise Refused(f"{count} of {announced} bytes came")
        return count


def fetch(request: Request) -> bytes:
    """Send a request without a body and return the body of the answer.

    Raises:
        Refused: the answer is no success.
    """
    with connect(request) as connection:
        connection.sendall(request.head())
        return _read(_answer(connection, request))


def connect(request: Request) -> socket.socket:
    """Open a fresh connection to where a request goes."""
    if request.unix is not None:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(request.unix))
    else:
        connection = socket.create_connection(("127.0.0.1", request.port))
    # Time-outs of the kernel's: those of Python would make the socket non-blocking, with one `poll` more per call.
    patience = struct.pack("ll", _PATIENCE, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, patience)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, patience)
    if request.certificate is None:
        return connection
    return trusting(request.certificate).wrap_socket(connection, server_hostname=request.host or "localhost")


@functools.cache
def trusting(certificate: Path) -> ssl.SSLContext:
    """Return settings of TLS that trust one certificate."""
    return ssl.create_default_context(cafile=str(certificate))


def _send_file(connection: socket.socket, file: int, size: int) -> None:
    """Let the kernel send a file."""
    sent = 0
    while sent < size:
        sent += os.sendfile(connection.fileno(), file, sent, min(size - sent, _AT_ONCE))


def _send_mapped(connection: ssl.SSLSocket, file: int, size: int) -> None:
    """Send a file by TLS, block by block out of the page cache."""
    with mmap.mmap(file, size, prot=mmap.PROT_READ) as mapped, memoryview(mapped) as whole:
        for start in range(0, size, _BLOCK):
            with whole[start : start + _BLOCK] as block:
                connection.sendall(block)


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

"""HTTP as it looks on a socket: the same requests over TCP, TLS and a Unix socket, bodies sent piece by piece."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from world.bodies import BLOCK

Block: TypeAlias = bytes | memoryview
Headers: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]

PATIENCE = 60.0
"""Seconds without a byte after which the other side counts as broken."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        """Read the body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Address:
    """A place that speaks HTTP."""

    open: Callable[[], socket.socket]
    """Opens a fresh connection."""
    host: str
    """For the `Host` header."""

    @contextlib.contextmanager
    def connected(self) -> Iterator[http.client.HTTPConnection]:
        """Give a connection for one request."""
        connection = http.client.HTTPConnection(self.host)
        connection.sock = self.open()
        connection.sock.settimeout(PATIENCE)
        with contextlib.closing(connection):
            yield connection

    def ask(self, method: str, path: str, headers: Headers = (), body: bytes | Iterable[Block] = b"") -> Answer:
        """Send one request and read its answer, also one that comes before the body is sent.

        A body that is no bytes is sent chunked, unless the headers say its length.
        """
        with self.connected() as connection:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
                send_head(connection, method, path, headers, body)
                send_body(connection, headers, body)
            return read_answer(connection, method)

    def fetch(self, path: str, headers: Headers = ()) -> tuple[int, int, str]:
        """Download without keeping anything; return status, number of bytes and SHA-256 in hex."""
        with self.connected() as connection:
            send_head(connection, "GET", path, headers, b"")
            response = http.client.HTTPResponse(connection.sock, method="GET")
            with contextlib.closing(response):
                response.begin()
                digest, count, block = hashlib.sha256(), 0, bytearray(BLOCK)
                while size := response.readinto(block):
                    digest.update(memoryview(block)[:size])
                    count += size
                return response.status, count, digest.hexdigest()


def send_head(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    headers: Headers = (),
    body: bytes | Iterable[Block] = b"",
) -> None:
    """Send the request line and the headers; repeated headers are sent repeatedly."""
    connection.putrequest(method, path, skip_accept_encoding=True)
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    for name, value in pairs:
        connection.putheader(name, value)
    if not _announced(pairs):
        if not isinstance(body, bytes):
            connection.putheader("Transfer-Encoding", "chunked")
        elif body or method in {"POST", "PUT"}:
            connection.putheader("Content-Length", str(len(body)))
    connection.endheaders()


def send_body(connection: http.client.HTTPConnection, headers: Headers, body: bytes | Iterable[Block]) -> None:
    """Send a whole body in the way its head announced."""
    if isinstance(body, bytes):
        connection.send(body)
    elif _announced(headers):
        for block in body:
            connection.send(block)
    else:
        for block in body:
            send_chunk(connection, block)
        connection.send(b"0\r\n\r\n")


def send_chunk(connection: http.client.HTTPConnection, block: Block) -> None:
    """Send one chunk of a chunked body."""
    connection.send(b"%x\r\n" % len(block))
    connection.send(block)
    connection.send(b"\r\n")


def read_answer(connection: http.client.HTTPConnection, method: str = "GET") -> Answer:
    """Read the answer to a request that was sent by hand."""
    response = http.client.HTTPResponse(connection.sock, method=method)
    with contextlib.closing(response):
        response.begin()
        return Answer(response.status, response.headers, response.read())


def _announced(headers: Headers) -> bool:
    return "content-length" in {
        name.lower() for name, _ in (headers.items() if isinstance(headers, Mapping) else headers)
    }


def tcp(host: str, port: int) -> Address:
    """Speak plain HTTP over TCP."""
    return Address(lambda: socket.create_connection((host, port), PATIENCE), f"{host}:{port}")


def unix(path: str) -> Address:
    """Speak plain HTTP over a Unix socket."""

    def open_socket() -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(path)
        except OSError:
            connection.close()
            raise
        return connection

    return Address(open_socket, "localhost")


def as_json(fields: Mapping[str, Any]) -> bytes:
    """Write a request body."""
    return json.dumps(fields).encode()

"""A server that does what a test wants it to do wrong: real sockets, TLS if wanted, one script per request."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TypeAlias

from realm.configs import COLLECTION

PATH = f"/api/stable/repository/collection/{COLLECTION}"
VERSIONS = f"{PATH}/versions"
FILENAME = "db.tar.gz"
VERSION_ID = "11111111-2222-4333-8444-555555555555"
_PATIENCE = 60.0
_PHRASES = {200: "OK", 206: "Partial Content", 302: "Found", 400: "Bad Request", 403: "Forbidden", 404: "Not Found"}


class Exchange:
    """One request, and the connection to answer on."""

    def __init__(self, connection: socket.socket, file: BinaryIO) -> None:
        self.connection = connection
        self._file = file
        self.method = self.path = ""
        self.headers: dict[str, str] = {}
        self.body = b""
        """What came so far; only of requests whose body was read."""
        self.whole = False
        """Whether the closing chunk came."""
        self.tail = b""
        """What came in place of a whole chunk when the connection ended."""

    def read_head(self) -> bool:
        """Read request line and headers; false when nobody asks any more."""
        line = self._file.readline()
        if not line:
            return False
        self.method, self.path, _ = line.decode().split(" ", 2)
        while (line := self._file.readline()) not in {b"\r\n", b""}:
            name, _, value = line.decode().partition(":")
            self.headers[name.lower()] = value.strip()
        return True

    def read_chunks(self, at_most: int | None = None) -> None:
        """Read a chunked body to its end, to the end of the connection, or until so many bytes are there."""
        blocks: list[bytes] = []
        count = 0
        with suppress(ConnectionError):
            while at_most is None or count < at_most:
                line = self._file.readline()
                if not line.endswith(b"\r\n"):
                    self.tail = line
                    break
                size = int(line, 16)
                data = self._file.read(size + 2)
                if size == 0:
                    self.whole = True
                    break
                if len(data) < size + 2:
                    self.tail = data
                    break
                blocks.append(data[:size])
                count += size
        self.body = b"".join(blocks)

    def answer(self, status: int, body: bytes | Mapping[str, Any] = b"", **headers: str) -> None:
        """Answer; underscores in names of headers are dashes."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        fields = {"Content-Length": str(len(data))} | {name.replace("_", "-"): text for name, text in headers.items()}
        lines = "".join(f"{name}: {text}\r\n" for name, text in fields.items())
        phrase = _PHRASES.get(status, "Something")
        self.connection.sendall(f"HTTP/1.1 {status} {phrase}\r\n{lines}\r\n".encode() + data)

    def hang_up(self) -> None:
        """End the connection when everything was sent."""
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """Cut the connection so that the other side notices at once."""
        with suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._file.close()
        self.connection.close()


Script: TypeAlias = Callable[[Exchange], None]


@dataclass
class StandIn:
    """What it answers, and what it was asked."""

    url: str = ""
    scripts: dict[tuple[str, str], list[Script]] = field(default_factory=dict)
    """By method and path; each script answers one request, the last one all that follow."""
    exchanges: list[Exchange] = field(default_factory=list)
    """Every request, in order of their heads."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def on(self, method: str, path: str, *scripts: Script) -> None:
        """Say how requests are answered."""
        self.scripts[method, path] = list(scripts)

    def asked(self, method: str, path: str) -> list[Exchange]:
        """Return the requests of one kind so far."""
        return [exchange for exchange in self.exchanges if (exchange.method, exchange.path) == (method, path)]

    def serve(self, connection: socket.socket) -> None:
        """Answer the requests of one connection."""
        connection.settimeout(_PATIENCE)
        with suppress(OSError, ValueError), connection, connection.makefile("rb") as file:
            while (exchange := Exchange(connection, file)).read_head():
                with self._lock:
                    self.exchanges.append(exchange)
                    scripts = self.scripts.get((exchange.method, exchange.path.partition("?")[0]), [_unknown])
                    script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
                script(exchange)


@contextmanager
def standin_server(context: ssl.SSLContext | None = None, *, port: int = 0) -> Iterator[StandIn]:
    """Run one on loopback; it knows the collection of `realm.configs` and takes uploads, unless told otherwise."""
    with socket.create_server(("127.0.0.1", port)) as listening:
        scheme = "http" if context is None else "https"
        standin = StandIn(f"{scheme}://127.0.0.1:{listening.getsockname()[1]}")
        standin.on("GET", PATH, lambda exchange: exchange.answer(200, collection()))
        standin.on("GET", VERSIONS, lambda exchange: exchange.answer(200, versions()))
        standin.on("POST", VERSIONS, take)
        threads: list[threading.Thread] = []

        def welcome(connection: socket.socket) -> None:
            if context is None:
                return standin.serve(connection)
            with suppress(OSError):  # whoever does not like the certificate goes
                standin.serve(context.wrap_socket(connection, server_side=True))
            return connection.close()

        def accept() -> None:
            with suppress(OSError):  # closed below
                while True:
                    thread = threading.Thread(target=welcome, args=(listening.accept()[0],), daemon=True)
                    thread.start()
                    threads.append(thread)

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield standin
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for thread in threads:
                thread.join(_PATIENCE)


def collection() -> dict[str, Any]:
    """Return the answer to a look at the collection."""
    return {"message": "OK", "status": True, "collection": {"id": COLLECTION, "filename": FILENAME}}


def version(number: int, checksum: str, size: int = 0, identifier: str = VERSION_ID) -> dict[str, Any]:
    """Return a version as the server describes it."""
    return {
        "id": identifier,
        "version": number,
        "creation_date": "2026-05-01T12:00:00.000000Z",
        "file": {"id": number, "filename": f"0123456789db.tar-v{number}.gz", "filesize_bytes": size},
        "checksum": {"algorithm": "sha256", "value": checksum},
    }


def versions(*known: Mapping[str, Any]) -> dict[str, Any]:
    """Return a list of versions."""
    return {"message": "OK", "versions": {str(one["version"]): {"details": one, "url": ""} for one in known}}


def uploaded(body: bytes, **changes: Any) -> dict[str, Any]:
    """Return the answer to an upload; a change to None leaves the field of the version out."""
    described = version(1, hashlib.sha256(body).hexdigest(), len(body)) | changes
    described = {name: value for name, value in described.items() if value is not None}
    return {"message": "File was uploaded", "status": True, "version": described} | {
        "collection": collection()["collection"]
    }


def take(exchange: Exchange) -> None:
    """Take an upload as the real server does."""
    exchange.read_chunks()
    if exchange.whole:
        exchange.answer(200, uploaded(exchange.body))
    else:
        exchange.cut()


def give(
    content: bytes, *, cut_after: int | None = None, tag: str | None = None, served: bytes | None = None
) -> Script:
    """Serve a version as the real server does, ranges included.

    Args:
        content: what is stored; its digest is announced.
        cut_after: cut the connection after so many bytes of the answer's body.
        tag: another digest to announce as entity tag.
        served: other bytes to send.
    """
    digest = hashlib.sha256(content)
    entity = tag or digest.hexdigest()
    data = content if served is None else served

    def script(exchange: Exchange) -> None:
        headers = {"ETag": f'"{entity}"', "Accept-Ranges": "bytes"}
        if tag is None:
            headers["Repr-Digest"] = f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
        start, status = 0, 200
        asked = exchange.headers.get("range")
        if asked is not None and exchange.headers.get("if-range") == headers["ETag"]:
            start, status = int(asked.removeprefix("bytes=").removesuffix("-")), 206
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        body = data[start:]
        if cut_after is None:
            exchange.answer(status, body, **{name.replace("-", "_"): text for name, text in headers.items()})
            return
        lines = "".join(f"{name}: {text}\r\n" for name, text in headers.items())
        head = f"HTTP/1.1 {status} OK\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
        exchange.connection.sendall(head.encode() + body[:cut_after])
        exchange.hang_up()

    return script


def _unknown(exchange: Exchange) -> None:
    exchange.answer(404, {"error": "Route or resource not found", "code": 404, "type": "app.not-found"})

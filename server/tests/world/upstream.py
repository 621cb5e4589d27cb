"""An application that always says the same, for what the real one does not say on demand."""

from __future__ import annotations

import contextlib
import http.client
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived."""

    line: str
    headers: Message
    body: bytes


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where it listens, and the directories that NGINX would share with it."""

    socket: Path
    incoming: Path
    storage: Path
    asked: list[Asked] = field(default_factory=list)
    """What it was asked, in order."""


@dataclass(frozen=True, slots=True)
class Store:
    """Stands for an object store that NGINX asks."""

    port: int
    asked: list[Asked]
    """What it was asked, in order."""


@contextmanager
def store(*words: bytes) -> Iterator[Store]:
    """Answer each request on a loopback port with the next of these words, and with the last one for ever."""
    left, asked = list(words), list[Asked]()

    class Saying(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            line = self.rfile.readline().decode().strip()
            asked.append(Asked(line, http.client.parse_headers(self.rfile), b""))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(left.pop(0) if len(left) > 1 else left[0])
                self.connection.shutdown(socket.SHUT_WR)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Saying) as server:
        listening = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        listening.start()
        try:
            yield Store(server.server_address[1], asked)
        finally:
            server.shutdown()
            listening.join()


@contextmanager
def upstream(root: Path, words: bytes) -> Iterator[Upstream]:
    """Answer every request with these words, in a connection of its own; without words stay silent.

    Args:
        root: an empty directory.
        words: a whole answer, head and body.
    """
    places = Upstream(root / "server.sock", root / "incoming", root / "storage")
    places.incoming.mkdir()
    places.storage.mkdir()
    ended = threading.Event()

    class Saying(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            line = self.rfile.readline().decode().strip()
            headers = http.client.parse_headers(self.rfile)
            body = self.rfile.read(int(headers.get("Content-Length", "0")))
            places.asked.append(Asked(line, headers, body))
            if not words:
                ended.wait()
            with contextlib.suppress(BrokenPipeError):
                self.wfile.write(words)
                self.connection.shutdown(socket.SHUT_WR)

    with socketserver.ThreadingUnixStreamServer(str(places.socket), Saying) as server:
        listening = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        listening.start()
        try:
            yield places
        finally:
            ended.set()
            server.shutdown()
            listening.join()

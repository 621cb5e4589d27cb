"""A proxy that passes everything on but some answers: those it keeps to itself."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Relay:
    """Where it listens, and whether it has kept an answer."""

    port: int
    kept: threading.Event = field(default_factory=threading.Event)


@contextmanager
def relay(upstream: str, keeps: Callable[[str], bool], *, hangs_up: bool) -> Iterator[Relay]:
    """Stand in front of a server.

    Args:
        upstream: host and port of the server, as `127.0.0.1:8000`.
        keeps: whether the answer to a request with this head is kept.
        hangs_up: then the client's connection is closed; otherwise the client waits.
    """
    host, _, port = upstream.rpartition(":")

    class Passing(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            head = b""
            while b"\r\n\r\n" not in head and (data := self.request.recv(65536)):
                head += data
            with socket.create_connection((host, int(port)), _PATIENCE) as behind:
                behind.sendall(head)
                asking = threading.Thread(target=_pass_on, args=(self.request, behind))
                asking.start()
                if not keeps(head.decode("latin-1")):
                    _pump(behind, self.request)
                elif behind.recv(65536):
                    known.kept.set()
                    if not hangs_up:
                        asking.join()
                _hang_up(self.request)
                asking.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Passing) as server:
        known = Relay(server.server_address[1])
        listening = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        listening.start()
        try:
            yield known
        finally:
            server.shutdown()
            listening.join()


def _pass_on(client: socket.socket, behind: socket.socket) -> None:
    """Pass on what the client sends, and also that it has hung up."""
    _pump(client, behind)
    _hang_up(behind)


def _hang_up(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)

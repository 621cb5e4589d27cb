"""Somebody else at the address of a server: says what it likes to everybody, one connection a request."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Words = Callable[[str], bytes]
"""What is said to the head of a request; nothing said is a closed connection."""
_END = (b"\r\n\r\n", b"\n\n")
_TLS = b"\x16"
"""How a TLS handshake begins, which has no lines."""


def page(status: str, text: str, *headers: str, kind: str = "text/html") -> bytes:
    """Write a whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(text.encode())}", *headers]
    return ("\r\n".join(lines) + f"\r\n\r\n{text}").encode()


@contextmanager
def impostor(words: Words) -> Iterator[int]:
    """Listen on a loopback port and give its number; what a request has behind its head is thrown away."""

    class Saying(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                head = self.rfile.read(1)
                while head != _TLS and not head.endswith(_END) and (line := self.rfile.readline()):
                    head += line
                self.wfile.write(words(head.decode("latin-1")))
                self.connection.shutdown(socket.SHUT_WR)
                while self.rfile.read1(65536):
                    pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Saying) as server:
        listening = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        listening.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            listening.join()

"""A name server for which every name is this machine, for NGINX, which reads no hosts file."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_HEADER = struct.Struct("!6H")
_ADDRESS = 1
"""The type of a question for an IPv4 address."""


class _Answering(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        packet, connection = self.request
        identity, *_ = _HEADER.unpack_from(packet)
        end = packet.index(b"\0", _HEADER.size) + 5
        question = packet[_HEADER.size : end]
        (kind,) = struct.unpack_from("!H", question, len(question) - 4)
        known = int(kind == _ADDRESS)
        answer = struct.pack("!HHHIH4B", 0xC00C, _ADDRESS, 1, 60, 4, 127, 0, 0, 1) * known
        head = _HEADER.pack(identity, 0x8180, 1, known, 0, 0)
        connection.sendto(head + question + answer, self.client_address)


@contextmanager
def name_server() -> Iterator[str]:
    """Answer on a loopback port, and give the address as NGINX writes it."""
    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), _Answering) as server:
        listening = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        listening.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            listening.join()

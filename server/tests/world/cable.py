"""A line between two programs that can be cut while bytes are on it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

_BLOCK = 256 * 1024


@dataclass
class Cable:
    """Carries connections to another place on the loopback interface."""

    port: int
    """Where it begins."""
    _ends: list[socket.socket] = field(default_factory=list)

    def cut(self) -> None:
        """Break every connection that is open now; later ones are carried."""
        broken, self._ends = self._ends, []
        for end in broken:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def carry(self, listener: socket.socket, port: int) -> None:
        """Accept connections and carry each until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                here = listener.accept()[0]
                there = socket.create_connection(("127.0.0.1", port))
                self._ends += [here, there]
                for one, other in ((here, there), (there, here)):
                    threading.Thread(target=_pump, args=(one, other), daemon=True).start()


@contextlib.contextmanager
def cable(port: int) -> Iterator[Cable]:
    """Lay a cable to a port of 127.0.0.1 and take it away again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        laid = Cable(listener.getsockname()[1])
        carrying = threading.Thread(target=laid.carry, args=(listener, port), daemon=True)
        carrying.start()
        try:
            yield laid
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            carrying.join()
            laid.cut()


def _pump(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := one.recv(_BLOCK):
            other.sendall(block)
    for end in (one, other):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
    one.close()

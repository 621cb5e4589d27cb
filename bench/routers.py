"""The router of deploy/nginx in front of anybody: the product as it is deployed, and its peers behind the same one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.client import Request
from world import nginx
from world.front import Files
from world.nginx import HOST

_ACCESS_LOG = "backup-repository-router-access.log"


@dataclass(frozen=True, slots=True)
class Router:
    """A running router, with TLS as shipped or without."""

    pid: int
    port: int
    certificate: Path | None
    """None: it speaks plain HTTP."""

    def before(self, request: Request) -> Request:
        """Send a request to the router instead."""
        return replace(request, port=self.port, host=HOST, certificate=self.certificate, unix=None)


@contextmanager
def router(root: Path, port: int, *, tls: bool) -> Iterator[Router]:
    """Run deploy/nginx/router.conf in front of whoever listens on a port of this machine.

    Args:
        root: an empty or missing directory for everything it keeps.
        port: where requests go.
        tls: as shipped; else it speaks plain HTTP, which costs the client of the measurement nothing.
    """
    root.mkdir(exist_ok=True)
    files = Files.write(root, _Nobody(root, root, root))
    text = files.router.read_text().replace(f"127.0.0.1:{files.inner[1]}", f"127.0.0.1:{port}")
    if not tls:
        text = text.replace(f"listen 127.0.0.1:{files.public[1]} ssl", f"listen 127.0.0.1:{files.public[1]}")
    files.router.write_text(text)
    with nginx.running(files.router, files.public, root / "log" / _ACCESS_LOG) as running:
        yield Router(running.pid, files.public[1], files.certificate if tls else None)


@dataclass(frozen=True, slots=True)
class _Nobody:
    """What the application's file would need to know; only the router's is used."""

    socket: Path
    incoming: Path
    storage: Path

"""The product as it is deployed: behind its own NGINX, and without one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.client import Refused, Request, download, upload
from world import nginx
from world.front import Files
from world.instance import Installation, Server

_LOG = "nginx-access.log"
_CODE = "of-the-health-endpoint"
_ALIAS = "/backup"
"""The other spelling of `/versions`; application.conf lets no body land that is sent there."""
SETTINGS = {"HEALTH_CHECK_CODE": _CODE, "METRICS_CODE": _CODE, "TRUSTED_PROXIES": "127.0.0.1"}
"""Variables of the servers, as deployed behind a router."""


@dataclass(frozen=True, slots=True)
class Product:
    """A running server with one stored version, perhaps behind its NGINX."""

    pids: tuple[int, ...]
    """Processes that belong to the set-up, with all their children."""
    port: int
    served: Server
    versions: str
    """Path of the collection that holds the one version."""
    blob: Path
    """The file of that version."""

    def add(self) -> Request:
        """Make a collection and return an upload to it: no collection takes the same bytes twice."""
        return Request("POST", self.port, self.served.create_collection(), self.served.bearer)

    def add_streaming(self) -> Request:
        """Make a collection and return an upload to it that NGINX does not hand over as a file."""
        request = self.add()
        return replace(request, path=request.path.removesuffix("/versions") + _ALIAS)

    def get(self) -> Request:
        """Return a download of the version."""
        return Request("GET", self.port, f"{self.versions}/v1", self.served.bearer)

    def list(self) -> Request:
        """Return a listing of the collection."""
        return Request("GET", self.port, self.versions, self.served.bearer)

    def health(self) -> Request:
        """Return the question whether all is well, asked at the front."""
        return Request("GET", self.port, f"/health?code={_CODE}")

    def health_direct(self) -> Request:
        """Return the same, asked at the server itself."""
        where = self.served.socket if self.served.socket.exists() else None
        return replace(self.health(), unix=where)

    def discard(self) -> None:
        """Remove the blobs of all other uploads, for room on the disk; their rows stay and are never asked for."""
        for blob in self.served.blobs():
            if blob != self.blob:
                blob.unlink()

    def by(self, pid: int, port: int) -> Product:
        """Describe another server process on the same data."""
        return replace(self, pids=(pid,), port=port)


@contextmanager
def behind_nginx(root: Path, source: Path) -> Iterator[Product]:
    """Run the server on a Unix socket behind deploy/nginx/application.conf, with the source as the stored version."""
    front, inside = root / "front", root / "s"
    for directory in (root, front, inside):
        directory.mkdir()
    with Installation.make(inside, **SETTINGS).serve() as served:
        files = Files.write(front, served)
        with nginx.running(files.application, files.inner, front / "log" / _LOG, as_us=True) as before:
            yield _with_version(served, (served.pid, before.pid), files.inner[1], source)


@contextmanager
def alone(root: Path, source: Path) -> Iterator[Product]:
    """Run the server on a TCP port without anything in front of it, with the source as the stored version."""
    root.mkdir()
    with Installation.make(root, **SETTINGS).serve(tcp=True) as served:
        yield _with_version(served, (served.pid,), port_of(served), source)


def port_of(served: Server) -> int:
    """Return the TCP port that a server listens on."""
    return int(served.direct.host.rpartition(":")[2])


def _with_version(served: Server, pids: tuple[int, ...], port: int, source: Path) -> Product:
    """Store the source, and make sure that the server saw the right bytes and gives as many back.

    Raises:
        Refused: it did not.
    """
    versions = served.create_collection()
    answer = json.loads(upload(Request("POST", port, versions, served.bearer), source))
    with source.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if answer["version"]["checksum"]["value"] != sha256:
        raise Refused(f"another digest than {sha256}: {answer}")
    (blob,) = served.blobs()
    product = Product(pids, port, served, versions, blob)
    if download(product.get()) != source.stat().st_size:
        raise Refused("the download has another size than the upload")
    return product

"""What the product is compared with: rclone's `serve restic`, restic's rest-server, and NGINX without any application.

Only rest-server looks at what it stores and waits until it is on the disk. It is measured where it is on the machine:
on PATH, or where REST_SERVER says.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.client import Refused, Request, upload
from world import nginx
from world.ports import free_port

_PATIENCE = 20.0
_NGINX = """\
# The same number of workers, the same buffer and the same way to send as deploy/nginx/application.conf.
pid {root}/nginx.pid;
error_log stderr warn;
worker_processes 8;
events {{
    worker_connections 2048;
}}
http {{
    access_log {root}/access.log;
    client_max_body_size 0;
    client_body_buffer_size 1M;
    client_body_temp_path {root}/body;
    proxy_temp_path {root}/proxy;
    fastcgi_temp_path {root}/fastcgi;
    uwsgi_temp_path {root}/uwsgi;
    scgi_temp_path {root}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {root}/files;
        dav_methods PUT;
        sendfile on;
        tcp_nopush on;
        sendfile_max_chunk 2m;
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Peer:
    """A running server that stores files under names the client chooses."""

    pid: int
    port: int
    method: str
    """Of an upload."""
    prefix: str
    """Of the path of a file."""
    files: Path
    """Where the files are."""
    digest: str = ""
    """The only name it takes, where names are digests of bodies."""

    def add(self) -> Request:
        """Return an upload under a new name, of the form that restic gives its files."""
        return Request(self.method, self.port, self.prefix + self._name())

    def get(self, blob: Path) -> Request:
        """Return a download of this very file, after making it known under a name of the peer's own."""
        name = self._name()
        upload(Request(self.method, self.port, self.prefix + name), blob)
        (place,) = self.files.rglob(name)
        place.unlink()
        place.hardlink_to(blob)
        return Request("GET", self.port, self.prefix + name)

    def discard(self) -> None:
        """Remove all files, for room on the disk."""
        for file in self.files.rglob("*"):
            if file.is_file() and file.name != "config":
                file.unlink()

    def _name(self) -> str:
        return self.digest or secrets.token_hex(32)


@contextmanager
def rclone(root: Path) -> Iterator[Peer]:
    """Run rclone as a server for restic's protocol, without authentication.

    Raises:
        Refused: it is not installed, or does not start.
    """
    program = Path(sys.executable).with_name("rclone")
    found = str(program) if program.exists() else shutil.which("rclone")
    if found is None:
        raise Refused("rclone is not installed")
    files, port = root / "files", free_port()
    command = [found, "serve", "restic", "--config", "", "--addr", f"127.0.0.1:{port}", str(files)]
    with _restic_protocol(command, root, port) as pid:
        yield Peer(pid, port, "POST", "/data/", files)


def rest_server_program() -> str | None:
    """Return where rest-server is; None: it is not on this machine."""
    return os.environ.get("REST_SERVER") or shutil.which("rest-server")


@contextmanager
def rest_server(root: Path, source: Path) -> Iterator[Peer]:
    """Run restic's rest-server, which compares bodies with their names, without authentication.

    Args:
        root: an empty or missing directory for everything it keeps.
        source: the one body it will get; it takes others under their own digests only.

    Raises:
        Refused: it does not start.
    """
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    files, port = root / "files", free_port()
    command = [rest_server_program() or "rest-server", "--no-auth", "--listen", f"127.0.0.1:{port}"]
    with _restic_protocol([*command, "--path", str(files)], root, port) as pid:
        yield Peer(pid, port, "POST", "/data/", files, digest)


@contextmanager
def plain_nginx(root: Path) -> Iterator[Peer]:
    """Run NGINX that stores by WebDAV's PUT and serves files."""
    files, port, configuration = root / "files", free_port(), root / "nginx.conf"
    files.mkdir(parents=True)
    configuration.write_text(_NGINX.format(root=root, port=port))
    with nginx.running(configuration, ("127.0.0.1", port), root / "access.log", as_us=True) as running:
        yield Peer(running.pid, port, "PUT", "/", files)


@contextmanager
def _restic_protocol(command: Sequence[str], root: Path, port: int) -> Iterator[int]:
    """Run a server of restic's protocol, make a repository in it, and give its process id.

    Raises:
        Refused: it does not start.
    """
    (root / "files").mkdir(parents=True)
    log = root / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        _create_repository(process, Request("POST", port, "/?create=true"), log)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def _create_repository(process: subprocess.Popen[bytes], request: Request, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            upload(request, Path("/dev/null"))
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise Refused(f"{process.args!r} does not start:\n{log.read_text()}")

"""What the product is compared with: rclone's `serve restic`, and NGINX without any application.

Neither looks at what it stores, and neither waits until it is on the disk.
"""

from __future__ import annotations

import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
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

    def add(self) -> Request:
        """Return an upload under a new name, of the form that restic gives its files."""
        return Request(self.method, self.port, self.prefix + secrets.token_hex(32))

    def get(self, blob: Path) -> Request:
        """Return a download of this very file, after making it known under a name of the peer's own."""
        name = secrets.token_hex(32)
        upload(Request(self.method, self.port, self.prefix + name), blob)
        (place,) = self.files.rglob(name)
        place.unlink()
        place.hardlink_to(blob)
        return Request("GET", self.port, self.prefix + name)

    def discard(self) -> None:
        """Remove all files, for room on the disk."""
        for file in self.files.rglob("*"):
            if file.is_file():
                file.unlink()


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
    files, port, log = root / "files", free_port(), root / "rclone.log"
    files.mkdir(parents=True)
    command = [found, "serve", "restic", "--config", "", "--addr", f"127.0.0.1:{port}", str(files)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        _create_repository(process, Request("POST", port, "/?create=true"), log)
        yield Peer(process.pid, port, "POST", "/data/", files)
    finally:
        process.terminate()
        process.wait()


@contextmanager
def plain_nginx(root: Path) -> Iterator[Peer]:
    """Run NGINX that stores by WebDAV's PUT and serves files."""
    files, port, configuration = root / "files", free_port(), root / "nginx.conf"
    files.mkdir(parents=True)
    configuration.write_text(_NGINX.format(root=root, port=port))
    with nginx.running(configuration, ("127.0.0.1", port), root / "access.log", as_us=True) as running:
        yield Peer(running.pid, port, "PUT", "/", files)


def _create_repository(process: subprocess.Popen[bytes], request: Request, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            upload(request, Path("/dev/null"))
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise Refused(f"rclone does not start:\n{log.read_text()}")

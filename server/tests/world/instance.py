"""The real server in a process of its own, with an administrator and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from world import wire
from world.ports import free_port

API = "/api/stable"
COLLECTIONS = f"{API}/repository/collection"
ADMIN = "admin@example.org"
PASSWORD = "correct horse battery!"
_PATIENCE = 30.0
"""Seconds after which a server that does not listen counts as broken."""
_NOBODY: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Server:
    """One running server with its own directories, an administrator and nothing else."""

    root: Path
    pid: int
    direct: wire.Address
    """The server itself, without any NGINX."""
    token: str
    """A login session of the administrator."""

    @property
    def socket(self) -> Path:
        """The Unix socket."""
        return self.root / "server.sock"

    @property
    def incoming(self) -> Path:
        """REVPROXY_STORAGE_DIR."""
        return self.root / "incoming"

    @property
    def storage(self) -> Path:
        """FS_LOCAL_DIRECTORY."""
        return self.root / "storage"

    @property
    def staging(self) -> Path:
        """TEMP_DIRECTORY."""
        return self.root / "tmp"

    @property
    def bearer(self) -> dict[str, str]:
        """The administrator's header."""
        return {"Authorization": f"Bearer {self.token}"}

    def create_collection(self, filename: str = "db.tar.gz", **fields: Any) -> str:
        """Create a collection without limits and return the path of its versions."""
        wanted = {
            "maxBackupsCount": 0,
            "maxOneVersionSize": 0,
            "maxCollectionSize": 0,
            "strategy": "alert_when_too_many_versions",
            "filename": filename,
        }
        answer = self.direct.ask("POST", COLLECTIONS, self.bearer, wire.as_json(wanted | fields))
        return f"{COLLECTIONS}/{answer.json()['collection']['id']}/versions"

    def blobs(self) -> list[Path]:
        """Give the files of the storage and of its drafts."""
        return sorted(file for file in self.storage.rglob("*") if file.is_file())

    def leftovers(self) -> list[Path]:
        """Give the body files and staging files that exist now."""
        return sorted(file for folder in (self.incoming, self.staging) for file in folder.rglob("*") if file.is_file())


@contextmanager
def server(root: Path, *, tcp: bool = False, **settings: str) -> Iterator[Server]:
    """Run the real server and stop it by its process id.

    Args:
        root: an empty directory for everything it keeps.
        tcp: it listens on a loopback port, where nobody is trusted, in place of the Unix socket.
        settings: further variables.

    Raises:
        RuntimeError: it ended instead of listening, or the console refused; the text holds the last words.
    """
    environment = _environment(root) | settings
    for name in ("incoming", "storage", "tmp", "jwt"):
        (root / name).mkdir(mode=0o700)
    _console(root, environment, "auth", "create-admin-account", "--email", ADMIN, "--password-stdin", words=PASSWORD)
    port = free_port()
    place = ["--bind", "127.0.0.1", "--port", str(port)] if tcp else ["--uds", str(root / "server.sock")]
    address = wire.tcp("127.0.0.1", port) if tcp else wire.unix(str(root / "server.sock"))
    log = root / "server.log"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "backup_repository", "serve", *place]
        process = subprocess.Popen(
            command, cwd=root, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        _wait_until_accepting(process, address, log)
        yield Server(root, process.pid, address, log_in(address, ADMIN, PASSWORD))
    finally:
        process.terminate()
        process.wait()


def log_in(address: wire.Address, email: str, password: str, headers: Mapping[str, str] = _NOBODY) -> str:
    """Log in and return the token.

    Raises:
        PermissionError: the server refused; the text is its answer.
    """
    credentials = wire.as_json({"username": email, "password": password})
    answer = address.ask("POST", f"{API}/login_check", headers, credentials)
    if answer.status != 200:
        raise PermissionError(answer.body.decode())
    token: str = answer.json()["token"]
    return token


def _environment(root: Path) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "DATABASE_URL": f"sqlite:///{root / 'records.sqlite3'}",
        "FS_LOCAL_DIRECTORY": str(root / "storage"),
        "TEMP_DIRECTORY": str(root / "tmp"),
        "REVPROXY_STORAGE_DIR": str(root / "incoming"),
        "JWT_SECRET_KEY": str(root / "jwt" / "private.pem"),
        "JWT_PUBLIC_KEY": str(root / "jwt" / "public.pem"),
    }


def _console(root: Path, environment: Mapping[str, str], *command: str, words: str = "") -> None:
    result = subprocess.run(
        [sys.executable, "-m", "backup_repository", *command],
        cwd=root,
        env=environment,
        input=words,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise RuntimeError(f"{command} ended with {result.returncode}:\n{result.stderr}")


def _wait_until_accepting(process: subprocess.Popen[bytes], address: wire.Address, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            address.open().close()
        except (ConnectionRefusedError, FileNotFoundError):
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"the server does not listen:\n{log.read_text()}")

"""The real server in a process of its own, with an administrator and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
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
class Installation:
    """What is there before a server runs: directories, settings, a migrated database with an administrator."""

    root: Path
    environment: Mapping[str, str]

    @classmethod
    def make(cls, root: Path, **settings: str) -> Installation:
        """Make one in an empty directory; the settings are further variables.

        Raises:
            RuntimeError: the console refused; the text holds its last words.
        """
        installation = cls(root, _environment(root) | settings)
        for name in ("incoming", "storage", "tmp", "jwt"):
            (root / name).mkdir(mode=0o700)
        if installation.database.startswith("postgres"):
            installation.console("db", "migrate")
        installation.console("auth", "create-admin-account", "--email", ADMIN, "--password-stdin", words=PASSWORD)
        return installation

    @property
    def database(self) -> str:
        """DATABASE_URL."""
        return self.environment["DATABASE_URL"]

    def with_settings(self, **settings: str) -> Installation:
        """The same installation with some variables changed."""
        return replace(self, environment={**self.environment, **settings})

    def console(self, *command: str, words: str = "") -> str:
        """Run a console command, these words on its standard input, and return what it printed.

        Raises:
            RuntimeError: the command failed; the text holds its last words.
        """
        result = subprocess.run(
            [sys.executable, "-m", "backup_repository", *command],
            cwd=self.root,
            env=self.environment,
            input=words,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise RuntimeError(f"{command} ended with {result.returncode}:\n{result.stderr}")
        return result.stdout

    @contextmanager
    def serve(self, *options: str, tcp: bool = False) -> Iterator[Server]:
        """Run the real server and stop it by its process id.

        Args:
            options: further options of the command.
            tcp: it listens on a loopback port, where nobody is trusted, in place of the Unix socket.

        Raises:
            RuntimeError: it ended instead of listening; the text holds its last words.
        """
        port = free_port()
        place = ["--bind", "127.0.0.1", "--port", str(port)] if tcp else ["--uds", str(self.root / "server.sock")]
        address = wire.tcp("127.0.0.1", port) if tcp else wire.unix(str(self.root / "server.sock"))
        log = self.root / "server.log"
        with log.open("ab") as output:
            command = [sys.executable, "-m", "backup_repository", "serve", *place, *options]
            process = subprocess.Popen(
                command, cwd=self.root, env=self.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        try:
            _wait_until_accepting(process, address, log)
            yield Server(self, process, address, log_in(address, ADMIN, PASSWORD))
        finally:
            process.terminate()
            process.wait()


@dataclass(frozen=True, slots=True)
class Server:
    """One running server with its own directories, an administrator and nothing else."""

    installation: Installation
    process: subprocess.Popen[bytes]
    direct: wire.Address
    """The server itself, without any NGINX."""
    token: str
    """A login session of the administrator."""

    @property
    def root(self) -> Path:
        """Where everything it keeps is."""
        return self.installation.root

    @property
    def pid(self) -> int:
        """The process to stop."""
        return self.process.pid

    @property
    def socket(self) -> Path:
        """The Unix socket."""
        return self.root / "server.sock"

    @property
    def incoming(self) -> Path:
        """REVPROXY_STORAGE_DIR."""
        return self._place("REVPROXY_STORAGE_DIR")

    @property
    def storage(self) -> Path:
        """FS_LOCAL_DIRECTORY."""
        return self._place("FS_LOCAL_DIRECTORY")

    @property
    def staging(self) -> Path:
        """TEMP_DIRECTORY."""
        return self._place("TEMP_DIRECTORY")

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

    def _place(self, variable: str) -> Path:
        return Path(self.installation.environment[variable])


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
    with Installation.make(root, **settings).serve(tcp=tcp) as running:
        yield running


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

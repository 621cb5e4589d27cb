"""A MariaDB server to throw away: its own directory, socket and port."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from world.ports import free_port
from world.programs import require_program
from world.waiting import eventually

PASSWORD = "maria'db \\$ecret\""
"""Of the only account; with everything a shell or an option file could take for something else."""


@dataclass(frozen=True, slots=True)
class MariaDb:
    """A running server."""

    directory: Path
    port: int
    """On 127.0.0.1."""

    def ask(self, statements: str, *, database: str = "") -> str:
        """Run statements as the root of the server and return what they answer, a line for each row."""
        result = subprocess.run(
            [
                require_program("mariadb"),
                "--no-defaults",
                f"--socket={self._socket}",
                "--batch",
                "--skip-column-names",
                "--default-character-set=utf8mb4",
            ]
            + [database] * bool(database),
            input=statements,
            encoding="utf-8",
            errors="backslashreplace",
            capture_output=True,
            check=False,
        )
        if result.returncode != 0:
            raise RuntimeError(result.stderr)
        return result.stdout

    @property
    def _socket(self) -> Path:
        return self.directory / "socket"


@contextmanager
def mariadb() -> Iterator[MariaDb]:
    """Run a server as long as the context lasts; it refuses root unless told that root is meant."""
    program, install = require_program("mariadbd"), require_program("mariadb-install-db")
    directory = Path(tempfile.mkdtemp(prefix="maria-"))
    data = directory / "data"
    options = ["--no-defaults", f"--datadir={data}", *(["--user=root"] if os.geteuid() == 0 else [])]
    server = MariaDb(directory, free_port())
    try:
        installed = subprocess.run(
            [install, *options, "--auth-root-authentication-method=normal", "--skip-test-db"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if installed.returncode != 0:
            raise RuntimeError(f"{install} ended with {installed.returncode}:\n{installed.stdout}")
        own = [f"--socket={directory / 'socket'}", f"--port={server.port}", "--bind-address=127.0.0.1"]
        quick = [
            "--character-set-server=utf8mb4",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-buffer-pool-size=32M",
            "--skip-log-bin",
        ]
        with (
            (directory / "log").open("wb") as log,
            subprocess.Popen(
                [program, *options, *own, *quick, f"--pid-file={directory / 'pid'}"], stdout=log, stderr=log
            ) as process,
        ):
            try:
                eventually(lambda: _answers(server, process))
                server.ask(
                    "CREATE USER saver@'%' IDENTIFIED BY " + _literal(PASSWORD) + ";"
                    "GRANT ALL ON *.* TO saver@'%' WITH GRANT OPTION"
                )
                yield server
            finally:
                process.terminate()
    finally:
        shutil.rmtree(directory)


def _answers(server: MariaDb, process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is not None:
        raise RuntimeError((server.directory / "log").read_text())
    try:
        server.ask("SELECT 1")
    except RuntimeError:
        return False
    return True


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

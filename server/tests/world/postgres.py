"""A PostgreSQL cluster to throw away: its own directory, user and port, nothing of it survives the tests."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from world.ports import free_port
from world.programs import lack, require_program

_ROLE = "backup"
_SETTINGS = "-c fsync=off -c full_page_writes=off -c max_connections=200"
"""Nothing in a throw-away cluster needs to survive a power cut; what was committed survives `stop`."""


@dataclass(frozen=True, slots=True)
class PostgresCluster:
    """A running cluster that trusts everybody on this machine."""

    directory: Path
    """Holds the data, the log and the Unix socket."""
    port: int
    """On 127.0.0.1, and part of the socket's name."""
    account: str | None
    """The account it runs as; None: ours."""

    def create_database(self) -> str:
        """Create an empty database and return its URL, `postgresql://…`."""
        name = f"test_{secrets.token_hex(6)}"
        self._run("createdb", "--host", str(self.directory), "--port", str(self.port), "--username", _ROLE, name)
        return f"postgresql://{_ROLE}@127.0.0.1:{self.port}/{name}"

    def stop(self) -> None:
        """Stop the cluster at once, cutting every connection; `start` brings it back with its data."""
        self._run("pg_ctl", "stop", "--pgdata", str(self.directory / "data"), "--mode", "immediate", "--wait")

    def start(self) -> None:
        """Start the cluster and wait until it answers."""
        options = f"-k {self.directory} -h 127.0.0.1 -p {self.port} {_SETTINGS}"
        log = str(self.directory / "log")
        data = str(self.directory / "data")
        self._run("pg_ctl", "start", "--pgdata", data, "--log", log, "--options", options, "--wait")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let none of its processes go on, as when a machine hangs: connections stay, answers do not come."""
        pid = int((self.directory / "data" / "postmaster.pid").read_text().split()[0])
        postmaster = psutil.Process(pid)
        postmaster.suspend()  # first, so that no more children come
        processes = [postmaster, *postmaster.children()]
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                process.resume()

    def initialise(self) -> None:
        """Make the empty cluster's files."""
        data = str(self.directory / "data")
        self._run("initdb", "--pgdata", data, "--username", _ROLE, "--auth", "trust", "--encoding", "UTF8", "--no-sync")

    def _run(self, program: str, *arguments: str) -> None:
        words = self.directory / f"{program}.out"  # a file, not a pipe: the server inherits it and outlives pg_ctl
        with words.open("w") as output:
            result = subprocess.run(
                [require_program(program), *arguments],
                user=self.account,
                group=self.account,
                extra_groups=[] if self.account else None,
                cwd=self.directory,
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if result.returncode != 0:
            raise RuntimeError(f"{program} failed: {words.read_text()}")


@contextmanager
def postgres_cluster() -> Iterator[PostgresCluster]:
    """Run a cluster as long as the context lasts; PostgreSQL refuses root, so for root it runs as `postgres`."""
    require_program("initdb")
    account = "postgres" if os.geteuid() == 0 else None
    # Not below pytest's own directory: only its owner may enter that, and names of sockets must stay short.
    directory = Path(tempfile.mkdtemp(prefix="pg-"))
    cluster = PostgresCluster(directory, free_port(), account)
    try:
        if account is not None:
            _give_to(directory, account)
        cluster.initialise()
        cluster.start()
        try:
            yield cluster
        finally:
            if (directory / "data" / "postmaster.pid").exists():
                cluster.stop()
    finally:
        shutil.rmtree(directory)


def _give_to(directory: Path, account: str) -> None:
    try:
        entry = pwd.getpwnam(account)
    except KeyError:
        lack(f"the account {account} is missing: PostgreSQL does not run as root")
    os.chown(directory, entry.pw_uid, entry.pw_gid)

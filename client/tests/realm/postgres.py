"""Databases in a PostgreSQL cluster of the tests, reached with a password as anywhere else."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from world.postgres import PostgresCluster, postgres_cluster
from world.programs import require_program

from bahub.masking import Secret

PASSWORD = "postgres' \\$ecret\""
"""Of both roles."""
SAVER = "saver =role"
"""A superuser with an odd name; it is not the role that the cluster was made with."""
OWNER = "app"
"""No superuser; may log in and owns databases."""


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running cluster in which passwords count."""

    cluster: PostgresCluster

    def spec(self, database: str | None = None, **more: Any) -> dict[str, Any]:
        """Return what an adapter needs to know."""
        named = {} if database is None else {"database": database}
        access = {"host": "127.0.0.1", "port": self.cluster.port, "user": SAVER, "password": Secret(PASSWORD)}
        return {**access, **named, **more}

    def ask(self, statements: str, database: str = "postgres") -> str:
        """Run statements as the first role and return what they answer, a line for each row."""
        result = subprocess.run(
            [*self._psql(database, "backup"), "--no-align", "--tuples-only"],
            input=statements,
            text=True,
            capture_output=True,
            check=False,
        )
        if result.returncode != 0:
            raise RuntimeError(result.stderr)
        return result.stdout.strip()

    def limits(self) -> dict[str, int]:
        """Return the connection limit of each database."""
        rows = self.ask("SELECT datconnlimit, datname FROM pg_database")
        return {name: int(limit) for limit, _, name in (row.partition("|") for row in rows.splitlines())}

    def session(self, database: str, role: str = OWNER) -> subprocess.Popen[str]:
        """Start a program that holds a connection, and wait until it has it; whoever asks for it ends it."""
        held = subprocess.Popen(
            [*self._psql(database, role), "--no-align", "--tuples-only"],
            env={**os.environ, "PGPASSWORD": PASSWORD},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert held.stdin is not None
        assert held.stdout is not None
        held.stdin.write("SELECT 'here';\n")
        held.stdin.flush()
        if held.stdout.readline() != "here\n":
            raise ConnectionError(held.communicate()[1])
        return held

    def _psql(self, database: str, role: str) -> list[str]:
        host = str(self.cluster.directory) if role == "backup" else "127.0.0.1"
        options = ["-X", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", f"--host={host}"]
        return [require_program("psql"), *options, f"--port={self.cluster.port}", f"--username={role}", database]


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Run a cluster as long as the context lasts."""
    with postgres_cluster() as cluster:
        rules = cluster.directory / "data" / "pg_hba.conf"
        rules.write_text(
            "local all all trust\nhost all backup 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        )
        server = Postgres(cluster)
        literal = PASSWORD.replace("'", "''")
        server.ask(
            f"""CREATE ROLE "{SAVER}" SUPERUSER LOGIN PASSWORD '{literal}';"""
            f"CREATE ROLE {OWNER} LOGIN PASSWORD '{literal}'; SELECT pg_reload_conf();"
        )
        yield server

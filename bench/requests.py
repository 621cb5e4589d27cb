"""Small requests: log-in, a listing of 20 versions and health, on both databases, one worker each.

The listing is also compared with the least that could answer it: the statements that the server's own listing sends to
PostgreSQL, sent by asyncpg alone.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import load, table
from bench.bare import STATEMENTS, URL
from bench.client import Refused, Request
from bench.outcome import Outcome, Reached, Task
from bench.product import SETTINGS, port_of
from bench.rounds import Contender, measure
from bench.table import Line
from machine import ROOT, find_program
from world import wire
from world.client import serving
from world.instance import ADMIN, API, PASSWORD, Installation, Server
from world.ports import free_port
from world.postgres import postgres_cluster
from world.statements import heard

from backup_repository.access.model import Permission
from backup_repository.config.model import Config, LocalStorage

_CONNECTIONS = 8
_ROWS = 20
_PATIENCE = 20.0


def compare(task: Task) -> Outcome:
    """Measure all three on both databases.

    Raises:
        Refused: PostgreSQL is not installed, or something does not start.
    """
    if find_program("initdb") is None:
        raise Refused("PostgreSQL is not installed")
    many, few = (200, 16) if task.quick else (1000, 60)
    with (
        postgres_cluster() as cluster,
        _serving(task.root / "postgresql", cluster.create_database()) as postgresql,
        _serving(task.root / "sqlite", "") as sqlite,
    ):
        both = {"PostgreSQL": postgresql, "SQLite": sqlite}
        listings = {name: _listing(server) for name, server in both.items()}
        with _bare(task.root, postgresql, listings["PostgreSQL"]) as (pid, port):
            bare = Contender("bare asyncpg endpoint", (pid,), _job(Request("GET", port, "/"), many), _nothing)
            compared = [bare, *(_asking(name, both[name], one, many) for name, one in listings.items())]
            listed = measure("listing", compared, task.rounds)
        health = [_asking(name, server, _health(server), many) for name, server in both.items()]
        asked = measure("health", health, task.rounds)
        logins = [_logging_in(name, server, few) for name, server in both.items()]
        logged = measure("log-in", logins, task.rounds)
    lines: list[Line] = [table.HEAD]
    for title, series, amount in (
        ("Listing of 20 versions", listed, many),
        ("Health", asked, many),
        ("Log-in", logged, few),
    ):
        lines += table.rows(title, series, amount, "requests/s", "s/1000")
    remark = (
        f"One worker, {_CONNECTIONS} connections. A log-in computes an Argon2 hash, which is slow on purpose. The "
        "processor time and memory of PostgreSQL itself are not in the table."
    )
    return Outcome([lines], [Reached("P10", listed[1].speed_ratio(listed[0]))], [remark])


@contextmanager
def _serving(root: Path, database: str) -> Iterator[Server]:
    """Run a server on a database; none means SQLite."""
    root.mkdir()
    settings = {"DATABASE_URL": database} if database else {}
    with Installation.make(root, **SETTINGS, **settings).serve(tcp=True) as server:
        yield server


def _listing(server: Server) -> Request:
    """Store 20 versions and return a request that lists them."""
    versions = server.create_collection()
    for number in range(_ROWS):
        answer = server.direct.ask("POST", versions, server.bearer, b"version %d" % number)
        if answer.status != 200:
            raise Refused(answer.body.decode())
    return Request("GET", port_of(server), f"{versions}?limit={_ROWS}", server.bearer)


def _health(server: Server) -> Request:
    return Request("GET", port_of(server), f"/health?code={SETTINGS['HEALTH_CHECK_CODE']}")


def _asking(name: str, server: Server, request: Request, times: int) -> Contender:
    return Contender(f"server on {name}", (server.pid,), _job(request, times), _nothing)


def _logging_in(name: str, server: Server, times: int) -> Contender:
    request = Request("POST", port_of(server), f"{API}/login_check", {"Content-Type": "application/json"})
    body = wire.as_json({"username": ADMIN, "password": PASSWORD})
    return Contender(f"server on {name}", (server.pid,), _job(request, times, body), _nothing)


def _job(request: Request, times: int, body: bytes | None = None) -> Callable[[], Callable[[], None]]:
    def job() -> None:
        load.repeat(request, times, _CONNECTIONS, body)

    return lambda: job


def _nothing() -> None:
    """Leave everything as it is: nothing was stored."""


@contextmanager
def _bare(root: Path, server: Server, listing: Request) -> Iterator[tuple[int, int]]:
    """Run the bare endpoint with the statements of a listing; give its process id and port.

    Raises:
        Refused: it does not start.
    """
    statements, port, log = root / "statements", free_port(), root / "bare.log"
    found = asyncio.run(_statements_of(root / "listener", server.installation.database, listing.path))
    statements.write_bytes(pickle.dumps(found))
    command = [sys.executable, "-m", "uvicorn", "--factory", "bench.bare:create", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--loop", "uvloop", "--http", "httptools", "--no-access-log"]
    settings = os.environ | {STATEMENTS: str(statements), URL: server.installation.database}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=settings, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        _wait_until_answering(process, Request("GET", port, "/"), log)
        yield process.pid, port
    finally:
        process.terminate()
        process.wait()


async def _statements_of(root: Path, database: str, path: str) -> list[tuple[str, Sequence[Any]]]:
    """Let an instance in this process answer a request, and return what it asked the database."""
    (root / "storage").mkdir(parents=True)
    local = LocalStorage("LOCAL", root / "storage")
    config = Config(
        database_url=database,
        temp_directory=root / "tmp",
        jwt_secret_key=root / "private.pem",
        jwt_public_key=root / "public.pem",
        fs_rw=local,
        fs_ro=local,
    )
    with serving(config) as served:
        administrator = await served.client(Permission.ADMINISTRATOR)
        with heard(served.instance.database) as statements:
            answer = await administrator.get(path)
        await served.close()
    if answer.status_code != 200:
        raise Refused(answer.text)
    return [(statement.text, tuple(statement.parameters)) for statement in statements if statement.reads]


def _wait_until_answering(process: subprocess.Popen[bytes], request: Request, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            load.repeat(request, 1, 1)
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise Refused(f"the bare endpoint does not start:\n{log.read_text()}")

"""What a server writes while it runs (contract B 2.3): never a secret, in two forms."""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3
import sys
from pathlib import Path

import pytest
from world import wire
from world.console import accepts, said, started
from world.instance import ADMIN, API, PASSWORD, Installation, log_in
from world.waiting import eventually

from backup_repository.cli.logs import JsonLines, TextLines

CODE = "the-health-code"
FIELDS = (
    *("time", "level", "logger", "message"),
    *("request", "actor", "method", "route", "status", "received", "sent", "seconds"),
)
GARBAGE = b"GARBAGE secret-in-garbage\r\n\r\n"


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_query_string_header_or_body_is_logged(form: str, tmp_path: Path) -> None:
    installation = Installation.make(tmp_path, HEALTH_CHECK_CODE=CODE)
    address = wire.unix(str(tmp_path / "server.sock"))
    with started(installation, "serve", "--uds", "server.sock", "--log-format", form) as process:
        eventually(lambda: process.poll() is not None or accepts(address))
        token = log_in(address, ADMIN, PASSWORD)
        bearer = {"Authorization": f"Bearer {token}"}
        secrets = [CODE, PASSWORD, token, "wrong-code", "bad.token.here", "needle", "secret-in-garbage"]
        assert address.ask("GET", f"/health?code={CODE}").status == 200
        assert address.ask("GET", "/health?code=wrong-code").status == 403
        assert address.ask("GET", "/metrics/backup_repository_report/influxdb?code=wrong-code").status == 403
        assert address.ask("GET", f"{API}/version", {"Authorization": "Bearer bad.token.here"}).status == 401
        assert address.ask("GET", f"{API}/auth/user?q=needle", bearer).status == 200
        assert address.ask("GET", "/needle", bearer).status == 404
        with pytest.raises(PermissionError):
            log_in(address, ADMIN, "wrong-code")
        with address.open() as connection:
            connection.sendall(GARBAGE)
            connection.recv(4096)
        process.terminate()
        assert process.wait() == 0
    written = said(installation).read_text()
    assert not any(secret in written for secret in secrets)
    requests = [line for line in written.splitlines() if "backup_repository.requests" in line]
    assert len(requests) == 8
    if form == "json":
        assert {json.loads(line)["route"] for line in requests} >= {"/health", f"{API}/version"}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_day_of_work_and_failures_leaves_no_secret_in_the_log(workers: str, tmp_path: Path) -> None:
    """Every route that takes or gives a secret, a lost blob, and a database that fails with the secret in its hands."""
    installation = Installation.make(tmp_path, HEALTH_CHECK_CODE=CODE, METRICS_CODE="the-metrics-code")
    new, newer, content = "Eve-has-a-secret!", "Eve-has-another!", b"dump-with-a-secret"
    with installation.serve("--workers", workers, "--log-format", "json") as server:
        ask, admin = server.direct.ask, server.bearer
        account = {"email": "eve@example.org", "password": new, "permissions": ["upload.all"], "data": {}}
        user = ask("POST", f"{API}/auth/user", admin, wire.as_json(account)).json()["user"]
        own = log_in(server.direct, "eve@example.org", new)
        edit = {"permissions": ["upload.all"], "data": {}, "organization": "", "about": "private-words"}
        passwords = {"password": newer, "repeatPassword": newer, "currentPassword": new}
        changed = ask("PUT", f"{API}/auth/user/{user['id']}", bearer(own), wire.as_json(edit | passwords))
        token = ask("POST", f"{API}/auth/token", admin, wire.as_json({"requestedPermissions": [], "ttl": 60}))
        generated = token.json()["token"]
        versions = server.create_collection()
        uploaded = ask("POST", versions, bearer(generated), content)
        listed = ask("GET", f"{versions}?page=1&limit=2", bearer(generated))
        assert {answer.status for answer in (changed, token, uploaded, listed)} == {200}
        assert ask("GET", "/metrics/backup_repository_report/influxdb?code=the-metrics-code").status == 200
        assert ask("GET", f"/health?code={CODE}").status == 200
        assert ask("GET", f"{API}/version?token={generated}", {"Authorization": f"Basic {generated}"}).status == 401
        assert ask("DELETE", f"{API}/auth/token/{generated}", admin).status == 404
        assert ask("GET", f"{API}/repository/file/{generated}", {"Cookie": f"t={generated}", **admin}).status == 404
        server.blobs()[0].unlink()
        assert ask("GET", f"{versions}/latest", admin).status == 500
        with contextlib.closing(sqlite3.connect(installation.database.removeprefix("sqlite:///"))) as database:
            database.execute("ALTER TABLE login_failures RENAME TO gone")
            database.execute("ALTER TABLE tokens RENAME TO gone_too")
        assert ask("GET", f"{API}/version", admin).status == 500
        with pytest.raises(PermissionError, match="Internal server error"):
            log_in(server.direct, "eve@example.org", newer)
    written = (server.root / "server.log").read_text()
    secrets = [PASSWORD, new, newer, server.token, own, generated, CODE, "the-metrics-code", "private-words"]
    secrets += [content.decode(), *(token.split(".")[2] for token in (server.token, own, generated))]
    assert [secret for secret in secrets if secret in written] == []
    lines = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
    requests = [line for line in lines if line["logger"] == "backup_repository.requests"]
    assert len(requests) == 16
    assert {tuple(line) for line in requests} == {FIELDS}
    assert len({line["request"] for line in requests}) == 16
    assert {line["received"] for line in requests if line["route"].endswith("{naming}")} == {len(content), 0}
    failures = [line for line in lines if "exception" in line]
    assert len(failures) >= 2, "what the operator needs is there"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def record(message: str, *values: object, **more: object) -> logging.LogRecord:
    made = logging.makeLogRecord(
        {"msg": message, "args": values, "levelname": "WARNING", "name": "a.place", "created": 1.5, "msecs": 500.0}
    )
    made.__dict__.update(more)
    return made


def test_a_text_line_has_the_time_in_utc_and_every_field() -> None:
    line = TextLines().format(record("%s failed", "it", fields={"status": 200, "route": "/x"}))
    assert line == "1970-01-01T00:00:01.500Z WARNING a.place it failed status=200 route=/x"


def test_a_json_line_is_one_line_with_every_field() -> None:
    try:
        int("wrong")
    except ValueError:
        line = JsonLines().format(record("two\nlines", fields={"status": 200}, exc_info=sys.exc_info()))
    assert "\n" not in line
    document = json.loads(line)
    traceback = document.pop("exception")
    assert traceback.startswith("Traceback")
    assert traceback.endswith("'wrong'")
    assert document == {
        "time": "1970-01-01T00:00:01.500Z",
        "level": "WARNING",
        "logger": "a.place",
        "message": "two\nlines",
        "status": 200,
    }

"""What a server writes while it runs (contract B 2.3): never a secret, in two forms."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import pytest
from world import wire
from world.console import accepts, said, started
from world.instance import ADMIN, API, PASSWORD, Installation, log_in
from world.waiting import eventually

from backup_repository.cli.logs import JsonLines, TextLines

CODE = "the-health-code"
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

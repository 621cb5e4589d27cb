"""Redis: the snapshot of a running server, put back while it is stopped (case 46)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from realm.redis_server import PASSWORD, RedisServer, redis_server
from realm.runs import Run, WayFailed

from bahub.adapters.base import RestoreOptions
from bahub.errors import BadUsage, ProgramFailed, Tampered
from bahub.masking import Secret

_FILL = """
for i = 1, 20000 do redis.call('SET', 'key' .. i, string.rep('x', i % 100)) end
redis.call('HSET', 'hash', 'field', 'va\\0lue')
redis.call('ZADD', 'sorted', 1.5, 'member')
redis.call('SELECT', 3)
redis.call('SET', 'elsewhere', 'yes')
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server with content in two databases, and a directory of its own."""
    (tmp_path / "data").mkdir()
    with redis_server(tmp_path / "data") as running:
        running.ask("EVAL", _FILL, "0")
        yield running


def _run(server: RedisServer, tmp_path: Path, **more: Any) -> Run:
    spec = {"host": "127.0.0.1", "port": server.port, "password": Secret(PASSWORD)}
    return Run("redis", {**spec, "rdb_path": str(server.directory / "dump.rdb"), **more}, tmp_path)


def test_a_snapshot_loads_in_a_fresh_server(
    server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cases 26 and 46; the copy that the snapshot goes through is removed."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    run = _run(server, tmp_path)

    content = run.backup()
    assert list((tmp_path / "temporary").iterdir()) == []
    server.stop()
    run.restore(content)
    server.start()

    assert server.ask("DBSIZE") == "20002"
    assert server.ask("GET", "key199") == "x" * 99
    assert server.ask("-n", "3", "GET", "elsewhere") == "yes"
    assert run.verify(content) == f"Redis snapshot of version 10, {len(content)} bytes, checksum right"
    assert [warning for warning in run.warnings if "is new" in warning]


def test_the_file_keeps_its_owner_and_mode(server: RedisServer, tmp_path: Path) -> None:
    run = _run(server, tmp_path)
    content = run.backup()
    server.stop()
    file = server.directory / "dump.rdb"
    file.write_text("former")
    file.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(file, 1234, 4321)
    owner = (file.stat().st_uid, file.stat().st_gid)

    run.restore(content)

    assert file.read_bytes() == content
    assert (file.stat().st_mode & 0o777, file.stat().st_uid, file.stat().st_gid) == (0o640, *owner)
    assert run.warnings == []


@pytest.mark.parametrize("password", [PASSWORD, "not the password", None])
def test_a_restore_is_refused_while_the_server_answers(
    server: RedisServer, tmp_path: Path, password: str | None
) -> None:
    """Case 46: an answer that refuses us is an answer."""
    content = _run(server, tmp_path).backup()
    run = _run(server, tmp_path, password=Secret(password)) if password else _run(server, tmp_path)
    if password is None:
        run.spec = {key: value for key, value in run.spec.items() if key != "password"}

    with pytest.raises(ProgramFailed, match="preparing the target") as failure:
        run.restore(content)

    assert "the Redis server answers: stop it first" in failure.value.details[-1]
    assert [file.name for file in server.directory.iterdir() if "rdb" in file.name] == []


@pytest.mark.parametrize("log", ["appendonlydir", "appendonly.aof"])
def test_a_log_that_would_win_over_the_file_is_a_warning(server: RedisServer, tmp_path: Path, log: str) -> None:
    run = _run(server, tmp_path)
    content = run.backup()
    server.stop()
    (server.directory / log).mkdir()

    run.restore(content)

    assert any(f"{server.directory}/{log} is there: with appendonly on" in warning for warning in run.warnings)


def test_a_failure_on_the_way_leaves_the_file_as_it_was(server: RedisServer, tmp_path: Path) -> None:
    run = _run(server, tmp_path)
    content = run.backup()
    server.stop()
    (server.directory / "dump.rdb").write_text("former")

    with pytest.raises(WayFailed):
        run.restore(content, fails_when=lambda: list(server.directory.glob("*.partial-*")))

    assert (server.directory / "dump.rdb").read_text() == "former"
    assert list(server.directory.glob("*.partial-*")) == []


def test_without_a_path_only_a_download_is_possible(server: RedisServer, tmp_path: Path) -> None:
    run = _run(server, tmp_path)
    run.spec = {key: value for key, value in run.spec.items() if key != "rdb_path"}

    with pytest.raises(BadUsage, match="rdb_path") as refusal:
        run.parts().adapter.restore(run.spec, RestoreOptions())

    assert "--download" in refusal.value.hint


@pytest.mark.parametrize("damage", ["flipped", "cut", "other"])
def test_a_damaged_snapshot_is_found(server: RedisServer, tmp_path: Path, damage: str) -> None:
    run = _run(server, tmp_path)
    content = run.backup()
    middle = len(content) // 2
    damaged, sentence = {
        "flipped": (content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :], "checksum"),
        "cut": (content[:-30], "breaks off|checksum"),
        "other": (b"<html>" + content, "no Redis snapshot"),
    }[damage]

    with pytest.raises(Tampered, match=sentence):
        run.verify(damaged)


@pytest.mark.parametrize("reason", ["password", "nobody"])
def test_a_server_that_gives_nothing_fails_with_the_programs_words(
    server: RedisServer, tmp_path: Path, reason: str
) -> None:
    run = _run(server, tmp_path, password=Secret("not the password"))
    if reason == "nobody":
        server.stop()

    with pytest.raises(ProgramFailed) as failure:
        run.backup()

    assert any(
        ("WRONGPASS" if reason == "password" else "Connection refused") in line for line in failure.value.details
    )

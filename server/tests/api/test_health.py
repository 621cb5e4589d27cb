"""R28: can the instance serve at all? (contract 10.1)"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from world.answers import refusal
from world.client import HEALTH, Client, Serve, Served
from world.postgres import PostgresCluster

from backup_repository.health.check import Health

DENIED = (403, 403, "app.fatal-error")
CODE = {"code": "health secret"}
HEALTHY = {
    "status": [{"storage": True, "database": True}],
    "messages": [{"storage": ["OK"], "database": ["OK"]}],
    "global_status": True,
    "ident": ["global_status=True", "storage=True", "database=True"],
}


async def ask(served: Served) -> httpx.Response:
    return await served.guest().get(HEALTH, params=CODE)


def judge(answer: httpx.Response, *, storage: bool, database: bool) -> dict[str, Any]:
    """Hold an answer against the shape of contract 10.1 and give its messages."""
    healthy = storage and database
    assert answer.status_code == (200 if healthy else 503)
    document = answer.json()
    (messages,) = document.pop("messages")
    assert document == {
        "status": [{"storage": storage, "database": database}],
        "global_status": healthy,
        "ident": [f"global_status={healthy}", f"storage={storage}", f"database={database}"],
    }
    assert set(messages) == {"storage", "database"}
    for part, works in (("storage", storage), ("database", database)):
        assert messages[part], part
        assert (messages[part] == ["OK"]) == works
    return dict(messages)


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if not path.is_dir())


@contextlib.contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    """Take away the right to write below a folder: by its mode, or by a mount where the mode stops nobody."""
    if os.geteuid() != 0:
        folder.chmod(0o500)
        try:
            yield
        finally:
            folder.chmod(0o700)
        return
    if subprocess.run(["mount", "--bind", folder, folder], check=False, capture_output=True).returncode != 0:
        pytest.skip("this administrator may not mount, and no mode of a directory stops an administrator")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", folder, folder], check=True, capture_output=True)
        yield
    finally:
        subprocess.run(["umount", folder], check=True, capture_output=True)


async def test_everything_is_well(served: Served) -> None:
    """Case 111: exactly this document, and no test file afterwards."""
    before = files_below(served.storage), files_below(served.config.temp_directory)
    answer = await ask(served)
    assert answer.status_code == 200
    assert answer.json() == HEALTHY
    assert list(answer.json()) == list(HEALTHY)
    assert answer.headers["cache-control"] == "no-store"
    assert (files_below(served.storage), files_below(served.config.temp_directory)) == before


async def test_parallel_checks_do_not_disturb_each_other(served: Served) -> None:
    answers = await asyncio.gather(*(ask(served) for _ in range(20)))
    assert [answer.json() for answer in answers] == [HEALTHY] * 20
    assert files_below(served.storage) == []


async def test_without_the_right_code_nothing_is_said(served: Served) -> None:
    """Case 113: no, an empty, a wrong, a repeated code, and the one of the metrics."""
    healthy = await ask(served)
    for query in (
        "",
        "code",
        "code=",
        "code=wrong",
        "code=Health+secret",
        "code=health+secret+",
        "code=health",
        "code=metrics+secret",
        "code=health+secret&code=health+secret",
        "code=health+secret&code=wrong",
        "code=&code=health+secret",
        "code[]=health+secret",
        "Code=health+secret",
        "code=%00",
        "code=%FF%FE",
        "code=%ED%A0%80",
        "code=" + "x" * 10_000,
    ):
        answer = await served.guest().get(f"{HEALTH}?{query}")
        assert refusal(answer) == DENIED, query
        assert answer.headers["cache-control"] == "no-store"
        assert "OK" not in answer.text
    assert healthy.json() == HEALTHY


async def test_a_code_is_taken_from_the_query_alone(served: Served, admin: Client) -> None:
    headers = {"Authorization": "Bearer health secret", "code": "health secret", "Cookie": "code=health secret"}
    assert refusal(await served.guest().get(HEALTH, headers=headers)) == DENIED
    assert refusal(await admin.get(HEALTH)) == DENIED
    assert refusal(await served.guest().request("GET", HEALTH, content=b"code=health+secret")) == DENIED


async def test_no_code_opens_an_instance_without_one(serve: Serve) -> None:
    """Case 113: the setting is empty."""
    served = serve(health_check_code="")
    for query in ("", "code", "code=", "code=%00", "code=health+secret", "code=metrics+secret", "code=None"):
        assert refusal(await served.guest().get(f"{HEALTH}?{query}")) == DENIED


async def test_a_code_may_be_any_text(serve: Serve) -> None:
    served = serve(health_check_code="żółw & co=100% 💾")
    answer = await served.guest().get(HEALTH, params={"code": "żółw & co=100% 💾"})
    assert answer.status_code == 200
    assert refusal(await served.guest().get(HEALTH, params={"code": "zolw"})) == DENIED


async def test_the_same_secret_may_open_both_routes(serve: Serve) -> None:
    served = serve(health_check_code="same", metrics_code="same")
    assert (await served.guest().get(HEALTH, params={"code": "same"})).status_code == 200


async def test_a_token_is_neither_needed_nor_looked_at(served: Served) -> None:
    guest = served.guest().bearing("damaged")
    assert (await guest.get(HEALTH, params=CODE)).status_code == 200


async def test_head_has_the_status_alone(served: Served) -> None:
    answer = await served.guest().request("HEAD", HEALTH, params=CODE)
    assert (answer.status_code, answer.content) == (200, b"")
    shutil.rmtree(served.storage)
    served.storage.write_text("no directory")
    answer = await served.guest().request("HEAD", HEALTH, params=CODE)
    assert (answer.status_code, answer.content) == (503, b"")


async def test_an_unusable_storage_is_told_and_recovers(served: Served) -> None:
    """Case 112: nothing, and a file, where the directory was."""
    folder = served.storage
    aside = folder.with_name("aside")
    for in_the_way in (False, True):
        folder.rename(aside)
        if in_the_way:
            folder.write_text("no directory")
        messages = judge(await ask(served), storage=False, database=True)
        assert str(folder.parent) not in str(messages)
        assert folder.exists() == in_the_way
        folder.unlink(missing_ok=True)
        aside.rename(folder)
        judge(await ask(served), storage=True, database=True)
    assert files_below(folder) == []


async def test_a_read_only_storage_is_told_and_recovers(served: Served) -> None:
    """Case 112."""
    with unwritable(served.storage):
        messages = judge(await ask(served), storage=False, database=True)
        assert str(served.storage) not in str(messages)
    judge(await ask(served), storage=True, database=True)


async def test_a_read_only_instance_needs_to_read_only(serve: Serve) -> None:
    """Contract 10.1."""
    served = serve(read_only=True)
    with unwritable(served.storage):
        judge(await ask(served), storage=True, database=True)
    shutil.rmtree(served.storage)
    served.storage.write_text("no directory")
    judge(await ask(served), storage=False, database=True)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_stopped_database_is_told_and_recovers(
    served: Served, postgres: PostgresCluster, database_url: str, alice: Client
) -> None:
    """Case 112: with connections that were open before."""
    judge(await ask(served), storage=True, database=True)
    connection = await asyncpg.connect(database_url)
    await connection.execute("CHECKPOINT")  # the cluster of the tests survives nothing else
    await connection.close()
    postgres.stop()
    try:
        for _ in range(2):
            messages = judge(await ask(served), storage=True, database=False)
            assert str(postgres.port) not in str(messages)
        refused = await alice.get("/api/stable/auth/token")
        assert refusal(refused) == (503, 503, "app.fatal-error")
    finally:
        postgres.start()
    judge(await ask(served), storage=True, database=True)
    assert (await alice.get("/api/stable/auth/token")).status_code == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_missing_database_file_is_told_and_recovers(
    serve: Serve, tmp_path: Path, migrated_sqlite: Path
) -> None:
    """Case 112."""
    folder = tmp_path / "volume"
    served = serve(database_url=f"sqlite:///{folder}/records.sqlite3")
    messages = judge(await ask(served), storage=True, database=False)
    assert str(tmp_path) not in str(messages)
    folder.mkdir()
    (folder / "records.sqlite3").write_bytes(b"no database at all, " * 1000)
    judge(await ask(served), storage=True, database=False)
    shutil.copyfile(migrated_sqlite, folder / "records.sqlite3")
    judge(await ask(served), storage=True, database=True)


async def test_nothing_at_all_works(serve: Serve, tmp_path: Path, database_url: str) -> None:
    """Case 112: the route answers all the same."""
    nowhere = "postgresql://user:hunter2@127.0.0.1:1/none" if "postgresql" in database_url else f"sqlite:///{tmp_path}"
    served = serve(database_url=nowhere)
    shutil.rmtree(served.storage)
    served.storage.write_text("no directory")
    answer = await ask(served)
    judge(answer, storage=False, database=False)
    assert not [word for word in ("hunter2", "127.0.0.1", str(tmp_path), "secret") if word in answer.text]


class Part:
    """A storage or a database that answers at once, or never."""

    def __init__(self, *, answers: bool) -> None:
        self._answered = asyncio.Event()
        if answers:
            self._answered.set()

    async def probe(self, *, write: bool) -> None:  # noqa: ARG002 - the form of a storage
        """Answer as a storage."""
        await self._answered.wait()

    async def ping(self) -> None:
        """Answer as a database."""
        await self._answered.wait()


@pytest.mark.parametrize(("storage", "database"), [(True, False), (False, True), (False, False)])
async def test_a_check_that_does_not_end_counts_as_failed(
    monkeypatch: pytest.MonkeyPatch, *, storage: bool, database: bool
) -> None:
    """Contract 10.1; the patience of ten seconds is shortened."""
    monkeypatch.setattr("backup_repository.health.check._SECONDS", 0.01)
    parts: tuple[Any, Any] = Part(answers=database), Part(answers=storage)
    diagnosis = await Health(*parts, read_only=False).diagnose()
    assert (diagnosis.storage_healthy, diagnosis.database_healthy, diagnosis.healthy) == (storage, database, False)

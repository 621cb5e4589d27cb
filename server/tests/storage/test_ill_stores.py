"""Object stores that are silent or flap: short troubles go unnoticed, long ones are told within a bound and pass."""

from __future__ import annotations

import random
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from world.buckets import BUCKET, open_key_file
from world.client import COLLECTIONS, HEALTH, Served, collection_fields, serving
from world.clouds import Cloud, stand_in_google

from backup_repository.access.model import Permission
from backup_repository.config.model import Config, GoogleStorage
from backup_repository.database.engine import Database
from backup_repository.database.migrate import migrate
from backup_repository.errors import StorageUnavailable
from backup_repository.storage import buckets
from backup_repository.storage.base import Storage
from backup_repository.storage.contract import get, keys, put
from backup_repository.storage.open import open_one

MIB = 1 << 20
BOUND = 60.0
"""Seconds after which a silent store speaks, so that a call without a bound of its own would succeed."""
CODE = "health secret"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with stand_in_google() as running:
        yield running


@pytest.fixture
def settings(cloud: Cloud, tmp_path: Path) -> GoogleStorage:
    return GoogleStorage("CLOUD", BUCKET, endpoint=cloud.url, keyfilepath=open_key_file(tmp_path))


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts as dead after a minute does so after a moment."""
    monkeypatch.setattr(buckets, "_SILENCE", timedelta(seconds=0.2))
    monkeypatch.setattr(buckets, "_SLOWEST", 10**12)
    monkeypatch.setitem(buckets._RETRIES, "max_retries", 1)


@pytest.fixture
async def served(settings: GoogleStorage, tmp_path: Path, _impatient: None) -> AsyncIterator[Served]:
    """An instance on the stand-in."""
    url = f"sqlite:///{tmp_path / 'records.sqlite3'}"
    database = Database(url)
    await migrate(database)
    await database.close()
    config = Config(
        database_url=url,
        health_check_code=CODE,
        temp_directory=tmp_path / "staging",
        jwt_secret_key=tmp_path / "private.pem",
        jwt_public_key=tmp_path / "public.pem",
        fs_rw=settings,
        fs_ro=settings,
    )
    with ExitStack() as stack:
        instance = stack.enter_context(serving(config))
        yield instance
        await instance.close()


@contextmanager
def silence(cloud: Cloud) -> Iterator[None]:
    """Let the store say nothing."""
    end = threading.Timer(BOUND, cloud.kept.speaks.set)
    cloud.kept.speaks.clear()
    end.start()
    try:
        yield
    finally:
        end.cancel()
        cloud.kept.speaks.set()


async def fill(storage: Storage, content: bytes) -> str:
    """Store so many bytes, a block at a time."""
    async with storage.draft() as draft:
        for start in range(0, len(content), MIB):
            await draft.write(content[start : start + MIB])
        await draft.finish()
    return draft.key


async def test_a_store_that_flaps_is_hardly_noticed(cloud: Cloud, settings: GoogleStorage) -> None:
    """Every other request is refused for the moment, also those of the parts."""
    storage = open_one(settings, Path("unused"), 30 * 10**9)
    cloud.kept.flaps = True
    content = random.Random(7).randbytes(12 * MIB)
    key, small = await fill(storage, content), await put(storage, b"small")
    assert await get(storage, key, 5 * MIB) == content[5 * MIB :]
    assert await keys(storage) == {key, small}
    await storage.delete(small)
    assert await keys(storage) == {key}
    assert cloud.kept.parts == {}


@pytest.mark.usefixtures("_impatient")
async def test_a_silent_store_is_told_within_a_bound_and_works_again(cloud: Cloud, settings: GoogleStorage) -> None:
    storage = open_one(settings, Path("unused"), 30 * 10**9)
    key = await put(storage, b"content")
    jobs: dict[str, Callable[[], Awaitable[Any]]] = {
        "probe": lambda: storage.probe(write=True),
        "look": lambda: storage.probe(write=False),
        "write": lambda: put(storage, b"other"),
        "write in parts": lambda: fill(storage, bytes(12 * MIB)),
        "read": lambda: get(storage, key),
        "size": lambda: storage.size(key),
        "address": lambda: storage.signed(key, {"CLOUD"}, in_part=True),
        "delete": lambda: storage.delete(key),
        "list": lambda: keys(storage),
    }
    with silence(cloud):
        for job in jobs.values():
            with pytest.raises(StorageUnavailable):
                await job()
    assert await get(storage, key) == b"content"
    assert await keys(storage) == {key}
    await storage.probe(write=True)


async def test_an_instance_says_which_part_is_ill_and_recovers(served: Served, cloud: Cloud) -> None:
    """Refused uploads leave no version, whatever their size."""
    admin = await served.client(Permission.ADMINISTRATOR)
    made = await admin.post(COLLECTIONS, json=collection_fields(maxOneVersionSize=0, maxCollectionSize=0))
    versions = f"{COLLECTIONS}/{made.json()['collection']['id']}/versions"
    assert (await admin.post(versions, content=b"before")).status_code == 200
    with silence(cloud):
        answers = [
            await admin.post(versions, content=b"meanwhile"),
            await admin.post(versions, content=bytes(12 * MIB)),
            await admin.get(f"{versions}/latest"),
        ]
        health = await served.guest().get(HEALTH, params={"code": CODE})
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(503, 42003)] * 3
    assert (health.status_code, health.json()["status"]) == (503, [{"storage": False, "database": True}])
    assert (await served.guest().get(HEALTH, params={"code": CODE})).status_code == 200
    assert (await admin.get(f"{versions}/latest")).content == b"before"
    assert (await admin.post(versions, content=b"meanwhile")).status_code == 200
    assert list((await admin.get(versions)).json()["versions"]) == ["1", "2"]
    assert len(cloud.kept.objects) == 2

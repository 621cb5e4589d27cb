"""A storage that fails at any one call of an upload, before or after the call has had its effect."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from sqlalchemy import select
from world.client import COLLECTIONS, TENANT, Served

from backup_repository.api.app import create_app
from backup_repository.database.tables import versions
from backup_repository.storage.base import Storage
from backup_repository.storage.contract import keys
from backup_repository.storage.drivers.memory import MemoryStorage
from backup_repository.storage.wrappers.faulty import Faults, FaultyStorage, When
from backup_repository.storage.wrappers.retrying import RetryingStorage
from backup_repository.versions.download import Downloads
from backup_repository.versions.sweep import Sweep
from backup_repository.versions.upload import Uploads

SIZE = 600_000
"""Several blocks: the first has 64 KiB, each further one twice as much."""


def on(served: Served, storage: Storage) -> Served:
    """The same instance with another storage for its versions."""
    instance = served.instance
    changed = replace(
        instance,
        uploads=Uploads(instance.database, storage, served.clock, instance.counters),
        downloads=Downloads(instance.database, storage),
        sweep=Sweep(instance.database, storage, instance.landing, served.clock),
    )
    return replace(served, instance=changed, app=create_app(changed, contextlib.nullcontext))


async def named(served: Served) -> set[str]:
    async with served.instance.database.reading() as tx:
        return set((await tx.execute(select(versions.c.blob_key))).scalars())


async def no_pause(_failures: int) -> None:
    pass


@pytest.mark.parametrize("when", When)
@pytest.mark.parametrize("retried", [False, True], ids=["plain", "retried"])
async def test_an_upload_that_fails_at_any_call_is_refused_or_whole(
    served: Served, *, when: When, retried: bool
) -> None:
    inner = MemoryStorage()
    user = await served.create_user(*TENANT)
    session = await served.session(user)
    created = await session.create_collection(maxBackupsCount=10, strategy="alert_when_too_many_versions")
    collection = created["id"]
    healthy = await on(served, inner).session(user)
    outcomes: list[tuple[str, int]] = []
    reached = True
    while reached:
        number = len(outcomes) + 1
        faults = Faults(number.__eq__, when=when)
        storage: Storage = FaultyStorage(inner, faults)
        if retried:
            storage = RetryingStorage(storage, pause=no_pause)
        uploader = await on(served, storage).session(user)
        content = number.to_bytes(2) * (SIZE // 2)
        answer = await uploader.upload(collection, content)
        reached = len(faults.calls) >= number
        outcomes.append((faults.calls[number - 1] if reached else "", answer.status_code))
        assert (answer.status_code, answer.json().get("code")) in {(200, None), (503, 42003)}
        assert await named(served) <= await keys(inner)
        if answer.status_code == 200:
            latest = await healthy.get(f"{COLLECTIONS}/{collection}/versions/latest")
            assert latest.content == content
    listed = (await healthy.get(f"{COLLECTIONS}/{collection}/versions")).json()["versions"]
    assert list(listed) == [str(number + 1) for number in range(sum(status == 200 for _, status in outcomes))]
    expected = {"draft": 200 if retried else 503, "write": 503, "finish": 503, "": 200}
    assert outcomes == [(name, expected[name]) for name, _ in outcomes]
    assert {name for name, _ in outcomes} == set(expected)
    served.clock.advance(hours=3)
    await on(served, inner).instance.sweep.run(0)
    assert await keys(inner) == await named(served)

"""What `storage check` asks of a storage; what it finds is tested through the server's records."""

from __future__ import annotations

from pathlib import Path

from world.buckets import BUCKET
from world.clouds import AZURE_KEY, stand_in_azure

from backup_repository import clock
from backup_repository.config.model import AzureStorage
from backup_repository.database.engine import Database
from backup_repository.database.migrate import migrate
from backup_repository.storage.contract import put
from backup_repository.storage.open import open_one
from backup_repository.versions.check import Check, Checked, Kind


async def test_a_container_is_listed_once(tmp_path: Path) -> None:
    """Azure cannot begin in the middle of a listing, so each part of it would cost as much as the whole."""
    database = Database(f"sqlite:///{tmp_path / 'records.sqlite3'}")
    await migrate(database)
    with stand_in_azure() as cloud:
        settings = AzureStorage("CLOUD", "account", BUCKET, key=AZURE_KEY, endpoint=f"{cloud.url}/account")
        storage = open_one(settings, Path("unused"), 0)
        check = Check(database, storage, clock.now)
        stored = sorted([await put(storage, b"%d" % number) for number in range(40)])
        cloud.kept.headers.clear()
        young = Checked()
        assert [found async for found in check.run(young, sweep_age=3600)] == []
        assert len(cloud.kept.headers) == 1
        assert young == Checked(blobs=40, waiting=40)
        found = [(found.kind, found.key) async for found in check.run(Checked(), sweep_age=-3600)]
        assert found == [(Kind.UNREGISTERED, key) for key in stored]
    await database.close()

"""Instances over a tenth of the largest installation, on both databases: enough for every plan to be the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from world.client import Client, Served, serving
from world.crowd import Crowd, filled

from backup_repository.access.model import Permission
from backup_repository.config.model import Config, LocalStorage
from backup_repository.database.engine import Database
from backup_repository.database.migrate import migrate

CROWD = Crowd(users=1_000, collections=2_000, versions=100_000)


def make_config(url: str, root: Path) -> Config:
    """Settings of an instance with its own storage, which holds none of the bytes."""
    (root / "storage").mkdir()
    local = LocalStorage("LOCAL", root / "storage")
    return Config(
        app_env="test",
        base_url="http://server",
        database_url=url,
        metrics_code="metrics secret",
        temp_directory=root / "staging",
        jwt_secret_key=root / "private.pem",
        jwt_public_key=root / "public.pem",
        fs_rw=local,
        fs_ro=local,
    )


def migrated(url: str) -> str:
    """Migrate a database and return its URL."""

    async def apply() -> None:
        database = Database(url)
        await migrate(database)
        await database.close()

    asyncio.run(apply())
    return url


@pytest.fixture(scope="session")
def crowd() -> Crowd:
    """How much there is."""
    return CROWD


@pytest.fixture(scope="session")
def crowded_postgresql(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A filled PostgreSQL database and an instance's settings."""
    url = migrated(request.getfixturevalue("postgres").create_database())
    filled(url, CROWD)
    return make_config(url, tmp_path_factory.mktemp("crowded-postgresql"))


@pytest.fixture(scope="session")
def crowded_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A filled SQLite database and an instance's settings."""
    root = tmp_path_factory.mktemp("crowded-sqlite")
    url = migrated(f"sqlite:///{root / 'records.sqlite3'}")
    filled(url, CROWD)
    return make_config(url, root)


@pytest.fixture(params=["sqlite", "postgresql"])
def crowded_config(request: pytest.FixtureRequest) -> Config:
    """Settings of an instance over many rows, on either database."""
    config: Config = request.getfixturevalue(f"crowded_{request.param}")
    return config


@pytest.fixture
async def crowded(crowded_config: Config) -> AsyncIterator[Served]:
    """An instance over many rows."""
    with serving(crowded_config) as served:
        yield served
        await served.close()


@pytest.fixture
async def admin(crowded: Served) -> Client:
    """An administrator's login session."""
    return await crowded.client(Permission.ADMINISTRATOR)

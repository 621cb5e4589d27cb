"""A served instance for each test, on both databases, with people around it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from world.answers import faults
from world.client import ADMINISTRATOR, STRANGER, TENANT, Client, Serve, Served, serving
from world.document import undescribed
from world.postgres import PostgresCluster

from backup_repository.config.model import Config, LocalStorage
from backup_repository.database.engine import Database
from backup_repository.database.migrate import migrate
from backup_repository.database.tables import metadata


def migrated(url: str) -> None:
    async def apply() -> None:
        database = Database(url)
        await migrate(database)
        await database.close()

    asyncio.run(apply())


def emptied(url: str) -> None:
    tables = ", ".join(f'"{table}"' for table in metadata.tables)

    async def apply() -> None:
        connection = await asyncpg.connect(url)
        # as a replica, for which the audit log does not refuse to be emptied
        forced = "SET lock_timeout = '20s'; SET session_replication_role = replica"
        await connection.execute(f"{forced}; TRUNCATE {tables} RESTART IDENTITY CASCADE")
        await connection.close()

    asyncio.run(apply())


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file to be copied."""
    file = tmp_path_factory.mktemp("migrated") / "records.sqlite3"
    migrated(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def migrated_postgresql(postgres: PostgresCluster) -> str:
    """The URL of a migrated database, emptied before each use."""
    url = postgres.create_database()
    migrated(url)
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A migrated, empty database: each test runs on both engines."""
    if request.param == "sqlite":
        file = tmp_path / "records.sqlite3"
        shutil.copyfile(request.getfixturevalue("migrated_sqlite"), file)
        return f"sqlite:///{file}"
    url: str = request.getfixturevalue("migrated_postgresql")
    emptied(url)
    return url


@pytest.fixture(scope="session")
def key_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where one key pair for all instances is made."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
def config(database_url: str, tmp_path: Path, key_directory: Path) -> Config:
    """The instance of the contract's conformance cases."""
    storage = tmp_path / "storage"
    storage.mkdir()
    local = LocalStorage("LOCAL", storage)
    return Config(
        app_env="test",
        base_url="http://server",
        database_url=database_url,
        health_check_code="health secret",
        metrics_code="metrics secret",
        temp_directory=tmp_path / "staging",
        backup_max_versions=10,
        backup_one_version_max_size=25_000_000_000,
        backup_collection_max_size=150_000_000_000,
        jwt_secret_key=key_directory / "private.pem",
        jwt_public_key=key_directory / "public.pem",
        fs_rw=local,
        fs_ro=local,
    )


async def held_against_the_conventions(answer: httpx.Response) -> None:
    """Every answer of every test has the form that contract 1.2 and 1.3 prescribe, and is described."""
    await answer.aread()
    assert faults(answer) + undescribed(answer) == []


@pytest.fixture
async def serve(config: Config) -> AsyncIterator[Serve]:
    """Serve instances as wanted, all on this test's database."""
    async with contextlib.AsyncExitStack() as stack:

        def serve_one(**settings: Any) -> Served:
            served = stack.enter_context(serving(replace(config, **settings), hooks=(held_against_the_conventions,)))
            stack.push_async_callback(served.close)
            return served

        yield serve_one


@pytest.fixture
def served(serve: Serve) -> Served:
    """The instance under test."""
    return serve()


@pytest.fixture
def guest(served: Served) -> Client:
    """Nobody in particular."""
    return served.guest()


@pytest.fixture
async def admin(served: Served) -> Client:
    """An administrator's login session."""
    return await served.client(ADMINISTRATOR, email="admin@example.org")


@pytest.fixture
async def alice(served: Served) -> Client:
    """A customer; owns the collections she creates."""
    return await served.client(*TENANT, email="alice@example.org")


@pytest.fixture
async def bob(served: Served) -> Client:
    """A customer to whom a test grants something."""
    return await served.client(*TENANT, email="bob@example.org")


@pytest.fixture
async def charlie(served: Served) -> Client:
    """Another customer: nothing here is his business, though he holds the eight per-collection names everywhere."""
    return await served.client(*STRANGER, email="charlie@example.org")

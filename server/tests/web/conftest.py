"""An instance with the web console for each test, and people in front of it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from world.browser import PHONE, WIDE, Window, chromium, window
from world.client import ADMINISTRATOR, STRANGER, TENANT, Serve, Served, serving
from world.instance import Server
from world.visitor import Visitor, signed_in, visitor, with_console

from backup_repository.config.model import Config, LocalStorage
from backup_repository.database.engine import Database
from backup_repository.database.migrate import migrate


def migrated(url: str) -> None:
    async def apply() -> None:
        database = Database(url)
        await migrate(database)
        await database.close()

    asyncio.run(apply())


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database to be copied."""
    file = tmp_path_factory.mktemp("migrated") / "records.sqlite3"

    migrated(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def key_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where one key pair for all instances is made."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
def database_url(request: pytest.FixtureRequest, migrated_file: Path, tmp_path: Path) -> str:
    """A migrated, empty database: SQLite, or what a test asks for as its parameter."""
    if getattr(request, "param", "sqlite") == "sqlite":
        shutil.copyfile(migrated_file, tmp_path / "records.sqlite3")
        return f"sqlite:///{tmp_path / 'records.sqlite3'}"
    url: str = request.getfixturevalue("postgres").create_database()
    migrated(url)
    return url


@pytest.fixture
def config(database_url: str, tmp_path: Path, key_directory: Path) -> Config:
    """Settings of an instance of its own."""
    storage = tmp_path / "storage"
    storage.mkdir()
    local = LocalStorage("LOCAL", storage)
    return Config(
        app_env="test",
        base_url="http://backups.example.org",
        database_url=database_url,
        temp_directory=tmp_path / "staging",
        jwt_secret_key=key_directory / "private.pem",
        jwt_public_key=key_directory / "public.pem",
        fs_rw=local,
        fs_ro=local,
    )


@pytest.fixture
async def serve(config: Config) -> AsyncIterator[Serve]:
    """Serve instances as wanted, all on this test's database."""
    async with contextlib.AsyncExitStack() as stack:

        def serve_one(**settings: Any) -> Served:
            served = with_console(stack.enter_context(serving(replace(config, **settings))))
            stack.push_async_callback(served.close)
            return served

        yield serve_one


@pytest.fixture
def served(serve: Serve) -> Served:
    """The instance under test."""
    return serve()


@pytest.fixture
def guest(served: Served) -> Visitor:
    """Nobody in particular."""
    return visitor(served)


@pytest.fixture
async def admin(served: Served) -> Visitor:
    """An administrator."""
    return await signed_in(served, await served.client(ADMINISTRATOR, email="admin@example.org"))


@pytest.fixture
async def alice(served: Served) -> Visitor:
    """A customer; owns the collections she creates."""
    return await signed_in(served, await served.client(*TENANT, email="alice@example.org"))


@pytest.fixture
async def charlie(served: Served) -> Visitor:
    """Another customer, to whom nothing here belongs."""
    return await signed_in(served, await served.client(*STRANGER, email="charlie@example.org"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser, started once, and gone before other tests: it runs an event loop, beside which none may begin."""
    with chromium() as started:
        yield started


@pytest.fixture(params=[WIDE, PHONE], ids=["wide", "phone"])
def opened(request: pytest.FixtureRequest, browser: Browser, listening: Server) -> Iterator[Window]:
    """A window of somebody who is nobody yet; at the end nothing foreign was asked for and nothing complained."""
    with window(browser, f"http://{listening.direct.host}", request.param) as one:
        yield one
        assert one.unasked() == []


@pytest.fixture
def signed(opened: Window) -> Window:
    """A window of the administrator."""
    opened.sign_in()
    opened.page.wait_for_url("**/overview")
    return opened


@pytest.fixture
def collection(listening: Server) -> str:
    """The id of a collection of the administrator's own."""
    return listening.create_collection("wiki.tar").split("/")[-2]

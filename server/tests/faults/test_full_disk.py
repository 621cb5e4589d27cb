"""A storage that is full or read-only refuses uploads clearly, keeps no litter, and works again by itself."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from world.bodies import Body
from world.filesystems import read_only, small_file_system
from world.instance import Installation, Server
from world.traces import calm, settled
from world.wire import Answer

MIB = 1 << 20
seeds = itertools.count(12_000)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system of eight megabytes."""
    with small_file_system(tmp_path_factory.mktemp("full") / "small", 8) as mounted:
        yield mounted


@pytest.fixture(scope="module", params=["staging beside the storage", "staging elsewhere"])
def running(request: pytest.FixtureRequest, small: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose storage is there, and its staging directory too or not."""
    root = tmp_path_factory.mktemp("server")
    places = {"FS_LOCAL_DIRECTORY": str(root / "elsewhere" / "storage")}
    storage = small / request.param
    storage.mkdir()
    places = {"FS_LOCAL_DIRECTORY": str(storage)}
    if request.param == "staging beside the storage":
        (small / "staging").mkdir()
        places["TEMP_DIRECTORY"] = str(small / "staging")
    with Installation.make(root, **places).serve() as server:
        yield server


def upload(server: Server, versions: str, size: int) -> Answer:
    return server.direct.ask("POST", versions, server.bearer, Body(size, next(seeds)))


def outcome(answer: Answer) -> tuple[int, int, str]:
    return answer.status, answer.json()["code"], answer.json()["type"]


def test_an_upload_that_does_not_fit_leaves_nothing(running: Server) -> None:
    """503, 42003; a smaller one still fits, and comes back."""
    versions = running.create_collection()
    before = calm(running)
    for size in (20 * MIB, 9 * MIB):
        answer = upload(running, versions, size)
        assert outcome(answer) == (503, 42003, "app.fatal-error")
        assert str(running.storage) not in answer.json()["error"]
        assert settled(running, before) == before
    body = Body(2 * MIB, next(seeds))
    assert running.direct.ask("POST", versions, running.bearer, body).json()["version"]["version"] == 1
    assert running.direct.fetch(f"{versions}/v1", running.bearer) == (200, body.size, body.sha256())


def test_a_landed_file_that_does_not_fit_stays_with_the_proxy(running: Server) -> None:
    """It lies on another file system here, so it would have to be copied."""
    versions = running.create_collection()
    landed = running.incoming / "0000000013"
    landed.write_bytes(Body(20 * MIB, next(seeds)).whole())
    before = calm(running)
    answer = running.direct.ask("POST", versions, running.bearer | {"X-Internal-Filename": landed.name})
    assert outcome(answer) == (503, 42003, "app.fatal-error")
    assert settled(running, before) == before
    landed.unlink()


def test_a_read_only_storage_refuses(running: Server, small: Path) -> None:
    """503, 42001; reading goes on, and so does writing when the mount is right again."""
    versions = running.create_collection()
    assert upload(running, versions, 1000).status == 200
    before = calm(running)
    with read_only(small):
        assert outcome(upload(running, versions, 1000)) == (503, 42001, "app.fatal-error")
        assert running.direct.ask("GET", f"{versions}/v1", running.bearer).status == 200
    assert settled(running, before) == before
    assert upload(running, versions, 1000).json()["version"]["version"] == 2

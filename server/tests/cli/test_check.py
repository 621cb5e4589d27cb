"""`storage check` (contract B 2.2)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from world.console import run
from world.instance import Installation, Server
from world.locks import registration_held
from world.waiting import eventually

from backup_repository.storage.base import new_key

CHECK = ("storage", "check")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Installation.make(tmp_path_factory.mktemp("running")).serve() as server:
        yield server


def test_differences_are_listed_and_exit_1(running: Server) -> None:
    place = running.installation
    versions = running.create_collection("db.tar")
    for content in (b"kept", b"lost", b"changed"):
        assert running.direct.ask("POST", versions, running.bearer, content).status == 200
    agreed = run(place, *CHECK)
    assert (agreed.code, agreed.out) == (0, "")
    assert agreed.err.startswith("no differences; compared 3 versions with 3 blobs")
    blobs = {blob.read_bytes(): blob for blob in running.blobs()}
    blobs[b"lost"].unlink()
    blobs[b"changed"].write_bytes(b"cut")
    orphan = running.storage / "ab" / ("ab" + new_key()[2:])
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"forgotten")
    os.utime(orphan, (0, 0))
    told = run(place, *CHECK, "--json")
    assert told.code == 1
    assert told.err.startswith("3 differences; ")
    details = running.direct.ask("GET", versions, running.bearer).json()["versions"]
    collection = versions.split("/")[-2]
    assert {item["kind"]: item for item in told.json()} == {
        "missing": {
            "kind": "missing",
            "blob": blobs[b"lost"].name,
            "filename": details["2"]["details"]["file"]["filename"],
            "collection_id": collection,
            "version": 2,
            "registered_bytes": 4,
            "stored_bytes": None,
        },
        "size": {
            "kind": "size",
            "blob": blobs[b"changed"].name,
            "filename": details["3"]["details"]["file"]["filename"],
            "collection_id": collection,
            "version": 3,
            "registered_bytes": 7,
            "stored_bytes": 3,
        },
        "unregistered": {
            "kind": "unregistered",
            "blob": orphan.name,
            "filename": None,
            "collection_id": None,
            "version": None,
            "registered_bytes": None,
            "stored_bytes": 9,
        },
    }
    lines = run(place, *CHECK)
    assert lines.code == 1
    assert sorted(line.split()[:2] for line in lines.out.splitlines()) == sorted(
        [item["kind"], item["blob"]] for item in told.json()
    )
    for name in versions.split("/")[-2], details["2"]["details"]["file"]["filename"]:
        assert name in lines.out
    closed = run(place.with_settings(READ_ONLY="true"), *CHECK)
    assert (closed.code, closed.out) == (1, lines.out), "it changes nothing, so it may always look"


def test_an_upload_under_way_is_no_difference(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The blob is whole, its row is not committed."""
    with Installation.make(tmp_path_factory.mktemp("alone")).serve() as server, ThreadPoolExecutor(1) as client:
        versions = server.create_collection()
        with registration_held(server.installation.database):
            uploading = client.submit(server.direct.ask, "POST", versions, server.bearer, b"whole")
            eventually(server.blobs)
            os.utime(server.blobs()[0], (0, 0))
            ran = run(server.installation, *CHECK)
            assert (ran.code, ran.out) == (0, "")
            assert "1 wait for the sweep" in ran.err
        assert uploading.result().status == 200
        assert run(server.installation, *CHECK, "--json").json() == []


def test_a_storage_out_of_reach_gives_no_result(running: Server) -> None:
    running.storage.rename(running.root / "elsewhere")
    try:
        ran = run(running.installation, *CHECK, "--json")
    finally:
        (running.root / "elsewhere").rename(running.storage)
    assert (ran.code, ran.out) == (78, "")

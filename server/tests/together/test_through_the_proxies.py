"""The real client against the real server behind both NGINX of deploy/: what goes in encrypted comes out identical."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from realm.program import Place, collection_of
from realm.trees import described, plant
from world import front, instance
from world.front import Front
from world.instance import Server
from world.programs import require_program

BIG = 40_000_000
"""Bytes of a file that compresses badly: many blocks on every way."""


@pytest.fixture
def fronted(tmp_path: Path) -> Iterator[tuple[Server, Front]]:
    """The server on its Unix socket; the router also answers to `localhost`, a name that the client can look up."""
    require_program("nginx")
    for name in ("server", "front", "home"):
        (tmp_path / name).mkdir()
    names = {"server_name backups.example.org;": "server_name backups.example.org localhost;"}
    with (
        instance.server(tmp_path / "server", TRUSTED_PROXIES="127.0.0.1") as server,
        front.front(tmp_path / "front", server, router=names) as running,
    ):
        yield server, running


@pytest.fixture
def place(fronted: tuple[Server, Front], tmp_path: Path) -> Place:
    """A machine with a configuration and its keys, and a directory worth saving."""
    server, nginx = fronted
    plant(tmp_path / "saved")
    (tmp_path / "saved" / "big").write_bytes(os.urandom(BIG))
    place = Place(tmp_path / "home")
    (place.root / "token").write_text(server.token)
    document: dict[str, Any] = {
        "accesses": {
            "main": {
                "url": f"https://localhost:{nginx.public.host.rsplit(':', 1)[1]}",
                "token_file": "${CONFIG_DIR}/token",
                "ca_file": str(nginx.certificate),
            }
        },
        "encryption": {"strong": {"method": "age", "identity_file": "${CONFIG_DIR}/identity.txt"}},
        "backups": {
            "saved": {
                "meta": {
                    "type": "filesystem",
                    "access": "main",
                    "encryption": "strong",
                    "collection_id": collection_of(server, "saved.tar.zst.age"),
                },
                "spec": {"paths": [str(tmp_path / "saved")]},
            }
        },
        "state_directory": "${CONFIG_DIR}/state",
    }
    _write(place, document)
    [key] = place.run("--json", "crypto", "generate-keys", "strong").objects()
    document["encryption"]["strong"]["recipients"] = [key["recipient"]]
    _write(place, document)
    return place


def _write(place: Place, document: Mapping[str, Any]) -> None:
    """Write the configuration: JSON is YAML."""
    place.file.write_text(json.dumps(document))
    for secret in (place.file, place.root / "token"):
        secret.chmod(0o600)


def test_a_directory_comes_back_identical(place: Place, fronted: tuple[Server, Front], tmp_path: Path) -> None:
    server, _ = fronted

    made = place.run("backup", "make", "saved")
    assert (made.code, made.out) == (0, 'Uploaded version "1" of "saved.tar.zst.age"\n'), made.err
    [blob] = server.blobs()
    assert blob.read_bytes().startswith(b"age-encryption.org/v1\n")
    assert server.leftovers() == []

    checked = place.run("--json", "backup", "verify", "saved")
    assert checked.code == 0, checked.err

    restored = place.run("backup", "restore", "saved", "--to", str(tmp_path / "restored"))
    assert restored.code == 0, restored.err
    found = tmp_path / "restored" / (tmp_path / "saved").relative_to("/")
    assert described(found) == described(tmp_path / "saved")


def test_a_flipped_bit_on_the_server_is_named_and_nothing_is_restored(
    place: Place, fronted: tuple[Server, Front], tmp_path: Path
) -> None:
    server, _ = fronted
    assert place.run("backup", "make", "saved").code == 0
    [blob] = server.blobs()
    blob.chmod(0o600)
    with blob.open("r+b") as file:
        file.seek(BIG // 2)
        byte = file.read(1)
        file.seek(BIG // 2)
        file.write(bytes([byte[0] ^ 1]))

    restored = place.run("backup", "restore", "saved", "--to", str(tmp_path / "restored"))

    assert restored.code == 6
    assert not (tmp_path / "restored").exists()
    assert [file for file in tmp_path.iterdir() if "partial" in file.name] == []

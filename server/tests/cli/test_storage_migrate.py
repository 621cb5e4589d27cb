"""`storage migrate` between a directory and a real S3 server, beside a running server (contract B 2.2)."""

from __future__ import annotations

from pathlib import Path

from world.bodies import Body
from world.buckets import rclone
from world.console import run
from world.instance import Installation

MIB = 1 << 20


def test_an_installation_moves_to_an_object_store_while_it_serves(tmp_path: Path) -> None:
    for name in ("bucket", "instance"):
        (tmp_path / name).mkdir()
    bodies = [Body(size, seed) for seed, size in enumerate((1, 100_161, 12 * MIB))]
    with rclone(tmp_path / "bucket") as bucket:
        before = Installation.make(tmp_path / "instance")
        with before.serve() as server:
            versions = server.create_collection()
            for body in bodies:
                assert server.direct.ask("POST", versions, server.bearer, body).status == 200
        moving = before.with_settings(**bucket.environment(), FS_RO_NAME="LOCAL")
        with moving.serve() as server:
            new = Body(50_000, 99)
            assert server.direct.ask("POST", versions, server.bearer, new).status == 200
            early = run(moving, "storage", "migrate", "--from", "LOCAL", "--to", "CLOUD", "--dry-run", "--json")
            assert early.json() == {"copied": 3, "copied_bytes": 12 * MIB + 100_162, "present": 1, "troubles": []}
            ran = run(moving, "storage", "migrate", "--from", "LOCAL", "--to", "CLOUD")
            assert (ran.code, ran.out) == (0, "")
            assert ran.err.endswith(f"3 blobs copied, {12 * MIB + 100_162} bytes; 1 were there already; no troubles\n")
            again = run(moving, "storage", "migrate", "--from", "LOCAL", "--to", "CLOUD", "--verify", "--json")
            assert again.json() == {"copied": 0, "copied_bytes": 0, "present": 4, "troubles": []}
        (before.root / "storage").rename(before.root / "gone")
        with moving.with_settings(FS_RO_NAME="CLOUD").serve() as server:
            for number, body in enumerate([*bodies, new], 1):
                expected = (200, body.size, body.sha256())
                assert server.direct.fetch(f"{versions}/v{number}", server.bearer) == expected


def test_blobs_that_cannot_be_copied_are_listed(tmp_path: Path) -> None:
    for name in ("bucket", "instance"):
        (tmp_path / name).mkdir()
    with rclone(tmp_path / "bucket") as bucket:
        place = Installation.make(tmp_path / "instance")
        with place.serve() as server:
            versions = server.create_collection()
            assert server.direct.ask("POST", versions, server.bearer, Body(10, 1)).status == 200
            (blob,) = server.blobs()
        blob.write_bytes(b"ten others")
        moving = place.with_settings(**bucket.environment(), FS_RO_NAME="LOCAL")
        ran = run(moving, "storage", "migrate", "--from", "LOCAL", "--to", "CLOUD")
        assert (ran.code, ran.out) == (1, f"damaged  {blob.name}\n")
        assert bucket.objects("instance") == {}


def test_a_move_begins_with_the_settings(tmp_path: Path) -> None:
    """Otherwise new versions would go to the old storage and be forgotten there."""
    place = Installation.make(tmp_path)
    ran = run(place, "storage", "migrate", "--from", "LOCAL", "--to", "CLOUD")
    assert ran.code == 2
    assert "FS_RW_NAME=CLOUD" in " ".join(ran.err.split())
    assert run(place, "storage", "migrate", "--from", "LOCAL", "--to", "LOCAL").code == 2

"""An object store that goes away and comes back: clear refusals meanwhile, and no restart."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from world.bodies import Body
from world.buckets import S3Bucket, running, serving_rclone
from world.instance import Installation

pytestmark = pytest.mark.timeout(300)
MIB = 1 << 20
CODE = "health-of-tests"
seeds = itertools.count(40_000)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[tuple[S3Bucket, ExitStack]]:
    """A store that ends when the stack is closed."""
    command, port = serving_rclone(tmp_path)
    with ExitStack() as stack:
        stack.enter_context(running(command, port, tmp_path / "log"))
        yield S3Bucket(f"http://127.0.0.1:{port}"), stack


def test_a_store_that_is_away_is_told_and_works_again(tmp_path: Path, store: tuple[S3Bucket, ExitStack]) -> None:
    bucket, stack = store
    (tmp_path / "instance").mkdir()
    place = Installation.make(tmp_path / "instance", HEALTH_CHECK_CODE=CODE, **bucket.environment())
    with place.serve() as server:
        versions = server.create_collection()
        body = Body(12 * MIB, next(seeds))
        assert server.direct.ask("POST", versions, server.bearer, body).status == 200
        stack.close()
        attempts: tuple[tuple[str, str, Body | bytes], ...] = (
            ("POST", versions, Body(100, next(seeds))),
            ("POST", versions, Body(12 * MIB, next(seeds))),
            ("GET", f"{versions}/v1", b""),
        )
        for method, path, sent in attempts:
            answer = server.direct.ask(method, path, server.bearer, sent)
            assert (answer.status, answer.json()["code"]) == (503, 42003), answer.body
            assert b"127.0.0.1" not in answer.body
        health = server.direct.ask("GET", f"/health?code={CODE}")
        assert (health.status, health.json()["status"]) == (503, [{"storage": False, "database": True}])
        command, port = serving_rclone(tmp_path, port=int(bucket.url.rsplit(":", 1)[1]))
        with running(command, port, tmp_path / "log2"):
            assert server.direct.ask("GET", f"/health?code={CODE}").status == 200
            assert server.direct.fetch(f"{versions}/v1", server.bearer) == (200, body.size, body.sha256())
            assert server.direct.ask("POST", versions, server.bearer, Body(12 * MIB, next(seeds))).status == 200
            listed = server.direct.ask("GET", versions, server.bearer).json()["versions"]
            assert list(listed) == ["1", "2"]
    said = (place.root / "server.log").read_text()
    assert "Traceback" not in said
    assert bucket.fixed["credentials_secret"] not in said

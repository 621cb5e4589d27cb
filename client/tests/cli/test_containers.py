"""Whole runs through a container that stands in for a stopped one: it is put back whatever happens."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from realm.configs import COLLECTION
from realm.docker import Docker, standin_docker_on_path
from realm.places import Place
from realm.standin_server import VERSIONS, StandIn, standin_server
from world.waiting import eventually


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    standin = standin_docker_on_path(tmp_path / "docker", monkeypatch)
    standin.add("cache")
    return standin


@pytest.fixture
def server() -> Iterator[StandIn]:
    with standin_server() as running:
        yield running


def placed(directory: Path, server: StandIn, command: str) -> Place:
    place = Place(directory, server.url, "a-token-of-these-tests")
    spec = {"orig_container": "cache", "temp_container_image": "debian:12"}
    place.more["transports"] = {"beside": {"type": "temporarydocker", "spec": spec}}
    place.define("cache", command, COLLECTION, transport="beside")
    return place


@pytest.mark.parametrize(("command", "code"), [("printf content", 0), ("printf some; exit 3", 5), (":", 5)])
def test_the_container_runs_again_after_success_and_failure(
    docker: Docker, server: StandIn, tmp_path: Path, command: str, code: int
) -> None:
    """Case 50."""
    ended = placed(tmp_path, server, command).run("backup", "make", "cache")
    assert ended.code == code
    assert {name: state["status"] for name, state in docker.containers.items()} == {"cache": "running"}


def test_the_last_words_of_the_container_are_told(docker: Docker, server: StandIn, tmp_path: Path) -> None:
    """Section 3.6: the last 15 log lines."""
    ended = placed(tmp_path, server, "echo trouble >&2; exit 3").run("backup", "make", "cache")
    shown = [line.removeprefix("  | ") for line in ended.err.splitlines() if line.startswith("  | ")]
    assert shown[0] == "trouble"
    assert len(shown) == 16
    assert all(line.startswith("beside: log line ") for line in shown[1:])
    assert docker.containers


def test_the_container_runs_again_after_a_signal(docker: Docker, server: StandIn, tmp_path: Path) -> None:
    """Case 50, SIGTERM in the middle of a whole run."""
    place = placed(tmp_path, server, "while :; do head -c 100000 /dev/urandom; sleep 0.01; done")
    with place.running("backup", "make", "cache") as run:
        eventually(lambda: server.asked("POST", VERSIONS))
        assert docker.containers["cache"]["status"] == "exited"
        run.send_signal(signal.SIGTERM)
        run.communicate()
    assert run.returncode == 143
    assert {name: state["status"] for name, state in docker.containers.items()} == {"cache": "running"}
    (upload,) = server.asked("POST", VERSIONS)
    assert not upload.whole


def test_a_container_that_cannot_be_started_again_fails_the_run(
    docker: Docker, server: StandIn, tmp_path: Path
) -> None:
    """Section 3.5: and says so; no version comes to be."""
    docker.fail("start")
    ended = placed(tmp_path, server, "printf content").run("backup", "make", "cache")
    assert ended.code == 1
    assert "cache" in ended.err
    assert all(not upload.whole for upload in server.asked("POST", VERSIONS))

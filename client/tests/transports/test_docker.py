"""Scripts inside of containers: running ones, and temporary ones that stand in for stopped ones (cases 50)."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest
from realm.docker import Docker, standin_docker_on_path
from realm.interrupted import start
from realm.runs import Run
from world.waiting import eventually

from bahub.config.model import TransportEntry
from bahub.errors import Failed, ProgramFailed
from bahub.transports.registry import transport

_WHERE = 'printf %s "$BAHUB_TEST_CONTAINER"'
"""Says in which of the stand-in's containers it runs."""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    """A stand-in without containers."""
    return standin_docker_on_path(tmp_path / "docker", monkeypatch)


def _inside(tmp_path: Path, command: str = _WHERE, more: Mapping[str, str] | None = None) -> Run:
    return Run(
        "command",
        {"command": command, "restore_command": f"cat >{tmp_path}/restored"},
        tmp_path,
        TransportEntry("inside", "docker", {"container": "db_1", **(more or {})}),
    )


def _instead(tmp_path: Path, command: str = _WHERE) -> Run:
    return Run(
        "command",
        {"command": command, "restore_command": f"cat >{tmp_path}/restored"},
        tmp_path,
        TransportEntry("instead", "temporarydocker", {"orig_container": "db_1", "temp_container_image": "debian:12"}),
    )


def test_commands_run_inside_of_the_container(docker: Docker, tmp_path: Path) -> None:
    docker.add("db_1")

    assert _inside(tmp_path).backup() == b"db_1"
    _inside(tmp_path).restore(b"content")

    assert (tmp_path / "restored").read_bytes() == b"content"
    assert docker.calls[1][:5] == ["exec", "-i", "db_1", "/bin/sh", "-c"]


def test_podman_and_another_shell_are_used_when_asked_for(docker: Docker, tmp_path: Path) -> None:
    docker.add("db_1")
    (docker.directory / "docker").unlink()

    assert _inside(tmp_path, more={"program": "podman", "shell": "/bin/bash"}).backup() == b"db_1"

    assert docker.calls[1][3] == "/bin/bash"


def test_a_missing_container_is_told_from_a_stopped_one(docker: Docker, tmp_path: Path) -> None:
    """Case 50."""
    with pytest.raises(Failed, match="db_1 does not exist") as missing:
        _inside(tmp_path).backup()
    docker.add("db_1", status="exited")
    with pytest.raises(Failed, match=r"db_1 exists but does not run \(it is exited\)") as stopped:
        _inside(tmp_path).backup()

    assert missing.value.hint == "look for its name: docker ps --all"
    assert stopped.value.hint == "start it: docker start db_1"
    assert [call[0] for call in docker.calls] == ["inspect", "inspect"]


def test_a_daemon_that_does_not_answer_is_neither(docker: Docker, tmp_path: Path) -> None:
    docker.add("db_1")
    docker.fail("inspect")

    with pytest.raises(Failed, match=r"docker does not answer: .*inspect is out of order"):
        _inside(tmp_path).backup()


def test_a_missing_program_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Failed, match="the program docker is not there"):
        _inside(tmp_path).backup()


def test_a_failure_inside_comes_with_the_last_lines_of_the_containers_log(docker: Docker, tmp_path: Path) -> None:
    docker.add("db_1")

    with pytest.raises(ProgramFailed, match="exit status 7") as failure:
        _inside(tmp_path, "echo alas >&2; exit 7").backup()

    assert failure.value.details == ("alas", *(f"inside: log line {number}" for number in range(16, 31)))


def test_a_temporary_container_stands_in_for_the_stopped_one(docker: Docker, tmp_path: Path) -> None:
    """Case 50: with its volumes and all of its networks; afterwards it runs again, and the other is gone."""
    docker.add("db_1", networks=["front", "back"])
    during = f"cat {docker.directory}/containers.json"

    words = _instead(tmp_path, f"{_WHERE}; echo; {during}").backup().decode()

    name, _, state = words.partition("\n")
    assert name.startswith("bahub-")
    assert '"db_1": {"status": "exited"' in state
    assert f'"{name}": {{"status": "running", "networks": ["front", "back"], "volumes_from": "db_1"}}' in state
    assert docker.containers == {"db_1": {"status": "running", "networks": ["front", "back"]}}
    assert ["debian:12" in call for call in docker.calls if call[0] == "run"] == [True]


def test_what_was_restored_is_there_before_the_container_starts_again(docker: Docker, tmp_path: Path) -> None:
    docker.add("db_1")

    _instead(tmp_path).restore(b"content")

    assert (tmp_path / "restored").read_bytes() == b"content"
    assert docker.containers == {"db_1": {"status": "running", "networks": []}}
    assert [call[0] for call in docker.calls][-2:] == ["rm", "start"]


@pytest.mark.parametrize("failing", ["exec", "run", "stop", "command"])
def test_the_container_runs_again_after_a_failure(docker: Docker, tmp_path: Path, failing: str) -> None:
    """Case 50: of the script, of the temporary container, even of the stopping."""
    docker.add("db_1")
    docker.fail(failing)

    with pytest.raises((Failed, ProgramFailed)):
        _instead(tmp_path, "exit 9").backup()

    assert docker.containers == {"db_1": {"status": "running", "networks": []}}
    assert docker.calls[-2:] == [["rm", "--force", docker.calls[-2][-1]], ["start", "db_1"]] or failing == "command"


@pytest.mark.parametrize("what", ["backup", "restore"])
def test_the_container_runs_again_after_a_signal(docker: Docker, tmp_path: Path, what: str) -> None:
    """Case 50: SIGTERM while the script runs."""
    docker.add("db_1")
    run = _instead(tmp_path, f"touch {tmp_path}/runs; sleep 600")
    run.spec = {**run.spec, "restore_command": f"touch {tmp_path}/runs; cat"}
    working = start(what, run)
    try:
        assert working.stdin is not None
        if what == "restore":
            working.stdin.write(bytes(1 << 20))
            working.stdin.flush()
        eventually((tmp_path / "runs").exists)
        working.send_signal(signal.SIGTERM)
        assert working.wait() == 143
    finally:
        working.kill()
        working.communicate()

    assert docker.containers == {"db_1": {"status": "running", "networks": []}}


@pytest.mark.parametrize("command", [_WHERE, "exit 9"])
def test_a_run_fails_loudly_when_the_container_does_not_start_again(
    docker: Docker, tmp_path: Path, command: str
) -> None:
    docker.add("db_1")
    docker.fail("start")

    with pytest.raises(Failed, match="db_1 was stopped and could not be started again") as failure:
        _instead(tmp_path, command).backup()

    assert failure.value.hint == "start it by hand: docker start db_1"
    assert ("the source ended with exit status 9" in failure.value.message) == (command == "exit 9")
    assert list(docker.containers) == ["db_1"]


def test_a_container_that_did_not_run_is_not_started(docker: Docker, tmp_path: Path) -> None:
    docker.add("db_1", status="exited")

    assert _instead(tmp_path).backup().startswith(b"bahub-")

    assert docker.containers["db_1"]["status"] == "exited"


def test_a_missing_original_is_said_to_be_missing(docker: Docker, tmp_path: Path) -> None:
    with pytest.raises(Failed, match="the container db_1 does not exist"):
        _instead(tmp_path).backup()

    assert [call[0] for call in docker.calls] == ["inspect"]


def test_a_signal_while_the_container_stops_waits_for_it_to_have_stopped(docker: Docker, tmp_path: Path) -> None:
    """Starting what is still stopping would do nothing, and then it would stop."""
    docker.add("db_1")
    slow = docker.directory / "docker"
    slow.write_text(
        slow.read_text().replace(
            "exec ", f'[ "$1" != stop ] || {{ touch {tmp_path}/stops; read -r _ <{tmp_path}/gate; }}\nexec ', 1
        )
    )
    gate = tmp_path / "gate"

    os.mkfifo(gate)
    working = start("restore", _instead(tmp_path))
    try:
        eventually((tmp_path / "stops").exists)
        working.send_signal(signal.SIGTERM)
        gate.write_text("go on\n")
        assert working.wait() == 143
    finally:
        working.kill()
        working.communicate()

    assert docker.containers == {"db_1": {"status": "running", "networks": []}}
    assert [call[0] for call in docker.calls].index("stop") < [call[0] for call in docker.calls].index("start")


def test_no_transport_needs_anything_from_a_spec_but_what_is_required() -> None:
    made = transport("docker", {"container": "c"})
    assert list(made.command("text")) == ["docker", "exec", "-i", "c", "/bin/sh", "-c", "text"]

"""The container's files: its start is run for real here, without a container; the rest is read (case 68)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from world import wire
from world.filesystems import another_file_system, small_file_system
from world.ports import free_port
from world.postgres import PostgresCluster
from world.sources import ROOT
from world.waiting import eventually

CONTAINER = ROOT / "deploy" / "container"
START = CONTAINER / "entrypoint.sh"


def environment(**changes: str) -> dict[str, str]:
    """The settings of a trial: everything else is a default, below the working directory."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": programs, "APP_ENV": "test", **changes}


def start(root: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the start to its end."""
    return subprocess.run(
        [START, *arguments], cwd=root, env=environment(**settings), capture_output=True, text=True, check=False
    )


@contextmanager
def started(root: Path, **settings: str) -> Iterator[wire.Address]:
    """Run the start until it serves, and stop what it became."""
    port = free_port()
    address = wire.tcp("127.0.0.1", port)
    options = {"SERVE_OPTIONS": f"--bind 127.0.0.1 --port {port}"}
    log = root / "start.log"
    with log.open("wb") as output:
        process = subprocess.Popen([START], cwd=root, env=environment(**options, **settings), stderr=output)
    try:
        eventually(lambda: process.poll() is not None or accepts(address))
        assert process.poll() is None, log.read_text()
        yield address
    finally:
        process.terminate()
        process.wait()


def accepts(address: wire.Address) -> bool:
    try:
        address.open().close()
    except ConnectionRefusedError:
        return False
    return True


def test_it_migrates_runs_the_command_and_serves(tmp_path: Path, postgres: PostgresCluster) -> None:
    """Case 68: POST_INSTALL_CMD finds the schema in place."""
    settings = {
        "DATABASE_URL": postgres.create_database(),
        "POST_INSTALL_CMD": "backup-repository auth create-user --email first@example.org --generate-password > made",
    }
    with started(tmp_path, **settings) as address:
        assert address.ask("GET", "/api/stable/version").status == 401
        assert (tmp_path / "made").read_text() != ""


def test_a_failing_command_ends_the_start_with_its_status(tmp_path: Path) -> None:
    """Case 68."""
    ended = start(tmp_path, POST_INSTALL_CMD="echo no luck >&2; exit 9")
    assert (ended.returncode, "no luck" in ended.stderr) == (9, True)


def test_it_waits_for_the_database_as_long_as_told(tmp_path: Path) -> None:
    url = f"postgresql://backup:secret@127.0.0.1:{free_port()}/backup"
    ended = start(tmp_path, DATABASE_URL=url, WAIT_FOR_DB_TIMEOUT="1")
    assert ended.returncode == 1
    assert "did not answer within 1 seconds" in ended.stderr
    assert "secret" not in ended.stderr


@pytest.mark.parametrize("app_env", ["prod", ""])
def test_production_without_a_volume_for_the_keys_is_refused(tmp_path: Path, app_env: str) -> None:
    """Case 68; an empty APP_ENV is production too."""
    if subprocess.run(["stat", "-c", "%m", tmp_path], capture_output=True, text=True, check=True).stdout != "/\n":
        pytest.skip("the directory of this test is on a volume of its own")
    ended = start(tmp_path, APP_ENV=app_env)
    assert ended.returncode == 78
    assert ended.stderr.startswith("container: JWT_SECRET_KEY: ")
    assert list(tmp_path.iterdir()) == []


def test_production_with_a_volume_for_the_keys_starts(tmp_path: Path) -> None:
    with small_file_system(tmp_path / "keys", 1) as volume:
        keys = {"JWT_SECRET_KEY": f"{volume}/private.pem", "JWT_PUBLIC_KEY": f"{volume}/public.pem"}
        with started(tmp_path, APP_ENV="prod", **keys) as address:
            assert address.ask("GET", "/api/stable/version").status == 401


@pytest.mark.parametrize("variable", ["DATABASE_URL_FILE", "HEALTH_CHECK_CODE_FILE", "METRICS_CODE_FILE"])
def test_empty_secrets_are_refused(tmp_path: Path, variable: str) -> None:
    with another_file_system(tmp_path) as volume:
        (volume / "secret").touch()
        ended = start(tmp_path, **{variable: str(volume / "secret")})
    assert ended.returncode == 78
    assert ended.stderr.startswith(f"container: {variable}: ")


def test_arguments_are_a_console_command(tmp_path: Path) -> None:
    ended = start(tmp_path, "config", "show", "--json", POST_INSTALL_CMD="exit 9")
    assert (ended.returncode, "POST_INSTALL_CMD" in ended.stdout) == (0, True)


def test_it_becomes_the_server_so_that_signals_reach_it(tmp_path: Path) -> None:
    """The process that was started is the server itself, not a shell that would keep the signal."""
    port = free_port()
    settings = environment(SERVE_OPTIONS=f"--bind 127.0.0.1 --port {port}")
    process = subprocess.Popen([START], cwd=tmp_path, env=settings, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: accepts(wire.tcp("127.0.0.1", port)))
        assert "serve" in psutil.Process(process.pid).cmdline()
    finally:
        process.terminate()
        process.wait()


def compose() -> Mapping[str, Any]:
    document: Mapping[str, Any] = yaml.safe_load((CONTAINER / "compose.yaml").read_text())
    return document


def test_the_parts_wait_for_each_other_and_share_what_they_must() -> None:
    services = compose()["services"]
    assert set(services) == {"database", "server", "application-nginx", "router"}
    assert services["server"]["depends_on"]["database"]["condition"] == "service_healthy"
    assert services["application-nginx"]["depends_on"]["server"]["condition"] == "service_healthy"
    shared = {"state:/var/lib/backup-repository", "socket:/run/backup-repository"}
    for name in ("server", "application-nginx"):
        assert shared <= set(services[name]["volumes"])
    assert services["router"]["network_mode"] == "service:application-nginx"


def test_server_and_nginx_run_as_the_same_unprivileged_user() -> None:
    containerfile = (CONTAINER / "Containerfile").read_text()
    user = re.search(r"^USER (\S+)$", containerfile, re.MULTILINE)
    assert user is not None
    assert compose()["services"]["application-nginx"]["user"] == user[1] == "10001:10001"


def test_secrets_come_as_files_that_the_readme_names() -> None:
    document = compose()
    files = {Path(secret["file"]).name for secret in document["secrets"].values()}
    readme = (CONTAINER / "secrets" / "README.md").read_text()
    assert {name for name in files if f"`{name}`" not in readme} == set()
    handed_over = document["services"]["server"]["environment"]
    for variable, value in handed_over.items():
        if variable.endswith("_FILE"):
            assert value.removeprefix("/run/secrets/") in document["services"]["server"]["secrets"]
    assert not {"DATABASE_URL", "HEALTH_CHECK_CODE", "METRICS_CODE"} & set(handed_over)


def test_the_image_copies_what_exists() -> None:
    containerfile = (CONTAINER / "Containerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(\S+) ", containerfile, re.MULTILINE)
    assert len(copied) >= 4
    assert [place for place in copied if not (ROOT / place).exists()] == []
    requirements = re.findall(r"requirements/\w+\.txt", containerfile)
    assert {"requirements/server.txt", "requirements/client.txt"} < set(requirements)


@pytest.mark.parametrize("name", ["router.conf", "application.conf"])
def test_every_directory_that_nginx_writes_to_is_given_to_it(name: str) -> None:
    text = (ROOT / "deploy" / "nginx" / name).read_text()
    service = compose()["services"]["router" if name == "router.conf" else "application-nginx"]
    given = [volume.split(":")[1] for volume in service["volumes"]] + [
        place.split(":")[0] for place in service["tmpfs"]
    ]
    written = re.findall(r"^\s*(?:\w+_temp_path|access_log|error_log) (/[^\s;]+)", text, re.MULTILINE)
    assert len(written) >= 5
    assert [place for place in written if not any(place.startswith(f"{one}/") for one in given)] == []

"""The image: its start is run for real here, without a container; what it is built from is read (case 68)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from world import wire
from world.filesystems import another_file_system, small_file_system
from world.ports import free_port
from world.postgres import PostgresCluster
from world.sources import ROOT
from world.waiting import eventually

CONTAINER = ROOT / "deploy" / "container"
START = CONTAINER / "entrypoint.sh"
IMAGE = CONTAINER / "Containerfile"


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


def copied() -> list[str]:
    """Give what the image takes from the project."""
    return re.findall(r"^COPY (?!--from)(\S+) ", IMAGE.read_text(), re.MULTILINE)


def test_the_image_copies_what_exists() -> None:
    assert len(copied()) >= 4
    assert [place for place in copied() if not (ROOT / place).exists()] == []
    requirements = re.findall(r"requirements/\w+\.txt", IMAGE.read_text())
    assert {"requirements/server.txt", "requirements/client.txt"} < set(requirements)


def test_a_builder_sees_what_the_image_copies_and_nothing_else() -> None:
    """Neither secrets nor a working copy's leftovers travel to a builder."""
    nothing, *lines = [
        line for line in IMAGE.with_suffix(".dockerignore").read_text().splitlines() if not line.startswith("#")
    ]
    assert nothing == "*"
    let_in = [line[1:] for line in lines if line.startswith("!")]
    assert [place for place in let_in if not list(ROOT.glob(place))] == []
    assert {place.split("/")[0] for place in let_in} == {place.split("/")[0] for place in copied()}
    for project in ("server", "client"):
        assert {f"{project}/pyproject.toml", f"{project}/src"} <= set(let_in)
    assert not [place for place in let_in if "secrets" in place or "tests" in place]


def test_the_image_gives_up_root_before_anything_runs() -> None:
    *_, last_stage = IMAGE.read_text().split("\nFROM ")
    instructions = re.findall(r"^([A-Z]+) (.*)$", last_stage, re.MULTILINE)
    names = [name for name, _ in instructions]
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert "RUN" not in names[names.index("USER") :]
    assert dict(instructions)["HEALTHCHECK"].endswith('CMD ["backup-repository", "health", "check"]')

"""`storage read-file` (contract B 2.2; cases 12, 18)."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from world.console import PROGRAM, run
from world.instance import Installation, Server

CONTENT = random.Random(18).randbytes(3_000_001)
READ = ("storage", "read-file")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Installation.make(tmp_path_factory.mktemp("running")).serve() as server:
        yield server


@pytest.fixture(scope="module")
def name(running: Server) -> str:
    """The stored name of a version with the content."""
    return stored(running, CONTENT)


def stored(server: Server, content: bytes) -> str:
    answer = server.direct.ask("POST", server.create_collection("db.tar"), server.bearer, content)
    found: str = answer.json()["version"]["file"]["filename"]
    return found


def blob_of(server: Server, content: bytes) -> Path:
    return next(blob for blob in server.blobs() if blob.read_bytes() == content)


def read(place: Installation, *command: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*PROGRAM, *command], cwd=place.root, env=place.environment, capture_output=True, check=False)


@pytest.mark.parametrize("spelling", [READ, ("storage:read-file",), ("storage:file:read",)], ids=" ".join)
def test_a_stored_file_comes_back_byte_for_byte(spelling: tuple[str, ...], name: str, running: Server) -> None:
    """Cases 12 and 18."""
    ran = read(running.installation, *spelling, name)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert hashlib.sha256(ran.stdout).digest() == hashlib.sha256(CONTENT).digest()


def test_an_unknown_name_is_refused_with_nothing_on_stdout(running: Server) -> None:
    """Case 18."""
    for unknown in ("0123456789db.tar-v1", "../jwt/private.pem", ""):
        ran = run(running.installation, *READ, unknown)
        assert (ran.code, ran.out) == (1, "")
        assert ran.err == "Refused:\n There is no stored file of that name (code: 42000)\n"


def test_a_file_is_written_for_its_owner_alone(name: str, running: Server, tmp_path: Path) -> None:
    target = tmp_path / "restored.tar"
    target.write_text("what was there before")
    ran = run(running.installation, *READ, name, "--output", str(target))
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert target.read_bytes() == CONTENT
    assert target.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [target]


def test_an_unknown_name_leaves_the_file_as_it_was(running: Server, tmp_path: Path) -> None:
    target = tmp_path / "restored.tar"
    assert run(running.installation, *READ, "unknown", "--output", str(target)).code == 1
    assert list(tmp_path.iterdir()) == []
    target.write_text("what was there before")
    assert run(running.installation, *READ, "unknown", "--output", str(target)).code == 1
    assert target.read_text() == "what was there before"


@pytest.mark.parametrize("damage", [lambda c: c[:-1], lambda c: c[:-1] + b"?"], ids=["cut", "changed"])
def test_damaged_bytes_never_get_the_final_name(damage: object, running: Server, tmp_path: Path) -> None:
    assert callable(damage)
    content = os.urandom(1_000_000)
    its_name = stored(running, content)
    blob_of(running, content).write_bytes(damage(content))
    target = tmp_path / "restored.tar"
    ran = run(running.installation, *READ, its_name, "--output", str(target))
    assert (ran.code, ran.out) == (1, "")
    assert "(code: 42004)" in ran.err
    assert list(tmp_path.iterdir()) == []
    assert read(running.installation, *READ, its_name).returncode == 1, "also where the bytes went to stdout"


def test_a_lost_blob_is_told_with_nothing_on_stdout(running: Server) -> None:
    content = os.urandom(1000)
    its_name = stored(running, content)
    blob_of(running, content).unlink()
    ran = run(running.installation, *READ, its_name)
    assert (ran.code, ran.out) == (1, "")
    assert "(code: 42002)" in ran.err


@pytest.mark.parametrize("place", ["missing/file", ".", "/dev/null"])
def test_a_place_that_cannot_be_written_is_one_line(place: str, name: str, running: Server, tmp_path: Path) -> None:
    target = place if place.startswith("/") else str(tmp_path / place)
    ran = run(running.installation, *READ, name, "--output", target)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(str(Path(target)))
    assert ran.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
    assert Path("/dev/null").is_char_device()


def test_a_full_disk_is_one_line(name: str, running: Server) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [*PROGRAM, *READ, name],
            cwd=running.root,
            env=running.installation.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (ran.returncode, ran.stderr) == (1, b"stdout cannot be written: No space left on device\n")


def test_a_reader_that_goes_away_ends_the_command(name: str, running: Server) -> None:
    process = subprocess.Popen(
        [*PROGRAM, *READ, name],
        cwd=running.root,
        env=running.installation.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(10) == CONTENT[:10]
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (1, b"stdout cannot be written: Broken pipe\n")


def test_a_read_only_instance_gives_its_files(name: str, running: Server) -> None:
    assert read(running.installation.with_settings(READ_ONLY="true"), *READ, name).stdout == CONTENT

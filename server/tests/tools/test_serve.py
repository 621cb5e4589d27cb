"""What `make serve` runs starts a server, and the commands it prints work as they stand."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from world.ports import free_port
from world.programs import require_program
from world.sources import ROOT
from world.waiting import eventually

PASSWORD = re.compile(r"^Password: +(\S+) +\(shown this once\)$", re.MULTILINE)
LAST_COMMAND = "5. download the newest"
pytestmark = pytest.mark.timeout(120)


@contextmanager
def left_running(place: Path) -> Iterator[str]:
    """Start it in a directory, wait until it has said everything and listens; give what it printed."""
    port = free_port()
    with (place / "printed").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, ROOT / "tools" / "serve.py", "--port", str(port)],
            cwd=place,
            env={"PATH": os.environ["PATH"]},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        eventually(lambda: process.poll() is not None or answers(port))
        yield (place / "printed").read_text()
    finally:
        process.terminate()
        process.wait()


def answers(port: int) -> bool:
    command = ["curl", "--silent", "--output", os.devnull, f"http://127.0.0.1:{port}/"]
    return subprocess.run(command, check=False).returncode == 0


def commands_in(printed: str) -> str:
    """Give the lines to paste: from the first to the last command."""
    lines = printed.splitlines()
    first, last = (next(number for number, line in enumerate(lines) if mark in line) for mark in ("# 1.", LAST_COMMAND))
    return "\n".join(lines[first : last + 2])


def test_the_printed_commands_store_a_backup_and_bring_it_back(tmp_path: Path) -> None:
    for program in ("curl", "bash", "tar"):
        require_program(program)
    with left_running(tmp_path) as printed:
        assert PASSWORD.search(printed), printed
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        script = f"set -eu -o pipefail\n{commands_in(printed)}"
        pasted = subprocess.run(["bash"], input=script, cwd=elsewhere, capture_output=True, text=True, check=False)
    assert pasted.returncode == 0, pasted.stdout + pasted.stderr
    digest = hashlib.sha256((elsewhere / "documents.tar.gz").read_bytes()).hexdigest()
    assert pasted.stdout.count(digest) == 2  # in the answer to the upload, and in the list
    assert "docs/reference/errors.md" in pasted.stdout.splitlines()


def test_the_second_run_keeps_the_account_and_shows_no_password(tmp_path: Path) -> None:
    require_program("curl")
    with left_running(tmp_path) as first:
        pass
    with left_running(tmp_path) as second:
        pass
    assert PASSWORD.search(first)
    assert LAST_COMMAND in second
    assert not PASSWORD.search(second)

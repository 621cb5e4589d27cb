"""`docs openapi`: the description of the API without a server."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from world.console import PROGRAM, bare, run
from world.instance import API, Server


def test_it_is_the_served_document_byte_for_byte(listening: Server, tmp_path: Path) -> None:
    """Case 22."""
    served = listening.direct.ask("GET", f"{API}/doc.json").body
    for command in (("docs", "openapi"), ("docs:openapi",), ("docs:swagger:json",)):
        printed = run(bare(tmp_path), *command)
        assert (printed.code, printed.err) == (0, "")
        assert printed.out.encode() == served
    written = run(bare(tmp_path), "docs", "openapi", "--output", "api.json")
    assert (written.code, written.out, written.err) == (0, "", "")
    assert (tmp_path / "api.json").read_bytes() == served


def test_it_is_the_same_in_every_process_and_locale(tmp_path: Path) -> None:
    printed = [
        run(bare(tmp_path, PYTHONHASHSEED=seed, LC_ALL=locale), "docs", "openapi").out
        for seed, locale in (("1", "C"), ("2", "C.UTF-8"), ("3", "POSIX"))
    ]
    assert printed[0] == printed[1] == printed[2]
    assert json.loads(printed[0])["openapi"].startswith("3.1")


def test_it_needs_and_makes_nothing(tmp_path: Path) -> None:
    assert run(bare(tmp_path), "docs", "openapi").code == 0
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    refused = run(bare(tmp_path), "docs", "openapi", "--output", "nowhere/api.json")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == "nowhere/api.json cannot be written: No such file or directory\n"


def test_a_reader_that_has_enough_is_no_disaster(tmp_path: Path) -> None:
    place = bare(tmp_path)
    with subprocess.Popen(
        [*PROGRAM, "docs", "openapi"],
        cwd=place.root,
        env=place.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read().decode()
    assert process.returncode == 1
    assert said.count("\n") <= 1

"""What no text of the project may hold: addresses of registries, places of one machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from world.sources import ROOT, project_files

ADDRESS = re.compile(r"\w+://|^\s*--?(index-url|extra-index-url|find-links|trusted-host|i|f)\b", re.MULTILINE)
PINNED = re.compile(r"[\w.-]+(\[[\w,-]+\])?==\S+ \\")
HASHED = re.compile(r" {4}--hash=sha256:[0-9a-f]{64}( \\)?")
MACHINE = re.compile(r"(?<![\w.~}/-])/(?:work|root|home/\w+|Users/\w+)(?:/|\b(?![\w-]))")
REQUIREMENTS = sorted((ROOT / "requirements").glob("*.txt"))


@pytest.mark.parametrize("file", sorted((ROOT / "requirements").iterdir()), ids=lambda file: file.name)
def test_requirements_name_no_address(file: Path) -> None:
    assert ADDRESS.search(file.read_text()) is None


@pytest.mark.parametrize("file", REQUIREMENTS, ids=lambda file: file.name)
def test_every_requirement_is_pinned_and_hashed(file: Path) -> None:
    lines = [line for line in file.read_text().splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert [line for line in lines if not PINNED.fullmatch(line) and not HASHED.fullmatch(line)] == []
    hashed = [bool(HASHED.fullmatch(line)) for line in lines]
    assert all(after for before, after in zip(hashed, [*hashed[1:], False], strict=True) if not before)


def test_what_runs_is_what_was_tested() -> None:
    tested, *others = (
        pins(ROOT / "requirements" / name) for name in ("dev.txt", "server.txt", "client.txt", "build.txt")
    )
    for other in others:
        assert other <= tested


def pins(file: Path) -> set[str]:
    return {line.split()[0] for line in file.read_text().splitlines() if PINNED.fullmatch(line)}


def lines_of_text() -> Iterator[tuple[Path, int, str]]:
    for file in project_files():
        data = file.read_bytes()
        if b"\0" not in data:
            yield from ((file, number, line) for number, line in enumerate(data.decode().splitlines(), 1))


def test_no_text_names_a_place_of_one_machine() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{number}: {line}" for file, number, line in lines_of_text() if MACHINE.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("text", ["cd /" + "work/main", "PATH=/" + "root/bin", '"/' + 'home/alice/x"'])
def test_places_of_one_machine_are_recognised(text: str) -> None:
    assert MACHINE.search(text)


@pytest.mark.parametrize("text", ["GET /repository/work/1", "~/work/x", "tools/root", "https://example.org/home/x"])
def test_ordinary_paths_are_not_mistaken_for_places(text: str) -> None:
    assert not MACHINE.search(text)

"""ARCHITECTURE.md tells the truth: what it names exists, every part of the server is on it, its rows are the contract."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from world.sources import ROOT

PAGE = (ROOT / "ARCHITECTURE.md").read_text()
SERVER = ROOT / "server" / "src" / "backup_repository"
CLIENT = ROOT / "client" / "src" / "bahub"
BRANCH = re.compile(r"^((?:[│ ] {3})*)[├└]── (\S+(?: {2}\S+\.py)*)")
FILE = re.compile(r"`([\w*/.-]+/[\w*.-]+)`|([\w/]+\.py)")


def places_in_the_tree() -> set[Path]:
    """Give every file and folder that the drawn tree names."""
    found: set[Path] = set()
    above: list[Path] = []
    for match in filter(None, map(BRANCH.match, PAGE.splitlines())):
        depth = len(match[1]) // 4
        parent = above[depth - 1] if depth else ROOT
        above[depth:] = [parent / match[2].split()[0]]
        found.update(parent / name for name in match[2].split())
    return found


def test_what_the_tree_names_exists() -> None:
    places = places_in_the_tree()
    assert SERVER / "versions" / "upload.py" in places
    assert [str(place) for place in sorted(places) if not place.exists()] == []


@pytest.mark.parametrize("package", [SERVER, CLIENT])
def test_every_part_of_both_programs_is_in_the_tree(package: Path) -> None:
    parts = {path for path in package.iterdir() if path.is_dir() or path.suffix == ".py"}
    ours = {path for path in parts if not path.name.startswith("__")}
    assert ours - places_in_the_tree() == set()


def test_every_file_the_page_names_exists() -> None:
    names = {first or second for first, second in FILE.findall(PAGE.split("## The main job")[1])}
    assert len(names) > 10
    missing = [name for name in sorted(names) if not list(SERVER.glob(name)) and not list(ROOT.glob(name))]
    assert missing == []


@pytest.mark.parametrize(("name", "block"), [("The storeys of the server", 1), ("The storeys of the client", 3)])
def test_the_drawn_rows_are_the_contract(name: str, block: int) -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    rows = next(contract["layers"] for contract in contracts if contract["name"] == name)
    drawn = PAGE.split("## Import rows")[1].split("```")[block].split("\n")[1:-1]
    assert drawn == [row.replace("(", "").replace(")", "") for row in rows]

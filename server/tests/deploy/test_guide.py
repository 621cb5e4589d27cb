"""The deployment guide explains the lines that the files really have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from world import nginx
from world.nginx import APPLICATION, ROUTER
from world.sources import ROOT

GUIDE = (ROOT / "docs" / "howto" / "deploy.md").read_text()
TABLES = {"## 4. The application NGINX": APPLICATION, "## 5. The router": ROUTER}


def explained(heading: str) -> Iterator[tuple[str, bool]]:
    """Give the lines that a section's table explains, and whether they are said to be there."""
    section = GUIDE.split(f"{heading}\n", 1)[1].split("\n## ", 1)[0]
    for row in re.findall(r"^\| (.*?) \| .* \|$", section, re.MULTILINE):
        for span in re.findall("`([^`]+)`", row):
            yield span.split("…", 1)[0].strip(), not row.startswith("no ")


@pytest.mark.parametrize("heading", TABLES)
def test_the_guide_explains_lines_that_are_there(heading: str) -> None:
    text = "\n".join(line for line in TABLES[heading].read_text().splitlines() if not line.lstrip().startswith("#"))
    present = [line for line, there in explained(heading) if there]
    assert len(present) > 10
    assert [line for line in present if line not in text] == []


@pytest.mark.parametrize("heading", TABLES)
def test_the_guide_names_missing_lines_that_are_missing(heading: str) -> None:
    """Whole words: `keepalive_timeout` is no `keepalive`."""
    words = {word for block in nginx.parse(TABLES[heading].read_text()).find() for word in block.words}
    absent = [line for line, there in explained(heading) if not there]
    assert absent
    assert [line for line in absent if line in words] == []


def test_commands_for_the_server_find_the_program() -> None:
    """It is in no directory of PATH there; only a client asks the public address, with a program of its own."""
    commands = [line for block in re.findall("```sh\n(.*?)```", GUIDE, re.DOTALL) for line in block.splitlines()]
    bare = [line for line in commands if line.startswith("backup-repository ")]
    assert bare == ["backup-repository doctor https://backups.example.org \\"]
    assert "run doctor http://127.0.0.1:8080" in commands


@pytest.mark.parametrize("file", [APPLICATION, ROUTER], ids=lambda file: file.name)
def test_the_top_of_each_file_lists_what_an_operator_sets(file: Path) -> None:
    text = file.read_text()
    listed = re.findall(r"^#     (\S+(?:, \S+)?)  +\S", text, re.MULTILINE)
    assert len(listed) > 5
    settings = text.split("\npid ", 1)[1]
    values = [value for line in listed for value in line.split(", ")]
    assert [value for value in values if value not in f"pid {settings}" and f"user {value};" not in text] == []

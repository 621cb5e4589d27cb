"""Shells complete commands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from realm.program import Place
from world.programs import require_program


@pytest.mark.parametrize(
    ("words", "expected"),
    [("bahub sch", ["schedule"]), ("bahub schedule ", ["run", "list"]), ("bahub backup make --ke", ["--keep-going"])],
)
def test_the_shell_completes_groups_commands_and_options(place: Place, words: str, expected: list[str]) -> None:
    program = require_program("bahub", str(Path(sys.executable).parent))
    asked = {"_BAHUB_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    result = subprocess.run(
        [program], env=place.whole_environment() | asked, capture_output=True, text=True, check=False
    )
    assert result.stdout.split() == expected

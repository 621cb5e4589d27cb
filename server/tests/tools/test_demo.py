"""What `make demo` runs keeps its promises, from the first file to the last step."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from world.sources import ROOT


@pytest.mark.timeout(300)
def test_the_demo_stores_and_restores_a_directory(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, ROOT / "tools" / "demo.py"],
        env={"TMPDIR": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "byte by byte: all the same" in result.stdout
    assert "the collection now holds v2, v3" in result.stdout
    assert list(tmp_path.iterdir()) == []

"""What tests of commands ask for."""

from __future__ import annotations

from pathlib import Path

import pytest
from realm.program import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A home directory with nothing in it."""
    return Place(tmp_path)

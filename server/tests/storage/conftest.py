"""Storages on a directory of the test."""

from __future__ import annotations

from pathlib import Path

import pytest
from world.disk import Disk


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    found = Disk(tmp_path / "blobs", tmp_path / "staging")
    found.directory.mkdir()
    return found

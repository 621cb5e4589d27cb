"""What tests of notifications ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from realm.hooks import Hook, hook


@pytest.fixture
def chat() -> Iterator[Hook]:
    """A server that keeps what notifiers send."""
    with hook() as running:
        yield running

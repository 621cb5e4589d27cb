"""Everything an upload can leave behind, so that a test can tell that it left nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from world.instance import Server
from world.records import rows

_PATIENCE = 20.0
"""Seconds after which what is still there will stay."""

_QUERIES = {
    "versions": "SELECT collection_id, number, filename, blob_key, size, sha256 FROM versions",
    "tags": "SELECT file_id, tag FROM version_tags",
    "blobs": "SELECT key, retired_at IS NULL FROM blobs",
    "counters": "SELECT id, last_number, versions_count, used_space FROM collections",
    "tokens": "SELECT token_hash FROM tokens WHERE active AND kind = 'generated'",
}


@dataclass(frozen=True, slots=True)
class Traces:
    """What database, storage, staging and landing directory hold at one moment."""

    records: dict[str, frozenset[tuple[Any, ...]]]
    """The rows of each kind that uploads write."""
    stored: frozenset[str]
    unfinished: frozenset[str]
    landed: frozenset[str]


def traces(server: Server) -> Traces:
    """Look at everything now."""
    return Traces(
        {kind: frozenset(rows(server.installation.database, query)) for kind, query in _QUERIES.items()},
        _files(server.storage),
        _files(server.staging),
        _files(server.incoming),
    )


def calm(server: Server) -> Traces:
    """Look when no upload that was answered is being tidied up any more: what a test compares with later.

    What dead processes left in the staging directory stays, and is part of it.
    """
    deadline = time.monotonic() + _PATIENCE
    while (seen := traces(server)).unfinished and time.monotonic() < deadline:
        time.sleep(0.01)
    return seen


def settled(server: Server, expected: Traces) -> Traces:
    """Look until there is what is expected, or until it is clear that it will not come; return the last sight.

    Staging files of an upload whose client is gone vanish a moment later, and so do finished ones after the answer.
    """
    deadline = time.monotonic() + _PATIENCE
    while (seen := traces(server)) != expected and time.monotonic() < deadline:
        time.sleep(0.01)
    return seen


def _files(directory: Path) -> frozenset[str]:
    return frozenset(str(file.relative_to(directory)) for file in directory.rglob("*") if not file.is_dir())

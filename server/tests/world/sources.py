"""The source text of the product, for tests that judge it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
"""The working copy."""

SOURCES = (ROOT / "server" / "src", ROOT / "client" / "src")
"""Where the two distributions are."""

_NOT_OURS = frozenset({"var", "build", "dist", "htmlcov", "__pycache__"})


def source_files() -> list[Path]:
    """Return every Python file of both distributions."""
    return sorted(file for folder in SOURCES for file in folder.rglob("*.py"))


def project_files() -> Iterator[Path]:
    """Give every file of the project itself: no environment, cache, build or instance data."""
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        hidden = any(part.startswith(".") and part != ".ci" for part in parts[:-1])
        if path.is_file() and not hidden and _NOT_OURS.isdisjoint(parts):
            yield path


def tree_of(file: Path) -> ast.Module:
    """Parse a Python file."""
    return ast.parse(file.read_text(), filename=str(file))

"""The map of the house is executable: the contracts of import-linter hold, and each of them can fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from world.sources import ROOT, SOURCES

SERVER_ROWS = "The storeys of the server"
CLIENT_ROWS = "The storeys of the client"

BREACHES = {
    "a domain imports an entrance": ("backup_repository/versions/model.py", "backup_repository.api", SERVER_ROWS),
    "a driver layer imports its neighbour": (
        "backup_repository/storage/base.py",
        "backup_repository.database",
        SERVER_ROWS,
    ),
    "users and collections meet": ("backup_repository/users/model.py", "backup_repository.collections", SERVER_ROWS),
    "errors learn about the clock": ("backup_repository/errors.py", "backup_repository.clock", SERVER_ROWS),
    "a folder is not on the server's map": ("backup_repository/plumbing/__init__.py", "sys", SERVER_ROWS),
    "a folder is not on the client's map": ("bahub/plumbing/__init__.py", "sys", CLIENT_ROWS),
    "the client imports the server": (
        "bahub/errors.py",
        "backup_repository.sizes",
        "Client and server never import each other",
    ),
    "the server imports the client": (
        "backup_repository/main.py",
        "bahub",
        "Client and server never import each other",
    ),
    "one driver imports another": (
        "backup_repository/storage/drivers/memory.py",
        "backup_repository.storage.drivers.filesystem",
        "Storage drivers do not know each other",
    ),
    "rotation reads settings": (
        "backup_repository/rotation/__init__.py",
        "backup_repository.config.model",
        "Rotation is pure: it knows neither database, storage nor settings",
    ),
    "a job imports a model library": (
        "backup_repository/users/model.py",
        "pydantic",
        "Models of requests stay at the doors",
    ),
    "the application imports the HTTP server": (
        "backup_repository/main.py",
        "uvicorn",
        "Only the console knows the HTTP server",
    ),
    "a job imports the web framework": (
        "backup_repository/access/model.py",
        "starlette.requests",
        "The web framework stays at the doors",
    ),
    "a job writes SQL": (
        "backup_repository/collections/model.py",
        "sqlalchemy",
        "SQL stays in the database package and the stores",
    ),
    "an entrance writes SQL": (
        "backup_repository/api/errors.py",
        "sqlalchemy.exc",
        "SQL stays in the database package and the stores",
    ),
}
"""What is done → the file that gets one more import, that import, and the contract that must notice."""


def lint(sources: Sequence[Path]) -> subprocess.CompletedProcess[str]:
    """Run import-linter with the project's configuration over the packages in the given folders."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    return subprocess.run(
        [*command, "--no-logo", "--no-cache", "--config", str(ROOT / "pyproject.toml")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sources)), "COLUMNS": "200"},
        cwd=sources[0],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_import_rows_hold() -> None:
    result = lint(SOURCES)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture(scope="session")
def copied_sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    for source in SOURCES:
        shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_of_the_map_is_noticed(breach: str, copied_sources: Path) -> None:
    name, imported, contract = BREACHES[breach]
    file = copied_sources / name
    before = file.read_text() if file.exists() else None
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"{before or ''}\nimport {imported}\n")
    try:
        result = lint([copied_sources])
    finally:
        if before is None:
            file.unlink()
            shutil.rmtree(file.parent) if file.name == "__init__.py" else None
        else:
            file.write_text(before)
    assert result.returncode != 0
    assert f"{contract} BROKEN" in result.stdout, result.stdout + result.stderr

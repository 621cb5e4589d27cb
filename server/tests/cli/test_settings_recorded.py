"""A start with other settings than the last one is recorded, never a secret (contract 12)."""

from __future__ import annotations

from pathlib import Path

from world.console import run
from world.instance import Installation
from world.records import rows

SECRET = "hunter2-and-more"


def start(installation: Installation, *options: str) -> None:
    with installation.serve(*options):
        pass


def recorded(installation: Installation) -> list[str]:
    entries = run(installation, "audit", "list", "--action", "settings.changed", "--json").json()
    assert {(entry["actor"], entry["address"], entry["target"]) for entry in entries} <= {
        ("system", "console", "settings")
    }
    return [entry["detail"] for entry in reversed(entries)]


def test_only_a_start_with_other_settings_is_recorded(tmp_path: Path) -> None:
    installation = Installation.make(tmp_path, BACKUP_MAX_VERSIONS="5")
    assert recorded(installation) == []
    start(installation)
    start(installation, "--workers", "2")
    (first,) = recorded(installation)
    assert "BACKUP_MAX_VERSIONS=5, " in first
    changed = installation.with_settings(BACKUP_MAX_VERSIONS="6")
    start(changed)
    assert recorded(changed) == [first, first.replace("VERSIONS=5", "VERSIONS=6")]
    start(installation)
    assert recorded(installation)[2:] == [first]


def test_a_changed_secret_shows_without_being_shown(tmp_path: Path) -> None:
    installation = Installation.make(tmp_path, HEALTH_CHECK_CODE=SECRET, POST_INSTALL_CMD=f"notify --key {SECRET}")
    start(installation)
    start(installation.with_settings(HEALTH_CHECK_CODE=SECRET + "2"))
    before, after = (detail.split(", ") for detail in recorded(installation))
    assert [(a.split("=")[0], b.split("=")[0]) for a, b in zip(before, after, strict=True) if a != b] == [
        ("HEALTH_CHECK_CODE", "HEALTH_CHECK_CODE")
    ]
    written = str(rows(installation.database, "SELECT * FROM audit"))
    assert SECRET not in written
    assert installation.database not in written
    assert "HEALTH_CHECK_CODE=#" in written


def test_a_digest_is_of_no_use_without_the_signing_key(tmp_path: Path) -> None:
    """The same secret under another key looks different, so nobody can try values with the log alone."""
    details = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        installation = Installation.make(tmp_path / name, METRICS_CODE=SECRET)
        start(installation)
        (detail,) = recorded(installation)
        details.append(next(part for part in detail.split(", ") if part.startswith("METRICS_CODE")))
    assert details[0] != details[1]


def test_a_read_only_instance_records_nothing(tmp_path: Path) -> None:
    installation = Installation.make(tmp_path)
    start(installation.with_settings(READ_ONLY="true"))
    assert recorded(installation) == []

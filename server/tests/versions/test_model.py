"""Names of versions (contract 8.1, B)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from backup_repository.versions.model import Version, version_filename


@pytest.mark.parametrize(
    ("filename", "number", "expected"),
    [
        ("zsp.net.pl_database.tar.gz", 1, "zsp.net.pl_database.tar-v1.gz"),
        ("db.tar.gz", 1, "db.tar-v1.gz"),
        ("article", 2, "article-v2"),
        ("db.sql", 123, "db-v123.sql"),
        (".bashrc", 1, ".bashrc-v1"),
        (".config.tar", 3, ".config-v3.tar"),
        ("backup.", 1, "backup.-v1"),
        (".", 1, ".-v1"),
        ("my backup (1).zip", 7, "my backup (1)-v7.zip"),
    ],
)
def test_the_number_stands_before_the_last_extension(filename: str, number: int, expected: str) -> None:
    name = version_filename(filename, number)
    assert re.fullmatch(r"[0-9a-f]{10}", name[:10])
    assert name[10:] == expected


def test_names_of_the_same_version_differ_in_their_random_digits() -> None:
    assert len({version_filename("db.tar.gz", 1) for _ in range(50)}) == 50


def test_a_download_carries_the_name_without_the_random_digits() -> None:
    """Case 104."""
    version = Version(
        id="00000000-0000-4000-8000-000000000001",
        file_id=1,
        collection_id="c011ec00-0000-4000-8000-000000000001",
        number=1,
        filename=version_filename("db.tar.gz", 1),
        blob_key="0" * 32,
        size=1,
        sha256="0" * 64,
        tags=(),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    assert version.download_name == "db.tar-v1.gz"

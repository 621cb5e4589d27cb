"""The guide to disaster recovery, walked with the real server and PostgreSQL: its commands are run as they stand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from world.instance import Installation, Server
from world.postgres import PostgresCluster
from world.programs import require_program
from world.sources import ROOT

GUIDE = (ROOT / "docs" / "howto" / "disaster-recovery.md").read_text()
WORDS, SAVE, BRING_BACK, COMPARE, LIST, RESCUE = (
    re.sub("^   ", "", block, flags=re.MULTILINE)
    for block in re.findall(r"^ *```sh\n(.*?)^ *```$", GUIDE, re.MULTILINE | re.DOTALL)
)
"""Its commands, in their order; the first block says what the words of the others mean, and is replaced here."""
LONG_AGO = 4 * 3600.0


@dataclass(frozen=True, slots=True)
class Site:
    """An installation, and the place where its copies go."""

    installation: Installation
    copy: Path

    @property
    def state(self) -> Path:
        """What the guide calls STATE."""
        return self.installation.root

    @property
    def storage(self) -> Path:
        """Where the blobs are."""
        return self.state / "storage"

    def do(self, *blocks: str) -> str:
        """Run blocks of the guide and return what they print."""
        url = self.installation.database
        words = f"""
            STATE={self.state}
            COPY={self.copy}
            dump() {{ pg_dump --format=custom --dbname={url}; }}
            put_back() {{ pg_restore --clean --if-exists --exit-on-error --single-transaction --dbname={url}; }}
            run() {{ (cd "$STATE" && {sys.executable} -m backup_repository "$@"); }}
        """
        result = subprocess.run(
            ["bash", "-eu", "-c", words + "\n".join(blocks)],
            cwd=self.copy,
            env={**os.environ, **self.installation.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    def lose(self, name: str) -> None:
        """Lose everything in a directory, which stays."""
        shutil.rmtree(self.state / name)
        (self.state / name).mkdir(mode=0o700)

    def lose_the_database(self) -> None:
        """Leave an empty one in its place."""
        script = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"
        command = [require_program("psql"), "--quiet", "--dbname", self.installation.database, "--command", script]
        subprocess.run(command, check=True, capture_output=True)

    def age_blobs(self) -> None:
        """Make every upload one of hours ago."""
        for blob in self.storage.rglob("*"):
            if blob.is_file():
                at = blob.stat().st_mtime - LONG_AGO
                os.utime(blob, (at, at))


@pytest.fixture
def site(tmp_path: Path, postgres: PostgresCluster) -> Site:
    for program in ("rsync", "pg_dump", "pg_restore", "psql"):
        require_program(program)
    for name in ("here", "copy"):
        (tmp_path / name).mkdir()
    installation = Installation.make(tmp_path / "here", DATABASE_URL=postgres.create_database())
    return Site(installation, tmp_path / "copy")


@pytest.fixture
def saved(site: Site) -> tuple[Site, str]:
    """Two versions, a copy of everything, and a third version that no copy has; the path of the versions."""
    with site.installation.serve() as server:
        versions = server.create_collection()
        upload(server, versions, b"one", b"two")
        site.do(SAVE)
        upload(server, versions, b"three")
    return site, versions


def upload(server: Server, versions: str, *contents: bytes) -> None:
    for content in contents:
        assert server.direct.ask("POST", versions, server.bearer, content).status == 200


def stored(server: Server, versions: str) -> list[bytes | None]:
    """Give the contents of all versions, None for one that is listed and cannot be had."""
    listed = server.direct.ask("GET", versions, server.bearer).json()["versions"]
    answers = [server.direct.ask("GET", f"{versions}/v{number}", server.bearer) for number in sorted(listed, key=int)]
    return [answer.body if answer.status == 200 else None for answer in answers]


def test_the_first_block_says_what_the_others_use() -> None:
    named = set(re.findall(r"^([A-Z]+)=|^(\w+)\(\)", WORDS, re.MULTILINE))
    assert {one or other for one, other in named} == {"STATE", "COPY", "dump", "put_back", "run"}


def test_nobody_else_reads_the_copy(saved: tuple[Site, str]) -> None:
    site, _ = saved
    assert (site.copy / "database.dump").stat().st_mode & 0o077 == 0


def test_everything_is_lost_but_the_copy(saved: tuple[Site, str]) -> None:
    site, versions = saved
    with site.installation.serve() as before:
        token = before.token
        site.do(SAVE)
    site.lose("storage")
    site.lose("jwt")
    site.lose_the_database()
    site.do(BRING_BACK)
    read_only = site.installation.with_settings(READ_ONLY="true")
    with read_only.serve() as server:
        assert site.do(COMPARE) == ""
        assert stored(server, versions) == [b"one", b"two", b"three"]
        assert server.direct.ask("GET", versions, {"Authorization": f"Bearer {token}"}).status == 200
        assert server.direct.ask("POST", versions, server.bearer, b"four").status == 503
    with site.installation.serve() as server:
        upload(server, versions, b"four")
        assert stored(server, versions)[-1] == b"four"


def test_the_storage_is_lost(saved: tuple[Site, str]) -> None:
    """What came after the copy is lost and named; its owner deletes it, and all goes on."""
    site, versions = saved
    site.lose("storage")
    with site.installation.with_settings(READ_ONLY="true").serve():
        assert len(site.do(COMPARE).splitlines()) == 4, "three differences, and the words of the guide"
        site.do('rsync -a "$COPY/storage/" "$STATE/storage/"')
        missing, said = site.do(COMPARE).splitlines()
        assert missing.startswith("missing")
        assert "version 3" in missing
        assert said == "something is missing on one side"
    with site.installation.serve() as server:
        assert stored(server, versions) == [b"one", b"two", None]
        assert server.direct.ask("DELETE", f"{versions}/v3", server.bearer).status == 200
        upload(server, versions, b"three again")
        assert site.do(COMPARE) == ""


def test_the_database_is_lost_and_the_storage_is_not(saved: tuple[Site, str]) -> None:
    """What came after the dump is found by the guide, survives while the server is read-only, and is uploaded again."""
    site, versions = saved
    site.age_blobs()
    site.lose_the_database()
    site.do('put_back < "$COPY/database.dump"')
    with site.installation.with_settings(READ_ONLY="true").serve() as server:
        assert stored(server, versions) == [b"one", b"two"]
        site.do(LIST, RESCUE)
        (found,) = (site.copy / "found").iterdir()
        assert found.read_bytes() == b"three"
        (blob,) = site.storage.rglob(found.name)
        assert found.stat().st_mtime == blob.stat().st_mtime
    with site.installation.serve() as server:
        upload(server, versions, found.read_bytes())
        assert stored(server, versions) == [b"one", b"two", b"three"]


def test_a_server_that_may_write_sweeps_what_has_no_row(saved: tuple[Site, str]) -> None:
    """Why the guide says: read-only first."""
    site, _ = saved
    site.age_blobs()
    site.lose_the_database()
    site.do('put_back < "$COPY/database.dump"')
    assert len([blob for blob in site.storage.rglob("*") if blob.is_file()]) == 3
    site.do("run storage sweep")
    assert len([blob for blob in site.storage.rglob("*") if blob.is_file()]) == 2


def test_the_keys_are_lost(saved: tuple[Site, str]) -> None:
    site, versions = saved
    with site.installation.serve() as server:
        token = server.token
    site.lose("jwt")
    with site.installation.serve() as server:
        assert server.direct.ask("GET", versions, {"Authorization": f"Bearer {token}"}).status == 401
        assert stored(server, versions) == [b"one", b"two", b"three"], "whoever logs in again"


def test_sqlite_is_saved_and_put_back_as_the_guide_says(tmp_path: Path) -> None:
    require_program("sqlite3")
    for name in ("here", "copy"):
        (tmp_path / name).mkdir()
    records = tmp_path / "here" / "records.sqlite3"
    site = Site(Installation.make(tmp_path / "here", DATABASE_URL=f"sqlite:///{records}"), tmp_path / "copy")
    dump = re.search(r"`(sqlite3 .*?)`", GUIDE)
    assert dump is not None
    with site.installation.serve() as server:
        versions = server.create_collection()
        upload(server, versions, b"one")
        site.do(dump[1])
        upload(server, versions, b"two")
    for file in records.parent.glob(f"{records.name}*"):
        file.unlink()
    shutil.copy(site.copy / "database.new", records)
    with site.installation.with_settings(READ_ONLY="true").serve() as server:
        assert stored(server, versions) == [b"one"]

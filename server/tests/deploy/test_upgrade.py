"""The guide to upgrades, walked: its commands are run as they stand, on this machine's places and without its services."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from world.console import run
from world.instance import Installation
from world.postgres import PostgresCluster
from world.programs import require_program
from world.sources import ROOT

GUIDE = (ROOT / "docs" / "howto" / "upgrade.md").read_text()
INSTALL, LOOK_AHEAD, SWITCH, WAY_BACK = (
    re.sub("^   ", "", block, flags=re.MULTILINE)
    for block in re.findall(r"^ *```sh\n(.*?)^ *```$", GUIDE, re.MULTILINE | re.DOTALL)
)
SUDO = '#!/bin/sh\nshift 2\ncase "$1" in --preserve-env=*) shift;; esac\nexec "$@"\n'
"""Stays who we are: `sudo -u WHO [--preserve-env=…] COMMAND`."""
SYSTEMCTL = '#!/bin/sh\necho "$@" >> "$SERVICES"\n'
"""Writes down what it is told."""
PROGRAM = '#!/bin/sh\ncd "$HERE" && exec {python} -m backup_repository "$@"\n'


@dataclass(frozen=True, slots=True)
class Machine:
    """An installation on PostgreSQL, and what stands in for the directories and services of its machine."""

    installation: Installation
    root: Path

    @property
    def link(self) -> Path:
        """Which version is in use."""
        return self.root / "opt" / "backup-repository"

    def do(self, block: str) -> str:
        """Run a block of the guide and return what it prints."""
        database = urlsplit(self.installation.database)
        name = database.path.removeprefix("/")
        block = block.replace("/opt/", f"{self.root}/opt/").replace(" /mnt/copy/", f" {self.root}/copy/")
        block = block.replace("ln -sfn ", f"cd {self.root}/opt && ln -sfn ")
        block = re.sub(r"(dropdb|UTF8|--dbname) backup\b", rf"\1 {name}", block)
        environment = {
            **os.environ,
            **self.installation.environment,
            "PATH": f"{self.root}/bin{os.pathsep}{os.environ['PATH']}",
            "HERE": str(self.installation.root),
            "SERVICES": str(self.root / "services"),
            "PGHOST": database.hostname or "",
            "PGPORT": str(database.port),
            "PGUSER": database.username or "",
        }
        block = block.replace("export BACKUP_REPOSITORY_CONFIG=", "unused=")  # the settings are in the environment here
        result = subprocess.run(
            ["bash", "-eu", "-c", block], cwd=self.root, env=environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    def ask(self, statement: str) -> None:
        """Let the database do something."""
        command = [require_program("psql"), "--quiet", "--dbname", self.installation.database, "--command", statement]
        subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def machine(tmp_path: Path, postgres: PostgresCluster) -> Machine:
    for program in ("createdb", "dropdb", "pg_dump", "pg_restore", "psql"):
        require_program(program)
    for name in ("here", "copy", "bin"):
        (tmp_path / name).mkdir()
    for name, text in (("sudo", SUDO), ("systemctl", SYSTEMCTL)):
        write_program(tmp_path / "bin" / name, text)
    for version in ("5.0", "5.1"):
        place = tmp_path / "opt" / f"backup-repository-{version}" / "bin" / "backup-repository"
        write_program(place, PROGRAM.format(python=sys.executable))
    (tmp_path / "opt" / "backup-repository").symlink_to("backup-repository-5.0")
    return Machine(Installation.make(tmp_path / "here", DATABASE_URL=postgres.create_database()), tmp_path)


def write_program(place: Path, text: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    place.chmod(0o755)


def test_the_new_version_is_tried_beside_the_old_one_and_then_takes_its_place(machine: Machine) -> None:
    assert machine.do(LOOK_AHEAD) == "", "nothing is missing"
    machine.do(SWITCH)
    assert machine.link.readlink() == Path("backup-repository-5.1")
    assert (machine.root / "services").read_text() == "restart backup-repository.service\n"


def test_the_way_back_undoes_a_migration(machine: Machine) -> None:
    """What came after the copy has no row any more, as the guide says; everything before it is there."""
    with machine.installation.serve() as server:
        versions = server.create_collection()
        assert server.direct.ask("POST", versions, server.bearer, b"before").status == 200
        dump = f"pg_dump --format=custom --dbname={machine.installation.database} > copy/database.dump"
        machine.do(dump)
        assert server.direct.ask("POST", versions, server.bearer, b"after").status == 200
    machine.do(SWITCH)
    machine.ask("CREATE TABLE of_a_later_version (x integer); UPDATE alembic_version SET version_num = '9999'")
    assert "newer than this program" in run(machine.installation, "db", "migrate").err
    machine.do(WAY_BACK)
    assert machine.link.readlink() == Path("backup-repository-5.0")
    assert machine.do(LOOK_AHEAD) == ""
    with machine.installation.serve() as server:
        assert list(server.direct.ask("GET", versions, server.bearer).json()["versions"]) == ["1"]
        assert server.direct.ask("GET", f"{versions}/latest", server.bearer).body == b"before"
        assert len(server.blobs()) == 2, "no row, and still there"
        machine.do("! psql --dbname " + machine.installation.database + " --command 'TABLE of_a_later_version'")


def test_versions_are_installed_beside_each_other_as_the_deployment_does() -> None:
    deployment = (ROOT / "docs" / "howto" / "deploy.md").read_text()
    assert "python3 -m venv /opt/backup-repository-5.0 " in deployment
    assert "ln -s backup-repository-5.0 /opt/backup-repository\n" in deployment
    places = set(re.findall(r"/opt/[\w.-]+", INSTALL))
    assert places == {"/opt/backup-repository-5.1"}
    for file in re.findall(r"(requirements/\S+)", INSTALL):
        assert (ROOT / file).is_file()
    unit = (ROOT / "deploy" / "systemd" / "backup-repository.service").read_text()
    assert "ExecStart=/opt/backup-repository/bin/backup-repository serve --migrate\n" in unit

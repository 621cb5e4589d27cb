"""Keys that the tests of encryption share; making them takes seconds."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from realm.methods import age_entry, gpg_entry
from world.programs import require_program

from bahub.config.model import Encryption
from bahub.encryption.registry import method_of
from bahub.masking import Secret

PASSPHRASE = "correct horse battery staple"


@pytest.fixture(scope="session")
def age(tmp_path_factory: pytest.TempPathFactory) -> Encryption:
    """An entry for age with its identity."""
    identity_file = tmp_path_factory.mktemp("age") / "identity.txt"
    (key,) = method_of(age_entry(identity_file)).generate()
    return age_entry(identity_file, key.recipient)


@pytest.fixture(scope="session")
def gpg(tmp_path_factory: pytest.TempPathFactory) -> Encryption:
    """An entry for GnuPG with a secret key that a passphrase protects."""
    require_program("gpg")
    entry = gpg_entry(tmp_path_factory.mktemp("gpg") / "home", passphrase=Secret(PASSPHRASE))
    method_of(entry).generate()
    return entry


@pytest.fixture
def public_only(gpg: Encryption, tmp_path: Path) -> Encryption:
    """An entry for the same key on a machine that only makes backups."""
    exported = subprocess.run(
        ["gpg", "--homedir", str(gpg.spec["gnupg_home"]), "--batch", "--export"], capture_output=True, check=True
    ).stdout
    home = tmp_path / "backup-only"
    home.mkdir(mode=0o700)
    imported = ["gpg", "--homedir", str(home), "--batch", "--no-autostart", "--import"]
    subprocess.run(imported, input=exported, capture_output=True, check=True)
    return gpg_entry(home)


@pytest.fixture
def own_gpg(gpg: Encryption, tmp_path: Path) -> Encryption:
    """A copy of the entry for GnuPG, whose directory a test may change."""
    home = tmp_path / "own"
    passing = shutil.ignore_patterns("S.*", ".#*", "*.lock")  # sockets and locks of an agent that is ending
    shutil.copytree(str(gpg.spec["gnupg_home"]), home, ignore=passing)
    return gpg_entry(home, passphrase=Secret(PASSPHRASE))
